// `report`: a job on one page, after it is over and its cluster gone.

#include "cli/report/report.hpp"

#include "cli/commands/command.hpp"
#include "cli/commands/history_source.hpp"
#include "cli/report/measures.hpp"

namespace fanfold::cli {
namespace {

std::string html_of(const JobHistory& history) { return report_html(history, analyse(history)); }

int report_main(const Environment& environment, const Arguments& arguments) {
  if (arguments.has("json") && arguments.has("text")) {
    return report(Status(StatusCode::kInvalidArgument, "--json and --text are one too many."));
  }
  if (arguments.has("json")) return convert_history(environment, arguments, measures_json);
  if (arguments.has("text")) return convert_history(environment, arguments, measures_text);
  return convert_history(environment, arguments, html_of);
}

}  // namespace

Command report_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "report";
  syntax.positionals = "JOB_ID|EVENTS.jsonl";
  syntax.summary =
      "Makes a page of a job: timeline, skew, stragglers, failures, what to change first.";
  syntax.description =
      "The page is one HTML file that needs nothing else. It is made from the event log of the "
      "job:\n"
      "of a master that still knows it, or a file of 'fanfold run --events FILE'.";
  syntax.flags = {result_flag("Where the page goes. Default: standard output."),
                  {"text", '\0', "", "The measures alone, for a terminal.", false},
                  master_flag(),
                  key_flag(),
                  {"json", '\0', "", "The same measures, for programs.", false}};
  syntax.positionals_min = syntax.positionals_max = 1;
  command.run = report_main;
  return command;
}

}  // namespace fanfold::cli
