// `logs`: what attempts wrote, and how they ended.

#include <poll.h>

#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/commands/log_follower.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/process/interrupts.hpp"
#include "cli/view/json.hpp"
#include "cli/view/names.hpp"
#include "cli/view/summary.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

std::string entry_text(const proto::LogEntry& entry) {
  std::string text = "== " + name_of(entry.task) + "." + std::to_string(entry.attempt_number) +
                     " on " + printable(entry.worker, false) + ": " +
                     printable(entry.outcome, false) + "\n";
  std::string log = printable(entry.text, true);
  if (!log.empty() && !log.ends_with('\n')) log += '\n';
  text += log;
  if (entry.failure.kind == proto::FailureKind::kNone) return text;
  text += cause_line(entry.failure) + "\n";
  if (!entry.failure.record_file.empty()) {
    text += "record: " + printable(entry.failure.record_file, false) + ", byte " +
            std::to_string(entry.failure.record_offset) + "\n";
  }
  if (!entry.failure.key.empty()) text += "key: " + printable(entry.failure.key, false) + "\n";
  for (std::size_t i = 0; i < entry.failure.stack.size(); ++i) {
    text += "  #" + std::to_string(i) + " " + printable(entry.failure.stack[i], false) + "\n";
  }
  return text;
}

/// A follower asks this often.
constexpr int kFollowMilliseconds = 200;

proto::GetLogs question_about(const LogTarget& target) {
  proto::GetLogs question;
  question.job = target.job;
  question.one_task = target.task.has_value();
  question.task = target.task.value_or(TaskId{});
  question.attempt_number = target.attempt_number;
  return question;
}

int follow_logs(const Environment& environment, const Arguments& arguments,
                const LogTarget& target) {
  const Result<MasterPlace> address = find_master(environment, arguments);
  if (!address.ok()) return report(address.status());
  Interrupts interrupts;
  const Result<std::unique_ptr<Client>> client = connect_interruptibly(*address, interrupts);
  if (!client.ok()) return report(client.status());
  LogFollower::Hooks hooks;
  hooks.asking.on_wake = [&interrupts] {
    interrupts.drain();
    return interrupts.count() > 0 ? Attention::kAbandon : Attention::kNone;
  };
  const Result<proto::Logs> logs =
      (*client)->ask<proto::Logs>(question_about(target), hooks.asking);
  if (interrupts.count() > 0) return kExitInterrupted;
  if (!logs.ok()) return report(logs.status());
  hooks.print = [](const std::string& text) { print(text); };
  hooks.wait = [&interrupts] {
    pollfd wait = {interrupts.descriptor(), POLLIN, 0};
    ::poll(&wait, 1, kFollowMilliseconds);
    interrupts.drain();
    return interrupts.count() == 0;
  };
  LogFollower follower(**client, target, hooks);
  for (const proto::LogEntry& entry : logs->entries) {
    if (entry.outcome == "running") continue;
    print(entry_text(entry));
    follower.skip(entry.attempt);
  }
  const Status status = follower.run();
  if (interrupts.count() > 0) return kExitInterrupted;
  return status.ok() ? kExitDone : report(status);
}

int logs_main(const Environment& environment, const Arguments& arguments) {
  const Result<LogTarget> target = parse_log_target(arguments.positionals().front());
  if (!target.ok()) return report(target.status());
  if (arguments.has("follow")) {
    if (arguments.has("json")) {
      return report(
          Status(StatusCode::kInvalidArgument,
                 "--json makes no sense with --follow; 'fanfold events -f' prints JSON."));
    }
    return follow_logs(environment, arguments, *target);
  }
  const Result<std::unique_ptr<Client>> client = connect_to_master(environment, arguments);
  if (!client.ok()) return report(client.status());
  const Result<proto::Logs> logs = (*client)->ask<proto::Logs>(question_about(*target));
  if (!logs.ok()) return report(logs.status());
  if (arguments.has("json")) {
    print(to_json(logs->entries));
    return kExitDone;
  }
  if (logs->entries.empty()) {
    return report(Status(StatusCode::kNotFound,
                         "there are no logs of " + arguments.positionals().front() +
                             ": no such attempt has ended, or they have been dropped for newer "
                             "ones."));
  }
  for (const proto::LogEntry& entry : logs->entries) print(entry_text(entry));
  return kExitDone;
}

}  // namespace

Command logs_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "logs";
  syntax.positionals = "JOB_ID[/TASK[.ATTEMPT]]";
  syntax.summary = "Prints what the attempts of a job wrote and how they ended.";
  syntax.description =
      "TASK is map-N, reduce-N, gather-N or sample: 'fanfold logs 3/map-7.1'. With --follow also "
      "what "
      "attempts "
      "that\n"
      "run write, as they write it.";
  syntax.flags = {{"follow", 'f', "", "Go on until the job is over.", false},
                  master_flag(),
                  key_flag(),
                  json_flag()};
  syntax.positionals_min = syntax.positionals_max = 1;
  command.run = logs_main;
  return command;
}

}  // namespace fanfold::cli
