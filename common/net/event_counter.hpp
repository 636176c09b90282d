// An eventfd: what one thread raises, another sees as a readable descriptor.

#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace fanfold::net {

class EventCounter {
 public:
  EventCounter() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~EventCounter() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  EventCounter(const EventCounter&) = delete;
  EventCounter& operator=(const EventCounter&) = delete;

  /// False when the process had no descriptor left.
  bool usable() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  /// Makes descriptor() readable.  Any thread may.
  void raise() {
    const std::uint64_t one = 1;
    // Fails only when the counter is at its maximum, and then it is readable anyway.
    [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
    // After the write: lower() must not skip its read while there is something to take.
    raised_.store(true, std::memory_order_release);
  }
  /// Costs nothing when nothing was raised.
  void lower() {
    if (!raised_.exchange(false, std::memory_order_acquire)) return;
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(descriptor_, &count, sizeof count);
  }

 private:
  const int descriptor_;
  std::atomic<bool> raised_{false};
};

}  // namespace fanfold::net
