// `cancel`: ends a job; its output does not appear.

#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/view/json.hpp"
#include "cli/view/names.hpp"

namespace fanfold::cli {
namespace {

Result<proto::JobStatus> cancel(Client& client, JobId job) {
  FANFOLD_ASSIGN_OR_RETURN(proto::JobStatus before, get_job(client, job));
  if (proto::is_final(before.state)) {
    return Status(StatusCode::kInvalidArgument, "job " + std::to_string(job.value) + " is over: " +
                                                    proto::name_of(before.state) + ".");
  }
  // Asked apart from following: a job may be another's, and then that is the answer.
  proto::CancelJob request;
  request.job = job;
  // The job that was just looked at, and not one of the same number.
  request.state_id = client.state_id();
  FANFOLD_RETURN_IF_ERROR(client.ask<proto::Answer>(request).status());
  return client.follow(job, {});
}

int cancel_main(const Environment& environment, const Arguments& arguments) {
  const Result<JobId> job = parse_job(arguments.positionals().front());
  if (!job.ok()) return report(job.status());
  const Result<std::unique_ptr<Client>> client = connect_to_master(environment, arguments);
  if (!client.ok()) return report(client.status());
  const Result<proto::JobStatus> status = cancel(**client, *job);
  if (!status.ok()) return report(status.status());
  if (arguments.has("json")) {
    print(to_json(*status));
  } else {
    print("job " + std::to_string(job->value) + " " + proto::name_of(status->state) + "\n");
  }
  return status->state == proto::JobState::kCancelled ? kExitDone : kExitFailed;
}

}  // namespace

Command cancel_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "cancel";
  syntax.positionals = "JOB_ID";
  syntax.summary = "Cancels a running job and waits until it has ended.";
  syntax.flags = {master_flag(), key_flag(), json_flag()};
  syntax.positionals_min = syntax.positionals_max = 1;
  command.run = cancel_main;
  return command;
}

}  // namespace fanfold::cli
