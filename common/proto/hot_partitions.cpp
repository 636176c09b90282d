#include "common/proto/hot_partitions.hpp"

#include <set>
#include <utility>

namespace fanfold::proto {

Shares::Shares(std::uint32_t partitions, const std::vector<HeavyPartition>& heavy,
               std::vector<std::uint32_t> ends)
    : partitions_(partitions), ends_(std::move(ends)) {
  std::uint32_t begin = partitions;
  for (const HeavyPartition& one : heavy) {
    if (one.shares == 0) continue;
    folded_.push_back({one.partition, begin, begin + one.shares});
    begin += one.shares;
  }
}

bool Shares::are_possible(std::uint32_t partitions, std::uint32_t maps,
                          const std::vector<HeavyPartition>& heavy,
                          const std::vector<std::uint32_t>& ends) {
  if (heavy.size() > kPartitionsOrdered || ends.size() > kSharesOfJob) return false;
  std::set<std::uint32_t> seen;
  auto end = ends.begin();
  for (const HeavyPartition& one : heavy) {
    if (one.partition >= partitions || !seen.insert(one.partition).second) return false;
    if (one.shares == 0) continue;
    const auto left = static_cast<std::size_t>(ends.end() - end);
    if (!one.hot || one.shares > kSharesOfPartition || one.shares > left) return false;
    // Each reads something, and all of them everything.
    std::uint32_t begin = 0;
    for (std::uint32_t i = 0; i < one.shares; ++i, ++end) {
      if (*end <= begin) return false;
      begin = *end;
    }
    if (begin != maps) return false;
  }
  return end == ends.end();
}

PartitionShare Shares::share(std::uint32_t task) const {
  for (const Folded& one : folded_) {
    if (task < one.begin || task >= one.end) continue;
    const std::uint32_t begin = task == one.begin ? 0 : ends_[task - partitions_ - 1];
    return {one.partition, begin, ends_[task - partitions_]};
  }
  return {};
}

const Shares::Folded* Shares::find(std::uint32_t partition) const {
  for (const Folded& one : folded_) {
    if (one.partition == partition) return &one;
  }
  return nullptr;
}

}  // namespace fanfold::proto
