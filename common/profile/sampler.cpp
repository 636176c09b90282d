#include "common/profile/sampler.hpp"

#include <execinfo.h>
#include <sys/mman.h>
#include <sys/time.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

namespace fanfold {
namespace {

/// The kernel's own tick is mostly longer: then that is the interval.
constexpr suseconds_t kIntervalMicroseconds = 1000;
constexpr std::size_t kFrames = 96;
/// Of a stack: the handler itself, and the signal's frame.
constexpr int kOwnFrames = 2;
/// Words for stacks, of thirty frames mostly: there are ten thousands of different ones at most.
constexpr std::size_t kRoom = std::size_t{4} << 20;
constexpr std::size_t kSlots = std::size_t{1} << 18;
constexpr std::size_t kProbesMax = 64;
/// Before the counters of a stack: stage and number of frames; how often it was seen.
constexpr std::size_t kHeadWords = 2;

/// Memory is only used as far as it is written.
struct Room {
  std::uint32_t slots[kSlots];  // Where a stack lies, plus one; 0: free.
  std::uint64_t words[kRoom];
};

// A handler reaches nothing but static storage.
Room* room = nullptr;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
std::size_t used = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic_flag busy = ATOMIC_FLAG_INIT;  // Whoever holds it owns the two above.
std::atomic<std::uint64_t> left_out{0};
std::atomic<std::uint8_t> current_stage{0};
// What the signal did before; only start() and stop() touch it.
struct sigaction before = {};  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

/// False: there is no room for it.
bool count_stack(std::uint64_t head, void* const* frames, std::size_t count) {
  std::uint64_t hash = head;
  for (std::size_t i = 0; i < count; ++i) {
    hash = (hash ^ reinterpret_cast<std::uint64_t>(frames[i])) * 0x9e3779b97f4a7c15u;
    hash ^= hash >> 29;
  }
  for (std::size_t probe = 0; probe < kProbesMax; ++probe) {
    std::uint32_t& slot = room->slots[(hash + probe) % kSlots];
    if (slot == 0) {
      if (used + kHeadWords + count > kRoom) return false;
      std::uint64_t* const words = room->words + used;
      words[0] = head;
      words[1] = 1;
      std::memcpy(words + kHeadWords, frames, count * sizeof *frames);
      slot = static_cast<std::uint32_t>(used) + 1;
      used += kHeadWords + count;
      return true;
    }
    std::uint64_t* const words = room->words + (slot - 1);
    if (words[0] == head && std::memcmp(words + kHeadWords, frames, count * sizeof *frames) == 0) {
      ++words[1];
      return true;
    }
  }
  return false;
}

void on_tick(int) {
  const int before = errno;
  const std::uint64_t stage = current_stage.load(std::memory_order_relaxed);
  void* frames[kFrames];
  const int count = stage == 0 ? 0 : ::backtrace(frames, kFrames) - kOwnFrames;
  if (count > 0) {
    // Two threads at once are rare; one that waited here might wait for itself.
    if (busy.test_and_set(std::memory_order_acquire)) {
      left_out.fetch_add(1, std::memory_order_relaxed);
    } else {
      const auto words = static_cast<std::size_t>(count);
      if (!count_stack(stage << 32 | words, frames + kOwnFrames, words)) {
        left_out.fetch_add(1, std::memory_order_relaxed);
      }
      busy.clear(std::memory_order_release);
    }
  }
  errno = before;
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == &on_tick;
}

bool is_free(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) == 0 &&
         (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN);
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
    void* memory = ::mmap(nullptr, sizeof(Room), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      return {StatusCode::kUnavailable,
              std::string("there is no room for samples: ") + std::strerror(errno)};
    }
    room = static_cast<Room*>(memory);
  }
  struct sigaction installed {};
  ::sigaction(SIGPROF, nullptr, &installed);
  // A timer that is set anew counts anew.
  if (is_ours(installed)) return {};
  if (!is_free(installed)) {
    return {StatusCode::kUnavailable,
            "this process cannot be sampled: something else in it handles SIGPROF"};
  }
  before = installed;
  struct sigaction action {};
  action.sa_handler = &on_tick;
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGPROF, &action, nullptr);
  const Status started = set_timer(kIntervalMicroseconds);
  if (!started.ok()) stop();
  return started;
}

void Sampler::enter(Stage stage) { current_stage = static_cast<std::uint8_t>(stage); }

void Sampler::leave() { current_stage = 0; }

void Sampler::stop() {
  leave();
  struct sigaction installed {};
  ::sigaction(SIGPROF, nullptr, &installed);
  // User code has taken the signal, and perhaps the timer.
  if (!is_ours(installed)) return;
  static_cast<void>(set_timer(0));
  // One may be on its way: what is ignored is not kept for later.
  ::signal(SIGPROF, SIG_IGN);
  ::sigaction(SIGPROF, &before, nullptr);
}

std::vector<Sample> Sampler::take() {
  std::vector<Sample> samples;
  if (room == nullptr) return samples;
  // A handler of another thread is done in a moment; one of this thread is done already.
  while (busy.test_and_set(std::memory_order_acquire)) {
  }
  for (std::size_t at = 0; at < used;) {
    const std::uint64_t* const words = room->words + at;
    const std::size_t count = words[0] & 0xffffffff;
    samples.push_back({.stage = static_cast<Stage>(words[0] >> 32),
                       .counters = {words + kHeadWords, words + kHeadWords + count},
                       .count = words[1]});
    at += kHeadWords + count;
  }
  // A task that was too short for a sample costs nothing here.
  if (used > 0) std::fill(std::begin(room->slots), std::end(room->slots), 0);
  used = 0;
  busy.clear(std::memory_order_release);
  return samples;
}

std::uint64_t Sampler::take_left_out() { return left_out.exchange(0); }

}  // namespace fanfold
