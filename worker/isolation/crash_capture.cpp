#include "worker/isolation/crash_capture.hpp"

#include <execinfo.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "worker/isolation/throw_observer.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::worker {
namespace {

constexpr std::size_t kSignalStackBytes = 256u << 10;

/// Signal handlers and the C++ runtime's hooks get no context argument, so this one page pointer
/// is reachable from all of them.  Written once, before any user code runs.
SharedPage* crash_page = nullptr;

/// Only open, read and close: safe in a handler.
std::uint32_t read_memory_map(char* buffer, std::size_t size) {
  const int file = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  std::size_t used = 0;
  while (used < size) {
    const ssize_t got = ::read(file, buffer + used, size - used);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    used += static_cast<std::size_t>(got);
  }
  ::close(file);
  return static_cast<std::uint32_t>(used);
}

void store_frames(void* const* counters, int frames, CrashDump* dump) {
  std::uint32_t stored = dump->frames;
  for (int i = 0; i < frames && stored < kStackFrames; ++i) {
    dump->counters[stored++] = reinterpret_cast<std::uint64_t>(counters[i]);
  }
  dump->frames = stored;
}

/// The stack that was interrupted, without the handler's own frames.
void store_interrupted_stack(const ucontext_t& context, CrashDump* dump) {
#if defined(__x86_64__)
  void* const counter = reinterpret_cast<void*>(context.uc_mcontext.gregs[REG_RIP]);
  dump->stack_pointer = static_cast<std::uint64_t>(context.uc_mcontext.gregs[REG_RSP]);
#elif defined(__aarch64__)
  void* const counter = reinterpret_cast<void*>(context.uc_mcontext.pc);
  dump->stack_pointer = context.uc_mcontext.sp;
#else
  void* const counter = nullptr;
#endif
  void* counters[kStackFrames];
  const int frames = ::backtrace(counters, kStackFrames);
  int first = 0;
  while (first < frames && counters[first] != counter) ++first;
  if (first < frames) return store_frames(counters + first, frames - first, dump);
  // A call through a bad pointer: nothing can be unwound from there, but the return address of
  // that call is on top of the stack.
  store_frames(&counter, 1, dump);
#if defined(__x86_64__)
  if (dump->address != dump->stack_pointer && counter == reinterpret_cast<void*>(dump->address)) {
    void* const caller = *reinterpret_cast<void**>(dump->stack_pointer);
    store_frames(&caller, 1, dump);
  }
#endif
}

void finish_dump(DumpCause cause) {
  CrashDump& dump = crash_page->dump;
  dump.memory_map_bytes = read_memory_map(dump.memory_map.data(), dump.memory_map.size());
  dump.cause.store(cause, std::memory_order_release);
}

/// Last, after finish_dump(): the pointer comes from memory that user code may have damaged.
void save_key() {
  const auto key = current_key(crash_page->progress);
  if (!key) return;
  std::memcpy(crash_page->key.data(), key->data(), key->size());
  crash_page->key_bytes = static_cast<std::uint32_t>(key->size());
  crash_page->key_saved.store(1, std::memory_order_release);
}

void on_fatal_signal(int signal, siginfo_t* info, void* context) {
  CrashDump& dump = crash_page->dump;
  if (dump.cause.load(std::memory_order_acquire) == DumpCause::kNone) {
    dump.signal = signal;
    dump.code = info->si_code;
    dump.address = reinterpret_cast<std::uint64_t>(info->si_addr);
    dump.frames = 0;
    store_interrupted_stack(*static_cast<ucontext_t*>(context), &dump);
    finish_dump(DumpCause::kSignal);
    save_key();
  }
  // SA_RESETHAND put the default action back: it is delivered when this handler returns.
  ::raise(signal);
}

void on_stop_request(int /*signal*/, siginfo_t* /*info*/, void* context) {
  CrashDump& dump = crash_page->dump;
  dump.frames = 0;
  store_interrupted_stack(*static_cast<ucontext_t*>(context), &dump);
  finish_dump(DumpCause::kStopped);
  save_key();
  ::kill(0, SIGKILL);
}

void on_terminate() {
  auto& text = crash_page->dump.terminate_text;
  if (std::current_exception()) {
    try {
      throw;
    } catch (...) {
      std::snprintf(text.data(), text.size(), "%s", describe_current_exception().c_str());
    }
  }
  std::abort();
}

void on_exit() {
  CrashDump& dump = crash_page->dump;
  if (dump.cause.load(std::memory_order_acquire) != DumpCause::kNone) return;
  void* counters[kStackFrames];
  const int frames = ::backtrace(counters, kStackFrames);
  dump.frames = 0;
  // The first two are this function and the C library's list of exit functions.
  store_frames(counters + 1, frames > 1 ? frames - 1 : 0, &dump);
  finish_dump(DumpCause::kExit);
  save_key();
}

void install(int signal, void (*handler)(int, siginfo_t*, void*), int flags) {
  struct sigaction action {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | flags;
  ::sigfillset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

void install_crash_capture(SharedPage* page) {
  crash_page = page;
  // The first backtrace() loads the unwinder and allocates; a handler must not.
  void* warm[4];
  ::backtrace(warm, 4);

  stack_t stack{};
  stack.ss_size = kSignalStackBytes;
  stack.ss_sp = ::mmap(nullptr, kSignalStackBytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack.ss_sp != MAP_FAILED) ::sigaltstack(&stack, nullptr);
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS}) {
    install(signal, &on_fatal_signal, SA_RESETHAND);
  }
  install(SIGUSR2, &on_stop_request, 0);
  std::set_terminate(&on_terminate);
  std::atexit(&on_exit);
  observe_throws();
}

void dump_latest_throw() {
  CrashDump& dump = crash_page->dump;
  void* counters[kStackFrames];
  const int frames = latest_throw(counters, kStackFrames);
  if (frames == 0) return;
  dump.frames = 0;
  store_frames(counters, frames, &dump);
  finish_dump(DumpCause::kException);
}

}  // namespace fanfold::worker
