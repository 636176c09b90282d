#include "common/proto/hot_partitions.hpp"

namespace fanfold::proto {

Shares::Shares(std::uint32_t partitions, std::uint32_t maps,
               const std::vector<HeavyPartition>& heavy)
    : maps_(maps) {
  for (const HeavyPartition& one : heavy) {
    if (one.shares == 0) continue;
    const std::uint32_t begin = partitions + tasks_;
    tasks_ += one.shares;
    folded_.push_back({one.partition, begin, begin + one.shares});
  }
}

PartitionShare Shares::share(std::uint32_t task) const {
  for (const Folded& one : folded_) {
    if (task < one.begin || task >= one.end) continue;
    const std::uint64_t place = task - one.begin;
    const std::uint64_t count = one.end - one.begin;
    return {one.partition, static_cast<std::uint32_t>(place * maps_ / count),
            static_cast<std::uint32_t>((place + 1) * maps_ / count)};
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
