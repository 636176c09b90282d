// How much of a job waits for workers, as the scheduler sees it.

#pragma once

#include <cstdint>
#include <vector>

namespace fanfold::proto {

/// The maps of a job as a queue that workers drain.
struct QueueStatus {
  bool open = false;          // More input may come.
  std::uint32_t waiting = 0;  // Maps that no worker has: they are due, or are tried again later.
  std::uint64_t bytes_waiting = 0;  // Of their input.
  std::uint32_t delayed = 0;        // Of them, those that are not due yet.
  std::uint64_t oldest_ms = 0;      // How long the first of those that are due has waited.
  /// Maps that were handed out once, twice, ...; the last of at most eight: or more often.
  std::vector<std::uint32_t> received;
  std::uint32_t received_most = 0;  // How often one of them was.
};

}  // namespace fanfold::proto
