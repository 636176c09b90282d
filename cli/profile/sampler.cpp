#include "cli/profile/sampler.hpp"

#include <execinfo.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

namespace fanfold::cli {
namespace {

/// The kernel's own tick is mostly longer: then that is the interval.
constexpr suseconds_t kIntervalMicroseconds = 1000;
constexpr std::size_t kFrames = 96;
/// Of a stack: the handler itself, and the signal's frame.
constexpr int kOwnFrames = 2;
/// Program counters that there is room for: an hour of stacks of thirty frames at 250 a second.
constexpr std::size_t kRoom = std::size_t{27} << 20;

// A handler reaches nothing but static storage.  Each sample is: stage and number of frames, then
// as many counters.  Memory is only used as far as it is written.
std::uint64_t* room = nullptr;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<std::size_t> used{0};
std::atomic<std::uint64_t> left_out{0};
std::atomic<std::uint8_t> current_stage{0};

void on_tick(int) {
  const int before = errno;
  void* frames[kFrames];
  const int count = ::backtrace(frames, kFrames) - kOwnFrames;
  if (count > 0) {
    const auto words = static_cast<std::size_t>(count) + 1;
    const std::size_t at = used.fetch_add(words, std::memory_order_relaxed);
    if (at + words > kRoom) {
      used.fetch_sub(words, std::memory_order_relaxed);
      left_out.fetch_add(1, std::memory_order_relaxed);
    } else {
      room[at] = (static_cast<std::uint64_t>(current_stage.load()) << 32) | (words - 1);
      for (std::size_t i = 1; i < words; ++i) {
        room[at + i] = reinterpret_cast<std::uint64_t>(frames[i - 1 + kOwnFrames]);
      }
    }
  }
  errno = before;
}

Status set_timer(suseconds_t microseconds) {
  const itimerval timer = {{0, microseconds}, {0, microseconds}};
  if (::setitimer(ITIMER_PROF, &timer, nullptr) == 0) return {};
  return {StatusCode::kUnavailable,
          std::string("this host does not let a process be sampled: ") + std::strerror(errno)};
}

}  // namespace

Status Sampler::start() {
  // The first call loads the unwinder and allocates; a handler must not.
  void* warm[4];
  ::backtrace(warm, 4);
  if (room == nullptr) {
    void* memory = ::mmap(nullptr, kRoom * sizeof *room, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      return {StatusCode::kUnavailable,
              std::string("there is no room for samples: ") + std::strerror(errno)};
    }
    room = static_cast<std::uint64_t*>(memory);
  }
  struct sigaction action {};
  action.sa_handler = &on_tick;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGPROF, &action, nullptr);
  return set_timer(kIntervalMicroseconds);
}

void Sampler::enter(Stage stage) { current_stage = static_cast<std::uint8_t>(stage); }

void Sampler::stop() {
  static_cast<void>(set_timer(0));
  // One may be on its way.
  ::signal(SIGPROF, SIG_IGN);
}

std::vector<Sample> Sampler::samples() {
  std::vector<Sample> samples;
  const std::size_t end = std::min(used.load(), kRoom);
  for (std::size_t at = 0; at < end;) {
    const std::size_t count = room[at] & 0xffffffff;
    const auto stage = static_cast<Stage>(room[at] >> 32);
    ++at;
    if (count == 0 || count > end - at) break;
    // Before the first stage and after the last one nothing is of interest.
    if (stage == Stage::kSample || stage == Stage::kMap || stage == Stage::kReduce) {
      samples.push_back({stage, {room + at, room + at + count}});
    }
    at += count;
  }
  return samples;
}

std::uint64_t Sampler::dropped() { return left_out.load(); }

}  // namespace fanfold::cli
