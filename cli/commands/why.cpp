// `why`: what went wrong in a job, a task or an attempt, and what to do next.

#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/commands/record_excerpt.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/view/json.hpp"
#include "cli/view/names.hpp"
#include "cli/view/replicas.hpp"
#include "cli/view/summary.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

Result<std::vector<proto::LogEntry>> ended_attempts(Client& client, const LogTarget& target) {
  proto::GetLogs question;
  question.job = target.job;
  question.one_task = target.task.has_value();
  question.task = target.task.value_or(TaskId{});
  question.attempt_number = target.attempt_number;
  FANFOLD_ASSIGN_OR_RETURN(proto::Logs logs, client.ask<proto::Logs>(question));
  return std::move(logs.entries);
}

/// The failure that a block is shown of: the first one that a task answers for.
const proto::FailureReport* first_charged(const std::vector<proto::LogEntry>& entries) {
  for (const proto::LogEntry& entry : entries) {
    if (proto::charged_to_task(entry.failure.kind)) return &entry.failure;
  }
  return nullptr;
}

/// A job that goes on, or went well in spite of failures.
std::string text_of_no_failure(const proto::JobStatus& status, const FailureContext& context) {
  std::string text = "job " + std::to_string(status.job.value) + " (" + status.job_name + ") " +
                     (proto::is_final(status.state) ? "" : "is ") + proto::name_of(status.state);
  std::string replicas;
  for (const auto& [label, line] : replica_lines(status)) replicas += label + ": " + line + "\n";
  // Some say what it waits for.
  for (const std::string& note : status.notes) {
    if (!proto::is_final(status.state)) replicas += "note: " + printable(note, false) + "\n";
  }
  const bool none = status.failed_attempts == 0 && status.lost_attempts == 0;
  if (none) return text + "; no attempt has failed\n" + replicas;
  return text + "; " + plural(status.failed_attempts, "failed attempt") + ", " +
         plural(status.lost_attempts, "lost attempt") + "\n" + replicas + attempts_text(context);
}

std::string explain_job(Client& client, const proto::JobStatus& status, FailureContext context,
                        const LogTarget& job) {
  if (status.state != proto::JobState::kFailed && status.state != proto::JobState::kCancelled) {
    std::erase_if(context.attempts, [](const proto::LogEntry& entry) {
      return entry.failure.kind == proto::FailureKind::kNone;
    });
    return text_of_no_failure(status, context);
  }
  context.record_excerpt = record_excerpt(status.first_cause);
  if (status.first_cause.kind != proto::FailureKind::kNone) {
    LogTarget failed = job;
    failed.task = status.failed_task;
    // Of a job with many failures the newest are kept, so the failed task is asked for by name.
    auto attempts = ended_attempts(client, failed);
    if (attempts.ok()) context.attempts = *std::move(attempts);
  }
  return failure_text(status, context);
}

int why_main(const Environment& environment, const Arguments& arguments) {
  const Result<LogTarget> target = parse_log_target(arguments.positionals().front());
  if (!target.ok()) return report(target.status());
  const Result<std::unique_ptr<Client>> client = connect_to_master(environment, arguments);
  if (!client.ok()) return report(client.status());
  const Result<proto::JobStatus> status = get_job(**client, target->job);
  if (!status.ok()) return report(status.status());
  Result<std::vector<proto::LogEntry>> attempts = ended_attempts(**client, *target);
  if (!attempts.ok()) return report(attempts.status());
  if (arguments.has("json")) {
    print(to_json(*status, *attempts));
    return kExitDone;
  }
  FailureContext context;
  context.attempts = *std::move(attempts);
  context.master = (*client)->address();
  context.capsules = std::to_string(status->job.value);
  if (const auto* failure = first_charged(context.attempts)) {
    context.record_excerpt = record_excerpt(*failure);
  }
  if (!target->task.has_value()) {
    print(explain_job(**client, *status, std::move(context), *target));
    return kExitDone;
  }
  if (context.attempts.empty()) {
    return report(
        Status(StatusCode::kNotFound, "no attempt at " + arguments.positionals().front() +
                                          " has ended, or it was dropped for newer ones."));
  }
  print(attempts_text(context));
  return kExitDone;
}

}  // namespace

Command why_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "why";
  syntax.positionals = "JOB_ID[/TASK[.ATTEMPT]]";
  syntax.summary = "Says why a job, a task or an attempt failed, and what to do next.";
  syntax.description = "TASK is map-N, reduce-N, gather-N or sample: 'fanfold why 3/map-7'.";
  syntax.flags = {master_flag(), key_flag(), json_flag()};
  syntax.positionals_min = syntax.positionals_max = 1;
  command.run = why_main;
  return command;
}

}  // namespace fanfold::cli
