// When there are more sorted runs than can be open within the memory budget, several become one
// before all are merged.  Only neighbours do, so equal keys keep their order.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/detail/run_writer.hpp"

namespace fanfold::detail {

/// Bytes that one open run may take: a block, the same block as it is stored, and change.
inline constexpr std::uint64_t kSourceBytes = 768u << 10;

inline std::size_t fan_in_of(std::uint64_t memory_bytes) {
  // Each open run is an open file, too.
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(memory_bytes / kSourceBytes, 2, 256));
}

/// Of `count` neighbours, which to merge next so that few bytes are merged twice.
struct MergePlan {
  std::size_t at = 0;

  std::size_t size(std::size_t count, std::size_t fan_in) {
    const std::size_t size = std::min(fan_in, count - fan_in + 1);
    if (at + size > count) at = 0;
    return size;
  }
};

/// Who narrows: a task that has spilled nothing so far.
struct Narrowing {
  abi::TaskHost& host;
  abi::ProgressSlot& progress;
  std::uint64_t memory_bytes = 0;
  std::uint32_t partition = 0;  // Of the runs.
};

/// Merges neighbours among `runs` until all that is left can be open together.  `merge(sources,
/// out)` makes one run of some.
template <class Merge>
void narrow_runs(const Narrowing& task, std::vector<std::unique_ptr<abi::RunSource>>& runs,
                 Merge merge) {
  const std::size_t fan_in = fan_in_of(task.memory_bytes);
  std::vector<std::optional<std::size_t>> spilled(runs.size());
  std::size_t next_spill = 0;
  for (MergePlan plan; runs.size() > fan_in; ++plan.at) {
    const std::size_t size = plan.size(runs.size(), fan_in);
    const auto first = static_cast<std::ptrdiff_t>(plan.at);
    const auto last = static_cast<std::ptrdiff_t>(plan.at + size);
    std::vector<std::unique_ptr<abi::RunSource>> group(
        std::make_move_iterator(runs.begin() + first),
        std::make_move_iterator(runs.begin() + last));
    RunWriter out(task.host, abi::RunKind::kSpill, task.progress);
    merge(std::move(group), out);
    out.finish();
    for (auto spill = spilled.begin() + first; spill != spilled.begin() + last; ++spill) {
      if (spill->has_value()) task.host.drop_spill(**spill);
    }
    const std::size_t index = next_spill++;
    runs.erase(runs.begin() + first + 1, runs.begin() + last);
    runs[plan.at] = task.host.open_spill(index, task.partition);
    spilled.erase(spilled.begin() + first + 1, spilled.begin() + last);
    spilled[plan.at] = index;
  }
}

}  // namespace fanfold::detail
