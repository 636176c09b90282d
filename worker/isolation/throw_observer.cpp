#include "worker/isolation/throw_observer.hpp"

#include <dlfcn.h>
#include <execinfo.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FANFOLD_OBSERVE_THROWS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FANFOLD_OBSERVE_THROWS 0
#endif
#endif
#ifndef FANFOLD_OBSERVE_THROWS
#define FANFOLD_OBSERVE_THROWS 1
#endif

namespace fanfold::worker {
namespace {

constexpr int kFrames = 64;

struct ThrowStack {
  int frames = 0;
  void* counters[kFrames];
};

// The C++ runtime's hook has no argument that could lead to state of ours.
std::atomic<bool> observing{false};
thread_local ThrowStack stack_of_latest;

}  // namespace

void observe_throws() { observing = true; }

int latest_throw(void** counters, int counters_max) {
  const int frames = std::min(stack_of_latest.frames, counters_max);
  std::copy_n(stack_of_latest.counters, frames, counters);
  return frames;
}

void forget_latest_throw() { stack_of_latest.frames = 0; }

}  // namespace fanfold::worker

#if FANFOLD_OBSERVE_THROWS
// Takes the place of the C++ runtime's __cxa_throw in every module of the process, because the
// dynamic loader finds the program's definition first.  Named by its assembler name: compilers
// know a declaration of their own, which a definition would contradict.
extern "C" [[noreturn]] __attribute__((visibility("default"))) void fanfold_observed_throw(
    void* exception, void* type, void (*destructor)(void*)) __asm__("__cxa_throw");

extern "C" void fanfold_observed_throw(void* exception, void* type, void (*destructor)(void*)) {
  using Throw = void (*)(void*, void*, void (*)(void*));
  using fanfold::worker::observing;
  using fanfold::worker::stack_of_latest;
  if (observing.load(std::memory_order_relaxed)) {
    stack_of_latest.frames = ::backtrace(stack_of_latest.counters, fanfold::worker::kFrames);
  }
  static const auto real = reinterpret_cast<Throw>(::dlsym(RTLD_NEXT, "__cxa_throw"));
  real(exception, type, destructor);
  std::abort();
}
#endif
