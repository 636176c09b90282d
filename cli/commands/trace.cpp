// `trace`: a job for the trace viewers of browsers.

#include "cli/report/trace.hpp"
#include "cli/commands/command.hpp"
#include "cli/commands/history_source.hpp"
#include "cli/commands/trace_export.hpp"
#include "cli/options/exit_codes.hpp"

namespace fanfold::cli {
namespace {

int send(const Environment& environment, const Arguments& arguments) {
  if (arguments.has("output")) {
    return report(Status(StatusCode::kInvalidArgument,
                         "--output makes no sense with --otlp: the trace goes to the collector."));
  }
  const Result<CollectorOptions> collector = otlp_flag_value(environment, arguments);
  if (!collector.ok()) return report(collector.status());
  const Result<JobHistory> history = load_history(environment, arguments);
  if (!history.ok()) return report(history.status());
  const Result<std::string> trace = send_trace(*collector, *history);
  if (!trace.ok()) return report(trace.status());
  print("trace " + *trace + "\n");
  return kExitDone;
}

int trace_main(const Environment& environment, const Arguments& arguments) {
  if (arguments.has("otlp")) return send(environment, arguments);
  return convert_history(environment, arguments, trace_json);
}

}  // namespace

Command trace_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "trace";
  syntax.positionals = "JOB_ID|EVENTS.jsonl";
  syntax.summary = "Writes the attempts of a job for trace viewers, or sends them to a collector.";
  syntax.description =
      "Open the file (Chrome trace format) in ui.perfetto.dev or chrome://tracing. With --otlp "
      "the\n"
      "trace goes to a collector of OpenTelemetry instead, and its id is printed.";
  syntax.flags = {result_flag("Where the trace goes. Default: standard output."), otlp_flag(),
                  master_flag(), key_flag()};
  syntax.positionals_min = syntax.positionals_max = 1;
  command.run = trace_main;
  return command;
}

}  // namespace fanfold::cli
