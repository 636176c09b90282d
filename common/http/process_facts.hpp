// What the kernel says about this process, for the metrics that every exporter has.

#pragma once

#include <cstdint>

namespace fanfold {

struct ProcessFacts {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t open_files = 0;
  std::uint64_t open_files_max = 0;
};

/// From /proc/self and getrusage(); what cannot be read is 0.  Any thread.
ProcessFacts process_facts();

}  // namespace fanfold
