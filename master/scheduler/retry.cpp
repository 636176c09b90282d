#include "master/scheduler/retry.hpp"

#include <algorithm>
#include <string>

#include "master/scheduler/policy.hpp"

namespace fanfold::master::scheduling {
namespace {

using proto::FailureKind;

bool names(const std::string& error, FailureKind kind) {
  if (error == "States.ALL") return true;
  const bool timed_out = kind == FailureKind::kTimeout || kind == FailureKind::kStalled;
  if (error == "States.TaskFailed") return !timed_out;
  if (error == "States.Timeout") return timed_out;
  if (error == "States.HeartbeatTimeout") return kind == FailureKind::kStalled;
  // One kind of failure for what cannot be read, whatever the reason.
  if (error == "Data.Corrupt") return kind == FailureKind::kInput;
  return error == proto::error_name(kind);
}

/// Uniform in [0, delay], from what is the same for every master.
Duration jittered(Duration delay, const TaskId& task, std::uint32_t failure) {
  const std::uint64_t bits =
      mixed_bits(task.job.value << 32 ^ std::uint64_t{task.index} << 16 ^
                 static_cast<std::uint64_t>(task.stage) << 8 ^ std::uint64_t{failure} << 48);
  return Duration(
      static_cast<std::int64_t>(bits % (static_cast<std::uint64_t>(delay.count()) + 1)));
}

}  // namespace

std::optional<std::size_t> retrier_for(const std::vector<proto::Retrier>& retry, FailureKind kind) {
  for (std::size_t i = 0; i < retry.size(); ++i) {
    const std::vector<std::string>& errors = retry[i].errors;
    if (std::any_of(errors.begin(), errors.end(),
                    [kind](const std::string& error) { return names(error, kind); })) {
      return i;
    }
  }
  return std::nullopt;
}

Duration retrier_delay(const proto::Retrier& retrier, std::uint32_t n) {
  const std::uint64_t longest_us = retrier.delay_ms_max != 0
                                       ? std::min(retrier.delay_ms_max, kRetryDelayMsMost) * 1000
                                       : kRetryDelayMsMost * 1000;
  std::uint64_t us = std::min(retrier.interval_ms, kRetryDelayMsMost) * 1000;
  for (std::uint32_t i = 1; i < n && us < longest_us; ++i) {
    // A rate is at most a million per mille, a delay less than 2^40 us: no overflow.
    us = us * retrier.backoff_per_mille / 1000;
  }
  return std::chrono::microseconds(std::min(us, longest_us));
}

void count_failure(const Job& job, Trouble& trouble, FailureKind kind) {
  ++trouble.failures;
  const std::optional<std::size_t> retrier = retrier_for(job.retry, kind);
  if (!retrier) return;
  trouble.retried.resize(job.retry.size());
  ++trouble.retried[*retrier];
}

std::optional<Duration> next_try(const Job& job, const TaskId& task, const Trouble& trouble,
                                 FailureKind kind) {
  // What gather tasks and shares have left is committed, and never made again: what another worker
  // finds damaged, too, stays so.
  const bool folded = task.stage == Stage::kReduce && job.shares.find(task.index) != nullptr;
  const bool stays = (task.stage == Stage::kGather || folded) && kind == FailureKind::kInput;
  if (stays && trouble.failures >= kGatherInputTries) return std::nullopt;
  if (job.retry.empty()) {
    if (trouble.failures >= job.attempts_max) return std::nullopt;
    return retry_delay(trouble.failures);
  }
  const std::optional<std::size_t> which = retrier_for(job.retry, kind);
  if (!which) return std::nullopt;
  const proto::Retrier& retrier = job.retry[*which];
  const std::uint32_t n = trouble.retried.at(*which);
  // Each of several replicas may fail as often.
  if (n >= (retrier.attempts_max + 1) * job.replicas.replicas) return std::nullopt;
  const Duration delay = retrier_delay(retrier, n);
  return retrier.jitter == proto::Jitter::kFull ? jittered(delay, task, trouble.failures) : delay;
}

}  // namespace fanfold::master::scheduling
