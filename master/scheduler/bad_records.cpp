#include "master/scheduler/bad_records.hpp"

#include <string>
#include <utility>

#include "common/core/planted.hpp"
#include "master/scheduler/machine.hpp"

namespace fanfold::master::scheduling {

void BadRecordTally::note(std::uint32_t split, std::uint64_t records, std::uint64_t bad) {
  forget(split);
  if (split >= read_.size()) read_.resize(std::size_t{split} + 1);
  read_[split] = records;
  records_ += records;
  if (bad == 0) return;
  by_split_.emplace(split, bad);
  bad_ += bad;
}

void BadRecordTally::forget(std::uint32_t split) {
  if (split < read_.size()) records_ -= std::exchange(read_[split], 0);
  const auto known = by_split_.find(split);
  if (known == by_split_.end()) return;
  bad_ -= known->second;
  by_split_.erase(known);
}

namespace {

/// So few that the sum over all splits of a job does not overflow.
bool countable(std::uint64_t failures) { return failures < proto::kAnyNumber >> 32; }

}  // namespace

void FailureTally::note(std::uint32_t split, std::uint64_t failures) {
  if (planted(Bug::kCountFailuresAgain) && by_split_.contains(split)) sum_ += failures;
  forget(split);
  if (failures == 0) return;
  by_split_.emplace(split, failures);
  countable(failures) ? sum_ += failures : ++intolerable_;
}

void FailureTally::forget(std::uint32_t split) {
  const auto known = by_split_.find(split);
  if (known == by_split_.end()) return;
  countable(known->second) ? sum_ -= known->second : --intolerable_;
  by_split_.erase(known);
}

bool intolerable(const proto::JobControl& control, std::uint64_t failures, std::uint64_t items) {
  if (failures == proto::kAnyNumber) return true;
  const std::uint64_t allowed =
      items / proto::kWhole * control.failures_per_million +
      items % proto::kWhole * control.failures_per_million / proto::kWhole;
  // All of them may fail, however many there turn out to be.
  const bool share_counts = control.failures_per_million < proto::kWhole;
  return failures > control.failures_max || (share_counts && failures > allowed);
}

bool too_many(const proto::BadRecordPolicy& policy, std::uint64_t bad) {
  return policy.records_max != 0 && bad > policy.records_max;
}

bool too_large_a_share(const proto::BadRecordPolicy& policy, std::uint64_t bad,
                       std::uint64_t records) {
  constexpr std::uint64_t kMillion = 1'000'000;
  if (policy.per_million == 0) return false;
  // Millions and the rest apart, so that nothing overflows.
  const std::uint64_t allowed =
      records / kMillion * policy.per_million + records % kMillion * policy.per_million / kMillion;
  return bad > allowed;
}

bool Machine::review_failures(Job& job) {
  if (job.completion.decided || job.state != proto::JobState::kRunning) return false;
  if (!job.completion.may_be_partial() || job.map.complete()) return false;
  // What was committed may be lost, and is all that the job could go on with: its next commit asks.
  if (job.map.done() == 0) return false;
  if (!intolerable(job.control, job.failures.count(), job.items)) return false;
  decide_coverage(job, proto::CompletionReason::kFailureToleranceExceeded);
  return true;
}

bool Machine::tolerate_bad_records(Job& job) {
  const std::uint64_t bad = job.bad_records.bad();
  const std::uint64_t records = job.bad_records.records();
  std::string text;
  if (too_many(job.bad_record_policy, bad)) {
    text = std::to_string(bad) + " records could not be mapped, more than the " +
           std::to_string(job.bad_record_policy.records_max) + " that --bad-records-max allows";
  } else if (job.map.complete() && too_large_a_share(job.bad_record_policy, bad, records)) {
    text = std::to_string(bad) + " of " + std::to_string(records) +
           " records could not be mapped, more than the " +
           std::to_string(job.bad_record_policy.per_million) +
           " in a million that --bad-records-per-million allows";
  } else {
    return true;
  }
  constexpr proto::CompletionReason kReason = proto::CompletionReason::kFailureToleranceExceeded;
  const std::uint32_t split = job.bad_records.by_split().begin()->first;
  end_job(job, {proto::JobState::kFailed,
                std::string(proto::name_of(kReason)) + ": " + text + "; `fanfold logs " +
                    std::to_string(job.id.value) + "/map-" + std::to_string(split) +
                    "` names the first ones",
                {job.id, Stage::kMap, split},
                {},
                kReason});
  return false;
}

}  // namespace fanfold::master::scheduling
