// How fast one file takes bytes, so that its writer knows whether compressing them pays.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>

namespace fanfold::io {

/// Whether a file takes bytes more slowly than LZ4 makes them fewer: it does 0.6 GB/s or so, to
/// half the size.  Page caches take ten times that, disks and full page caches less.
class WritingSpeed {
 public:
  bool slow() const {
    // The fastest of several: one that was slow may have waited for the processor.
    return count_ >= kKept && *std::min_element(kept_.begin(), kept_.end()) > kSlowNsPerKilobyte;
  }
  static std::uint64_t now_ns() {
    timespec now;
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(now.tv_nsec);
  }
  void note(std::uint64_t since_ns, std::size_t bytes) {
    if (bytes < kLeast) return;
    kept_[count_++ % kKept] = (now_ns() - since_ns) * 1000 / bytes;
  }

 private:
  static constexpr std::size_t kKept = 8;
  static constexpr std::size_t kLeast = 64u << 10;
  static constexpr std::uint64_t kSlowNsPerKilobyte = 1500;

  std::array<std::uint64_t, kKept> kept_{};  // Nanoseconds for 1000 bytes.
  std::size_t count_ = 0;
};

}  // namespace fanfold::io
