#include "master/service/completion.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "common/core/limits.hpp"
#include "common/proto/completion_text.hpp"
#include "master/scheduler/completion.hpp"
#include "master/scheduler/retry.hpp"

namespace fanfold::master {
namespace {

using proto::CompletionPolicy;
using proto::CompletionRule;

/// Ten years: beyond it somebody has mistaken the unit.
constexpr std::uint64_t kDeadlineMsMost = std::uint64_t{10} * 365 * 24 * 3600 * 1000;
constexpr std::size_t kRetriersMost = 16;

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

std::string tasks(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " map task" : " map tasks");
}

std::string seconds(std::uint64_t ms) {
  return std::to_string(ms / 1000) + "." + std::to_string(1000 + ms % 1000).substr(1) + " s";
}

bool is_known_error(std::string_view name) {
  constexpr std::array kNames = {
      "States.ALL",          "States.TaskFailed", "States.Timeout", "States.HeartbeatTimeout",
      "Task.Exception",      "Task.Signal",       "Task.Exit",      "Task.Timeout",
      "Task.Stalled",        "Task.OutOfMemory",  "Data.Corrupt",   "Input.Missing",
      "Plugin.Incompatible", "Task.GivenBack"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

Status check_retrier(const proto::Retrier& retrier, bool last) {
  if (retrier.errors.empty()) return refuse("an entry of Retry has no ErrorEquals");
  for (const std::string& error : retrier.errors) {
    if (!is_known_error(error)) {
      return refuse("Retry names the error '" + error.substr(0, 200) + "', which there is not");
    }
    if (error == "States.ALL" && (retrier.errors.size() > 1 || !last)) {
      return refuse("States.ALL must stand alone in its ErrorEquals, and its entry last in Retry");
    }
  }
  if (retrier.backoff_per_mille < 1000) {
    return refuse("the BackoffRate of a Retry is below 1.0: waits would become shorter");
  }
  if (retrier.backoff_per_mille > scheduling::kBackoffPerMilleMost) {
    return refuse("the BackoffRate of a Retry is above 1000");
  }
  if (retrier.interval_ms > scheduling::kRetryDelayMsMost ||
      retrier.delay_ms_max > scheduling::kRetryDelayMsMost) {
    return refuse("a Retry waits for longer than a day");
  }
  return {};
}

}  // namespace

Status check_completion(const proto::JobSpec& spec) {
  const CompletionPolicy& policy = spec.completion;
  const std::string text = proto::text_of(policy);
  const bool counts =
      policy.rule == CompletionRule::kMinSuccessful || policy.rule == CompletionRule::kQuorum;
  if (!counts && policy.count != 0) return refuse("completion " + text + ": it takes no number");
  if (policy.rule != CompletionRule::kMinSuccessful && policy.per_million != 0) {
    return refuse("completion " + text + ": only min-successful takes a percentage");
  }
  if (policy.rule == CompletionRule::kMinSuccessful) {
    if ((policy.count != 0) == (policy.per_million != 0)) {
      return refuse("completion " + text +
                    ": at least one task, or more than 0 % of them, must succeed");
    }
    if (policy.per_million > 1'000'000) {
      return refuse("completion " + text + ": more than all tasks cannot succeed");
    }
  }
  if (spec.deadline_ms > kDeadlineMsMost) {
    return refuse("a deadline of " + seconds(spec.deadline_ms) + " is more than ten years away");
  }
  if (spec.deadline_ms == 0 && spec.on_deadline == proto::OnDeadline::kPartial) {
    return refuse("what to do at the deadline is said, but there is no deadline");
  }
  return {};
}

Status check_completion(const proto::JobSpec& spec, std::size_t maps, Duration planning) {
  const CompletionPolicy& policy = spec.completion;
  const std::uint32_t needed = maps_needed(policy, static_cast<std::uint32_t>(maps));
  if (needed > maps) {
    return refuse("completion " + proto::text_of(policy) + " can never be met: " + tasks(needed) +
                  " would have to succeed, and the input makes " +
                  (maps == 0 ? "none" : "only " + tasks(maps)) +
                  ". Ask for fewer, or choose smaller splits (--split-bytes)");
  }
  if (policy.rule == CompletionRule::kQuorum && 2 * std::uint64_t{needed} <= maps) {
    return refuse("completion " + proto::text_of(policy) + ": " + std::to_string(needed) + " of " +
                  tasks(maps) + " is no majority, so it is no quorum; ask for at least " +
                  std::to_string(maps / 2 + 1) +
                  ", or for min-successful=" + std::to_string(needed));
  }
  const auto took = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(planning).count());
  if (spec.deadline_ms != 0 && took >= spec.deadline_ms) {
    return refuse("the deadline of " + seconds(spec.deadline_ms) +
                  " passed before anything could start: looking at the input took " +
                  seconds(took));
  }
  return {};
}

Status check_bad_records(const proto::JobSpec& spec) {
  const proto::BadRecordPolicy& policy = spec.bad_records;
  if (!policy.tolerant() && (policy.records_max != 0 || policy.per_million != 0)) {
    return refuse("it is said how many bad records are allowed, but a bad record fails the job");
  }
  if (policy.per_million > 1'000'000) {
    return refuse("more than a million in a million records cannot be bad");
  }
  return {};
}

Status check_control(const proto::JobControl& control) {
  if (control.priority > proto::kPriorityMax) {
    return refuse("a priority of " + std::to_string(control.priority) + ": it is 0 to " +
                  std::to_string(proto::kPriorityMax));
  }
  if (control.weight == 0 || control.weight > proto::kWeightMax) {
    return refuse("a weight of " + std::to_string(control.weight) + ": it is 1 to " +
                  std::to_string(proto::kWeightMax));
  }
  if (control.failures_per_million > proto::kWhole) {
    return refuse("more than all of the items cannot fail");
  }
  return {};
}

Status check_retry(const proto::JobSpec& spec) {
  if (spec.retry.empty()) return {};
  if (spec.retry.size() > kRetriersMost) {
    return refuse("a Retry has " + std::to_string(spec.retry.size()) + " entries; at most " +
                  std::to_string(kRetriersMost) + " are allowed");
  }
  if (spec.attempts_max != 0) {
    return refuse("a job has either a number of attempts or a Retry, not both");
  }
  std::uint64_t attempts = 1;
  for (const proto::Retrier& retrier : spec.retry) {
    FANFOLD_RETURN_IF_ERROR(check_retrier(retrier, &retrier == &spec.retry.back()));
    attempts += retrier.attempts_max;
  }
  if (attempts > limits::kAttemptsPerTaskMost) {
    return refuse("the Retry allows " + std::to_string(attempts) + " attempts of a task; at most " +
                  std::to_string(limits::kAttemptsPerTaskMost) + " are allowed");
  }
  return {};
}

}  // namespace fanfold::master
