// Jobs that do without some of their maps, and deadlines.
//
// Until it is decided which maps a job covers, no reduce has been given out.  From then on the set
// is fixed: reduces read it and nothing else, an output of it that is lost is made again, and what
// fails for good in it fails the job.

#include "master/scheduler/completion.hpp"

#include <algorithm>
#include <utility>

#include "common/core/planted.hpp"
#include "master/scheduler/machine.hpp"

namespace fanfold::master {

std::uint32_t maps_needed(const proto::CompletionPolicy& policy, std::uint32_t maps) {
  using proto::CompletionRule;
  switch (policy.rule) {
    case CompletionRule::kAll:
    case CompletionRule::kAllCompleted:
      return maps;
    case CompletionRule::kMinSuccessful:
      if (policy.count != 0) return policy.count;
      return static_cast<std::uint32_t>((std::uint64_t{maps} * policy.per_million + 999'999) /
                                        1'000'000);
    case CompletionRule::kQuorum:
      return policy.count != 0 ? policy.count : maps / 2 + 1;
    case CompletionRule::kFirst:
      return 1;
  }
  return maps;
}

namespace scheduling {
namespace {

using proto::CompletionReason;
using proto::CompletionRule;
using proto::JobState;

CompletionReason reached(CompletionRule rule) {
  switch (rule) {
    case CompletionRule::kAll:
    case CompletionRule::kAllCompleted:
      return CompletionReason::kAllCompleted;
    case CompletionRule::kMinSuccessful:
      return CompletionReason::kMinSuccessfulReached;
    case CompletionRule::kQuorum:
      return CompletionReason::kQuorumReached;
    case CompletionRule::kFirst:
      return CompletionReason::kFirstSuccessful;
  }
  return CompletionReason::kNone;
}

std::string of_maps(std::uint32_t some, std::uint32_t all) {
  return std::to_string(some) + " of " + std::to_string(all) + " map tasks";
}

std::string prefixed(CompletionReason reason, const std::string& text) {
  return std::string(proto::name_of(reason)) + ": " + text;
}

}  // namespace

Instant instant_of(std::uint64_t unix_us, std::int64_t unix_us_at_origin) {
  // Half of what nanoseconds can say, so that sums of instants and durations stay in range.
  constexpr std::int64_t kEnd = INT64_MAX / 2000;
  const std::int64_t us = static_cast<std::int64_t>(std::min<std::uint64_t>(unix_us, kEnd));
  return {std::chrono::microseconds(std::clamp(us - unix_us_at_origin, std::int64_t{0}, kEnd))};
}

std::uint64_t unix_us_of(Instant instant, std::int64_t unix_us_at_origin) {
  const auto us =
      std::chrono::duration_cast<std::chrono::microseconds>(instant.since_origin).count();
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(unix_us_at_origin + us));
}

void Machine::fail_for_good(Job& job, Failure failure) {
  const bool tolerated = failure.task.stage == Stage::kMap && job.completion.tolerates_failures();
  if (!tolerated) {
    const std::string reason = failure.text;
    return end_intolerable(job, reason, failure);
  }
  // A backup does not outlive the budget of its task.
  std::vector<AttemptId> live;
  if (const auto ballot = job.ballots.find({failure.task.stage, failure.task.index});
      ballot != job.ballots.end()) {
    live = ballot->second.attempts;
  } else if (!job.replicates(failure.task.stage)) {
    live.assign(job.attempts.begin(), job.attempts.end());
  }
  for (const AttemptId id : live) {
    if (attempts_.at(id).task == failure.task) cancel_attempt(id);
  }
  record(TaskGivenUp{failure.task, failure.first, failure.kind});
  file(job);
  const std::uint32_t maps = job.map.size();
  const std::uint32_t needed = maps_needed(job.completion.policy, maps);
  const bool all_completed = job.completion.policy.rule == CompletionRule::kAllCompleted;
  if (!all_completed && job.map.given_up() > maps - std::min(needed, maps)) {
    const std::string policy = proto::name_of(job.completion.policy.rule);
    return end_intolerable(job,
                           of_maps(job.map.given_up(), maps) + " failed for good, so that " +
                               policy + " (" + std::to_string(needed) +
                               " must succeed) can never be met; the last one: " + failure.text,
                           failure);
  }
  if (job.map.given_up() == maps && !job.map.grows) {
    return end_intolerable(
        job,
        "every map task failed for good, so there is nothing to go on with; the last one: " +
            failure.text,
        failure);
  }
  review_completion(job);
  advance(job);
}

Ending Machine::published_ending(const Job& job) {
  const Completion& completion = job.completion;
  const CompletionReason reason =
      completion.decided ? completion.reason : CompletionReason::kAllCompleted;
  const bool whole = job.map.given_up() == 0 || planted(Bug::kCallPartialSuccess);
  if (whole) return {JobState::kSucceeded, "", {}, {}, reason};
  return {JobState::kPartial,
          prefixed(reason, of_maps(job.maps_covered(), job.map.size()) + " are covered"),
          {},
          {},
          reason};
}

void Machine::end_intolerable(Job& job, std::string reason, const Failure& failure) {
  constexpr CompletionReason kReason = CompletionReason::kFailureToleranceExceeded;
  // Without a policy nobody asked for more than the plain cause.
  if (job.completion.policy.rule != CompletionRule::kAll) reason = prefixed(kReason, reason);
  end_job(job, {JobState::kFailed, std::move(reason), failure.task, failure.first, kReason});
}

void Machine::review_completion(Job& job) {
  if (job.completion.decided || job.state != JobState::kRunning) return;
  if (!job.completion.may_be_partial()) return;
  const CompletionRule rule = job.completion.policy.rule;
  const std::uint32_t needed = maps_needed(job.completion.policy, job.map.size());
  const bool waits_for_all = rule == CompletionRule::kAll || rule == CompletionRule::kAllCompleted;
  const bool met = waits_for_all || planted(Bug::kWaitForTheRest) ? job.map.complete()
                                                                  : job.map.done() >= needed;
  if (met) decide_coverage(job, reached(rule));
}

void Machine::decide_coverage(Job& job, CompletionReason reason) {
  Completion& completion = job.completion;
  completion.decided_at = now_;
  // Newest first: what is queued is taken back before a slot becomes free for it.
  const std::vector<AttemptId> live(job.attempts.rbegin(), job.attempts.rend());
  for (const AttemptId id : live) {
    const Attempt& attempt = attempts_.at(id);
    // What is compared is covered.
    if (attempt.audit) continue;
    stopping_[attempt.worker].emplace(id, job.id);
    ++completion.attempts_stopped;
    cancel_attempt(id);
  }
  completion.attempts_stopping = completion.attempts_stopped;
  record(CoverageDecided{job.id, reason, job.map.done()});
  // Its deadline was for the maps.
  if (completion.on_deadline == proto::OnDeadline::kPartial) job_deadlines_.clear(job.id);
  file(job);
}

void Machine::pass_job_deadline(Job& job) {
  if (job.state != JobState::kRunning) return;
  constexpr CompletionReason kReason = CompletionReason::kDeadlineExceeded;
  const std::string so_far = of_maps(job.map.done(), job.map.size());
  if (job.completion.on_deadline == proto::OnDeadline::kFail) {
    const StageTasks& open = job.open_stage();
    const bool mapping = job.needs_map_outputs() && !job.map.complete();
    const std::string far = mapping ? so_far
                                    : std::to_string(open.done()) + " of " +
                                          std::to_string(open.size()) + " " +
                                          name_of(open.stage()) + " tasks";
    return end_job(job, {JobState::kFailed,
                         prefixed(kReason, "the deadline passed when " + far + " were done"),
                         {},
                         {},
                         kReason});
  }
  if (job.completion.decided) return;
  if (job.map.done() == 0) {
    return end_job(job, {JobState::kFailed,
                         prefixed(kReason,
                                  "the deadline passed before any map task was done, so there is "
                                  "nothing to go on with"),
                         {},
                         {},
                         kReason});
  }
  decide_coverage(job, kReason);
  advance(job);
}

void Machine::note_stopped(WorkerId worker, const HeartbeatReceived* heartbeat) {
  const auto of_worker = stopping_.find(worker);
  if (of_worker == stopping_.end()) return;
  std::vector<AttemptId> listed;
  if (heartbeat != nullptr) {
    for (const proto::AttemptProgress& one : heartbeat->attempts) listed.push_back(one.attempt);
    std::sort(listed.begin(), listed.end());
  }
  std::erase_if(of_worker->second, [&](const auto& one) {
    if (std::binary_search(listed.begin(), listed.end(), one.first)) return false;
    if (Job* job = find_job(one.second)) {
      --job->completion.attempts_stopping;
      job->completion.stop_time =
          std::max(job->completion.stop_time, now_ - job->completion.decided_at);
    }
    return true;
  });
  if (of_worker->second.empty()) stopping_.erase(of_worker);
}

void Machine::note_late_result(WorkerId worker, AttemptId attempt) {
  const auto of_worker = stopping_.find(worker);
  if (of_worker == stopping_.end()) return;
  const auto one = of_worker->second.find(attempt);
  if (one == of_worker->second.end()) return;
  if (Job* job = find_job(one->second)) {
    ++job->completion.results_discarded;
    --job->completion.attempts_stopping;
    job->completion.stop_time =
        std::max(job->completion.stop_time, now_ - job->completion.decided_at);
  }
  of_worker->second.erase(one);
  if (of_worker->second.empty()) stopping_.erase(of_worker);
}

proto::CompletionStatus Machine::describe_completion(const Job& job) const {
  const Completion& completion = job.completion;
  proto::CompletionStatus status;
  status.policy = completion.policy;
  status.on_deadline = completion.on_deadline;
  status.reason = completion.reason;
  status.decided = completion.decided;
  status.maps = job.map.size();
  status.maps_covered = job.maps_covered();
  status.maps_failed = completion.failed;
  status.maps_dropped = job.map.given_up() - completion.failed;
  status.bytes = job.map.bytes_total;
  status.bytes_covered = job.bytes_covered();
  status.attempts_stopped = completion.attempts_stopped;
  status.attempts_stopping = completion.attempts_stopping;
  status.stop_us = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(completion.stop_time).count());
  status.results_discarded = completion.results_discarded;
  return status;
}

}  // namespace scheduling
}  // namespace fanfold::master
