// `trace`: a job for the trace viewers of browsers.

#include "cli/report/trace.hpp"
#include "cli/commands/command.hpp"
#include "cli/commands/history_source.hpp"

namespace fanfold::cli {
namespace {

int trace_main(const Environment& environment, const Arguments& arguments) {
  return convert_history(environment, arguments, trace_json);
}

}  // namespace

Command trace_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "trace";
  syntax.positionals = "JOB_ID|EVENTS.jsonl";
  syntax.summary = "Writes the attempts of a job for trace viewers (Chrome trace format).";
  syntax.description = "Open the file in ui.perfetto.dev or chrome://tracing.";
  syntax.flags = {result_flag("Where the trace goes. Default: standard output."), master_flag()};
  syntax.positionals_min = syntax.positionals_max = 1;
  command.run = trace_main;
  return command;
}

}  // namespace fanfold::cli
