// `wait`: follows a job to its end; interrupting it leaves the job alone.

#include <unistd.h>

#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/commands/session.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/view/names.hpp"

namespace fanfold::cli {
namespace {

int wait_main(const Environment& environment, const Arguments& arguments) {
  const Result<JobId> job = parse_job(arguments.positionals().front());
  if (!job.ok()) return report(job.status());
  const Result<MasterPlace> address = find_master(environment, arguments);
  if (!address.ok()) return report(address.status());
  Interrupts interrupts;
  const Result<std::unique_ptr<Client>> client = connect_interruptibly(*address, interrupts);
  if (!client.ok()) return report(client.status());

  const bool quiet = arguments.has("quiet");
  Display display(STDERR_FILENO, choose_display(STDERR_FILENO, quiet, environment.terminal),
                  !environment.no_colour);
  SessionOptions options;
  options.interrupts = &interrupts;
  options.display = &display;
  options.cancel_on_interrupt = false;
  const Conclusion conclusion = Session(**client, options).follow(*job);

  ReportOptions report_options;
  report_options.quiet = quiet;
  report_options.json = arguments.has("json");
  report_options.master = address->address;
  if (conclusion.status.has_value()) report_options.wall_ms = conclusion.status->elapsed_ms;
  return report_conclusion(conclusion, report_options);
}

}  // namespace

Command wait_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "wait";
  syntax.positionals = "JOB_ID";
  syntax.summary = "Waits until a submitted job is over, showing its progress.";
  syntax.description =
      "The exit code is that of 'fanfold run'. Ctrl-C ends the waiting, not the job.";
  syntax.flags = {master_flag(),
                  key_flag(),
                  {"quiet", 'q', "", "Print nothing but errors.", false},
                  json_flag()};
  syntax.positionals_min = syntax.positionals_max = 1;
  command.run = wait_main;
  return command;
}

}  // namespace fanfold::cli
