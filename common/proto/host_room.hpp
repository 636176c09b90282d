// What a worker's host has, and what of it is free, as the worker sees it.

#pragma once

#include <cstdint>

namespace fanfold::proto {

struct HostRoom {
  std::uint64_t memory_bytes = 0;       // That it may use; 0: not known, nor what is free of it.
  std::uint64_t memory_bytes_free = 0;  // Without swapping, as the kernel estimates.
  /// What its executors may take together, where jobs do not say.
  std::uint64_t executor_bytes = 0;
  std::uint64_t scratch_bytes = 0;  // Of the disk of its scratch directory; 0: not known.
  std::uint64_t scratch_bytes_free = 0;
};

}  // namespace fanfold::proto
