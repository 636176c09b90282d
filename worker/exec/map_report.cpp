// What a map attempt reports beside its output.

#include <algorithm>

#include "common/proto/failures.hpp"
#include "worker/exec/attempt_host.hpp"
#include "worker/exec/key_text.hpp"

namespace fanfold::worker {

using proto::FailureKind;

void AttemptHost::note_emission(const abi::Emission& emission) {
  emission_ = {};
  emission_.bytes = emission.bytes;
  const auto& told = emission.partition_bytes;
  if (told.size() == assignment_.partitions && told.size() <= proto::Emission::kPartitionsTold) {
    emission_.partition_bytes.assign(told.begin(), told.end());
  }
  for (const abi::HotKey& key : emission.hot_keys) {
    if (emission_.hot_keys.size() == proto::Emission::kKeysTold) break;
    if (key.partition >= assignment_.partitions) continue;
    emission_.hot_keys.push_back({.key = key_text(assignment_.spec.key_order, key.key, key.size),
                                  .hash = key.hash,
                                  .partition = key.partition,
                                  .bytes = key.bytes});
  }
}

/// Few of them, so that of very many maps it is little: what is even is not told.
void AttemptHost::note_heavy(const std::vector<io::Segment>& segments) {
  std::uint64_t all = 0;
  for (const io::Segment& segment : segments) all += segment.stored_bytes;
  const std::uint64_t even = all / assignment_.partitions;
  for (const io::Segment& segment : segments) {
    if (segment.stored_bytes <= even + even / 4) continue;
    heavy_.push_back({segment.partition, segment.stored_bytes});
  }
  std::stable_sort(heavy_.begin(), heavy_.end(),
                   [](const auto& a, const auto& b) { return a.bytes > b.bytes; });
  if (heavy_.size() > proto::AttemptReport::kHeavyTold) {
    heavy_.resize(proto::AttemptReport::kHeavyTold);
  }
}

/// What the task says that it mapped and what was noted here must be all that it read.
void AttemptHost::finish_map(proto::AttemptReport* report) {
  report->flow = flow_;
  report->records_skipped = bad_records_.skipped();
  report->dead_letters = bad_records_.dead_letters();
  constexpr auto kNever = static_cast<std::uint64_t>(proto::kNeverTolerated);
  report->failures = failures_ < kNever ? failures_ : proto::kAnyNumber;
  report->records_mapped = report->records_in - std::min(unmapped_, report->records_in);
  if (unmapped_ == report->records_skipped + report->dead_letters) return;
  fail(FailureKind::kException,
       "the task did without " + std::to_string(unmapped_) + " records, but " +
           std::to_string(report->records_skipped + report->dead_letters) + " are accounted for");
}

}  // namespace fanfold::worker
