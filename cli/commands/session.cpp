#include "cli/commands/session.hpp"

#include <algorithm>
#include <utility>

#include "cli/client/submission.hpp"
#include "cli/commands/record_excerpt.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/view/json.hpp"
#include "cli/view/summary.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;

// Cancelling kills executors and removes files; a master that needs longer than this is stuck.
constexpr Duration kCancelPatience = 10s;

}  // namespace

Session::Session(Client& client, SessionOptions options)
    : client_(client), options_(std::move(options)) {}

Attention Session::attend() {
  options_.interrupts->drain();
  if (options_.check) check_failed_ = options_.check();
  if (!check_failed_.ok()) return Attention::kAbandon;
  const int interrupts = options_.interrupts->count();
  if (interrupts == 0) return Attention::kNone;
  if (interrupts > 1 || !options_.cancel_on_interrupt) return Attention::kAbandon;
  const Instant now = steady_clock().now();
  if (!cancelled_at_.has_value()) cancelled_at_ = now;
  return now - *cancelled_at_ > kCancelPatience ? Attention::kAbandon : Attention::kCancel;
}

void Session::tell_silence() {
  options_.display->finish();
  print_error("fanfold: the master at " + client_.address() +
              " does not answer; waiting up to 60 s for it to come back\n");
}

// An interrupt while the master decides does not end the wait: without the job's id the job could
// not be cancelled.  The second one does.
Result<JobId> Session::submit(const proto::JobSpec& spec) {
  FollowHooks hooks;
  hooks.on_wake = [this] {
    const Attention attention = attend();
    const bool ends = attention == Attention::kAbandon ||
                      (options_.abandon_submission && attention == Attention::kCancel);
    return ends ? Attention::kAbandon : Attention::kNone;
  };
  hooks.on_silence = [this] { tell_silence(); };
  return submit_job(client_, spec, hooks, [this](const std::string& what) {
    options_.display->finish();
    print_error("fanfold: " + what + "\n");
  });
}

Conclusion Session::run(const proto::JobSpec& spec) {
  const Result<JobId> job = submit(spec);
  if (job.ok()) return follow(*job);
  Conclusion conclusion;
  conclusion.error = check_failed_.ok() ? job.status() : check_failed_;
  conclusion.interrupted = options_.interrupts->count() > 0;
  return conclusion;
}

Conclusion Session::follow(JobId job) {
  FollowHooks hooks;
  hooks.on_status = [this](const proto::JobStatus& status) {
    options_.display->show(steady_clock().now(), status);
  };
  hooks.on_wake = [this] { return attend(); };
  hooks.on_silence = [this] { tell_silence(); };
  Result<proto::JobStatus> status = client_.follow(job, hooks);
  options_.display->finish();
  Conclusion conclusion;
  conclusion.interrupted = options_.interrupts->count() > 0;
  if (!status.ok()) {
    conclusion.error = check_failed_.ok() ? status.status() : check_failed_;
    return conclusion;
  }
  conclusion.status = *std::move(status);
  conclusion.attempts = attempts_at_cause(client_, *conclusion.status);
  return conclusion;
}

std::vector<proto::LogEntry> attempts_at_cause(Client& client, const proto::JobStatus& status) {
  if (status.first_cause.kind == proto::FailureKind::kNone) return {};
  proto::GetLogs question;
  question.job = status.job;
  question.one_task = true;
  question.task = status.failed_task;
  // Nice to have: the first cause is in the status.
  Result<proto::Logs> logs = client.ask<proto::Logs>(question);
  return logs.ok() ? std::move(logs->entries) : std::vector<proto::LogEntry>();
}

void stop_in_order(Client& client, Interrupts& interrupts) {
  interrupts.drain();
  const int before = interrupts.count();
  FollowHooks hooks;
  hooks.on_wake = [&interrupts, before] {
    interrupts.drain();
    return interrupts.count() > before ? Attention::kAbandon : Attention::kNone;
  };
  static_cast<void>(client.ask<proto::Answer>(proto::StopCluster{}, hooks));
}

namespace {

int report_outcome(const Conclusion& conclusion, const ReportOptions& options) {
  if (!conclusion.status.has_value()) {
    if (conclusion.interrupted) {
      print_error("fanfold: interrupted.\n");
      return kExitInterrupted;
    }
    return report(conclusion.error);
  }
  const proto::JobStatus& status = *conclusion.status;
  if (options.json) print(to_json(status));
  if (status.state == proto::JobState::kSucceeded) {
    if (!options.json && !options.quiet) print(summary_text(status, options.wall_ms));
    return kExitDone;
  }
  if (status.state == proto::JobState::kPartial) {
    if (!options.json && !options.quiet) print(summary_text(status, options.wall_ms));
    print_error("fanfold: job " + status.job_name +
                " is partial: " + printable(status.reason, false) +
                "; _PARTIAL in its output lists what is missing.\n");
    return kExitPartial;
  }
  FailureContext context;
  context.attempts = conclusion.attempts;
  context.master = options.master;
  context.command = options.command;
  if (!options.events.empty()) {
    context.capsules = shell_command({options.events});
  } else if (!options.master.empty()) {
    context.capsules = std::to_string(status.job.value);
  }
  context.record_excerpt = record_excerpt(status.first_cause);
  print_error(failure_text(status, context));
  if (conclusion.interrupted && status.state == proto::JobState::kCancelled) {
    return kExitInterrupted;
  }
  return exit_code_of(status);
}

}  // namespace

int report_conclusion(const Conclusion& conclusion, const ReportOptions& options) {
  const int code = report_outcome(conclusion, options);
  if (conclusion.events_kept.ok()) return code;
  if (code != kExitDone) {
    report(conclusion.events_kept);
    return code;
  }
  return report(Status(
      conclusion.events_kept.code(),
      conclusion.events_kept.message() + "; the job itself is done, and its output in place"));
}

std::string shell_command(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    const bool plain = !word.empty() && word.find_first_not_of(
                                            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789@%+=:,./_-") == std::string::npos;
    if (!text.empty()) text += ' ';
    if (plain) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += '\'';
  }
  return text;
}

}  // namespace fanfold::cli
