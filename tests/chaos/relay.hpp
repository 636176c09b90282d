// A TCP relay that stands between two processes and treats what passes as a bad network does.
// It listens on loopback and forwards to one address, from a thread of its own.  It knows nothing
// of what it carries.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

#include "common/core/mutex.hpp"
#include "common/core/time.hpp"
#include "common/net/event_counter.hpp"

namespace fanfold::chaos {

/// What happens to bytes on their way.
enum class Treatment : std::uint8_t {
  kForward,
  kSlow,     // A few KiB at a time, each late.
  kCorrupt,  // Now and then a bit flips.
  kSwallow,  // Connections are accepted and stand, and nothing that is sent ever arrives.
};

struct RelayOptions {
  std::uint64_t seed = 1;
  /// kCorrupt: one bit flips in so many bytes, on average.
  std::uint64_t bytes_per_flip = 64u << 10;
  /// kSlow: how late each piece of kSlowPieceBytes is, at most.
  Duration late_max = std::chrono::milliseconds(50);
};
inline constexpr std::size_t kSlowPieceBytes = 8u << 10;

class Relay {
 public:
  /// Listens at once.  Throws std::runtime_error.
  explicit Relay(const RelayOptions& options);
  /// Connections are reset.
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// "tcp://127.0.0.1:PORT"
  const std::string& address() const { return address_; }

  // Any thread.
  /// Where a new connection leads is asked at its beginning, in the relay's thread: a process that
  /// is started again listens elsewhere.  Before, and when nobody listens there, connections are
  /// reset at once.
  void forward_to(std::function<std::string()> address);
  void treat(Treatment treatment);
  Treatment treatment() const { return treatment_; }
  /// Closes every connection with a reset in both directions; what is under way is lost.
  void reset();

  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t bits_flipped() const { return bits_flipped_; }
  std::uint64_t bytes_swallowed() const { return bytes_swallowed_; }

 private:
  class Loop;

  std::uint16_t target_port() const;

  const RelayOptions options_;
  int listener_ = -1;
  std::string address_;
  net::EventCounter waker_;
  mutable Mutex mutex_;
  std::function<std::string()> target_ FANFOLD_GUARDED_BY(mutex_);
  std::atomic<Treatment> treatment_{Treatment::kForward};
  std::atomic<std::uint64_t> resets_wanted_{0};
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> bits_flipped_{0};
  std::atomic<std::uint64_t> bytes_swallowed_{0};
  std::jthread thread_;  // Last: it uses all of the others.
};

}  // namespace fanfold::chaos
