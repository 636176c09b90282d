// How much memory the process of a failed attempt had, while it ran.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fanfold::proto {

struct MemoryCurve {
  std::vector<std::uint64_t>
      resident_bytes;              // Oldest first; none of an attempt that was too short.
  std::uint32_t step_ms = 0;       // From one of them to the next, about.
  std::uint64_t peak_bytes = 0;    // The most; 0: not known.
  std::uint64_t budget_bytes = 0;  // What the executor was given.
  static constexpr std::size_t kPointsMax = 24;
};

}  // namespace fanfold::proto
