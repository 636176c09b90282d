// `set`, `pause`, `resume`: change a job while it runs.

#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/commands/control_flags.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/view/json.hpp"
#include "cli/view/names.hpp"
#include "cli/view/summary.hpp"

namespace fanfold::cli {
namespace {

Result<proto::JobStatus> change(const Environment& environment, const Arguments& arguments,
                                const proto::JobChange& wanted) {
  FANFOLD_ASSIGN_OR_RETURN(const JobId job, parse_job(arguments.positionals().front()));
  FANFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<Client> client,
                           connect_to_master(environment, arguments));
  FANFOLD_ASSIGN_OR_RETURN(const proto::Answer answer, client->ask<proto::Answer>(proto::ChangeJob{
                                                           .job = job, .change = wanted}));
  static_cast<void>(answer);
  return get_job(*client, job);
}

int change_main(const Environment& environment, const Arguments& arguments,
                const proto::JobChange& wanted) {
  const Result<proto::JobStatus> status = change(environment, arguments, wanted);
  if (!status.ok()) return report(status.status());
  if (arguments.has("json")) {
    print(to_json(*status));
  } else {
    print("job " + std::to_string(status->job.value) + ": " + control_text(status->control) + "\n");
  }
  return kExitDone;
}

int set_main(const Environment& environment, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positionals();
  const auto wanted = read_changes({words.begin() + 1, words.end()});
  if (!wanted.ok()) return report(wanted.status());
  return change_main(environment, arguments, *wanted);
}

int pause_main(const Environment& environment, const Arguments& arguments) {
  return change_main(environment, arguments, {.paused = true, .to = {.paused = true}});
}

int resume_main(const Environment& environment, const Arguments& arguments) {
  return change_main(environment, arguments, {.paused = true, .to = {.paused = false}});
}

Command make_command(const char* name, const char* summary) {
  Command command;
  command.syntax.command = name;
  command.syntax.summary = summary;
  command.syntax.positionals = "JOB_ID";
  command.syntax.flags = {master_flag(), json_flag()};
  command.syntax.positionals_min = command.syntax.positionals_max = 1;
  return command;
}

}  // namespace

Command set_command() {
  Command command = make_command(
      "set", "Changes a running job: MaxConcurrency, Priority, Weight, tolerated failures.");
  command.syntax.positionals = "JOB_ID NAME=VALUE...";
  command.syntax.positionals_min = 2;
  command.syntax.positionals_max = static_cast<std::size_t>(-1);
  command.run = set_main;
  return command;
}

Command pause_command() {
  Command command = make_command("pause", "Starts nothing new of a job; what runs goes on.");
  command.run = pause_main;
  return command;
}

Command resume_command() {
  Command command = make_command("resume", "Goes on with a job that was paused.");
  command.run = resume_main;
  return command;
}

}  // namespace fanfold::cli
