// What an executor may use when nobody said: the one place that workers, which grant it, and
// commands, which foretell it, have in common.

#pragma once

#include <algorithm>
#include <cstdint>

namespace fanfold {

/// About what an executor needs to run at all.
inline constexpr std::uint64_t kExecutorMemoryMin = 32u << 20;
inline constexpr std::uint64_t kExecutorMemoryDefaultMax = 1u << 30;

/// A share of 70 % of the machine's memory; 0 `machine_bytes`: it is not known.
constexpr std::uint64_t default_executor_memory(std::uint64_t machine_bytes, std::uint32_t slots) {
  if (machine_bytes == 0) return kExecutorMemoryDefaultMax;
  return std::clamp(machine_bytes / 10 * 7 / std::max(1u, slots), kExecutorMemoryMin,
                    kExecutorMemoryDefaultMax);
}

}  // namespace fanfold
