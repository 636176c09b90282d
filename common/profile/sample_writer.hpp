// Adds what was seen of this process to its file, without waiting for a directory that hangs:
// that of a job that is sampled may lie on any file system, and a task is not to fail because of
// it.

#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include "common/core/mutex.hpp"
#include "common/core/status.hpp"
#include "common/profile/stack_profile.hpp"

namespace fanfold {

class SampleWriter {
 public:
  explicit SampleWriter(std::chrono::milliseconds patience = std::chrono::seconds(3))
      : patience_(patience) {}
  /// Waits for what is being written.
  ~SampleWriter();
  SampleWriter(const SampleWriter&) = delete;
  SampleWriter& operator=(const SampleWriter&) = delete;

  /// To a file of this process in `directory`, which must be there.  kUnavailable: the directory
  /// takes nothing, and what comes until it does is counted as left out.  One thread.
  Status append(const std::string& directory, StackProfile profile);

 private:
  struct Order {
    std::string directory;
    StackProfile profile;
  };
  void work(const std::stop_token& stop);

  const std::chrono::milliseconds patience_;
  std::uint64_t left_out_ = 0;  // Samples since something was written.
  Mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Order> order_ FANFOLD_GUARDED_BY(mutex_);     // Until it is written.
  std::optional<Status> outcome_ FANFOLD_GUARDED_BY(mutex_);  // Of the latest that was.
  std::jthread thread_;                                       // From the first order on.
};

}  // namespace fanfold
