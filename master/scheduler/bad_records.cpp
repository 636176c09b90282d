#include "master/scheduler/bad_records.hpp"

#include <string>

#include "master/scheduler/machine.hpp"

namespace fanfold::master::scheduling {

void BadRecordTally::note(std::uint32_t split, std::uint64_t records, std::uint64_t bad,
                          bool again) {
  if (!again) records_ += records;
  forget(split);
  if (bad == 0) return;
  by_split_.emplace(split, bad);
  bad_ += bad;
}

void BadRecordTally::forget(std::uint32_t split) {
  const auto known = by_split_.find(split);
  if (known == by_split_.end()) return;
  bad_ -= known->second;
  by_split_.erase(known);
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
