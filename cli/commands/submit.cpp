// `submit`: hands a job to a cluster and prints its id.

#include <unistd.h>

#include <optional>

#include "cli/client/submission.hpp"
#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/commands/job_flags.hpp"
#include "cli/commands/job_profile.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/view/json.hpp"

namespace fanfold::cli {
namespace {

/// Whether a directory was made for it.
Result<bool> ask_for_samples(const Environment& environment, const Arguments& arguments,
                             proto::JobSpec* spec) {
  const std::optional<std::string> directory = arguments.value("profile");
  if (!directory) return false;
  spec->profile = absolute_path(environment.working_directory, *directory);
  // Of a job with this id the samples may be there already: it is submitted once more.
  return prepare_sample_directory(spec->profile, arguments.has("client-id"));
}

Result<JobId> submit(const Environment& environment, const Arguments& arguments) {
  if (arguments.positionals().size() < 2 && !arguments.has("open")) {
    return Status(StatusCode::kInvalidArgument,
                  "an INPUT is missing; write: fanfold submit JOB INPUT... -o DIR\n"
                  "Only a job that is fed while it runs (--open) needs none.");
  }
  FANFOLD_ASSIGN_OR_RETURN(JobRequest request, make_job_request(arguments));
  request.open = arguments.has("open");
  FANFOLD_ASSIGN_OR_RETURN(const MasterPlace place, find_master(environment, arguments));
  FANFOLD_ASSIGN_OR_RETURN(proto::JobSpec spec,
                           make_job_spec(surroundings_of(environment), request));
  if (has_standard_input(spec)) {
    return Status(StatusCode::kInvalidArgument,
                  "'submit' cannot read standard input ('-'): the job outlives this command.\n"
                  "Put the input into a file, or use 'fanfold run'.");
  }
  FANFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<Client> client,
                           connect_client(place, steady_clock(), {}));
  FANFOLD_ASSIGN_OR_RETURN(const bool made, ask_for_samples(environment, arguments, &spec));
  Result<JobId> job = submit_job(
      *client, spec, {}, [](const std::string& what) { print_error("fanfold: " + what + "\n"); });
  if (job.ok()) return job;
  // Of a job that was refused nothing will come; one that was accepted all the same may have begun.
  if (made) ::rmdir(spec.profile.c_str());
  return job;
}

int submit_main(const Environment& environment, const Arguments& arguments) {
  const Result<JobId> job = submit(environment, arguments);
  if (!job.ok()) return report(job.status());
  const std::string id = std::to_string(job->value);
  print(arguments.has("json") ? "{\"job\": " + id + "}\n" : id + "\n");
  return kExitDone;
}

}  // namespace

Command submit_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "submit";
  syntax.positionals = "JOB INPUT... -o DIR";
  syntax.summary = "Hands a job to a cluster, prints its id and returns.";
  syntax.description = "JOB and INPUT are those of 'fanfold run'; 'fanfold wait' follows the job.";
  syntax.flags = job_flags();
  syntax.flags.push_back({"profile", '\0', "DIR",
                          "Keep samples of what executors do in this new directory, which all "
                          "workers see: 'fanfold profile' draws them.",
                          false});
  // Here alone: whoever waits for a job, as 'run' does, cannot feed it.
  syntax.flags.push_back({"open", '\0', "",
                          "More input comes while the job runs, by 'fanfold feed', until 'fanfold "
                          "feed --close'.",
                          false});
  syntax.flags.push_back(master_flag());
  syntax.flags.push_back(key_flag());
  syntax.flags.push_back(json_flag());
  syntax.positionals_min = 1;
  syntax.positionals_max = static_cast<std::size_t>(-1);
  command.run = submit_main;
  return command;
}

}  // namespace fanfold::cli
