#include "tests/support/failing_calls.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>

namespace fanfold::support {
namespace {

/// In memory that children share: the call that fails may be one of theirs.
struct Armed {
  std::atomic<std::uint32_t> calls{0};
  std::atomic<int> error{0};
  std::atomic<bool> sticky{false};
  std::atomic<std::uint64_t> left{0};
  std::atomic<std::uint64_t> failed{0};
};
std::atomic<Armed*> armed{nullptr};

Armed& shared() {
  if (armed == nullptr) {
    void* memory =
        ::mmap(nullptr, sizeof(Armed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    armed = new (memory) Armed;
  }
  return *armed;
}

template <class Function>
Function real(Function, const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

void PrintTo(const CallFailure& failure, std::ostream* out) { *out << failure.name; }

const std::vector<CallFailure>& failures_of_files() {
  static const std::vector<CallFailure> failures = {
      {"ShortWrite", 0 | Call::kWrite, 0, true},
      {"Interrupted", Call::kWrite | Call::kRead | Call::kOpen, EINTR, true},
      {"DiskFull",
       Call::kWrite | Call::kMakeDirectory | Call::kLink | Call::kRename | Call::kTruncate |
           Call::kSync,
       ENOSPC, false},
      {"DiskFails",
       Call::kWrite | Call::kRead | Call::kSync | Call::kClose | Call::kRename | Call::kOpen |
           Call::kMakeDirectory | Call::kLink | Call::kRemove | Call::kTruncate,
       EIO, false},
      {"NoDescriptors", Call::kOpen | Call::kDescriptor, EMFILE, false},
      {"NoMemory", Call::kMap | Call::kFork | Call::kOpen, ENOMEM, false},
  };
  return failures;
}

const std::vector<CallFailure>& failures_of_processes() {
  static const std::vector<CallFailure> failures = {
      {"Interrupted", 0 | Call::kTalk, EINTR, true},
      {"NoDescriptors", Call::kOpen | Call::kDescriptor, EMFILE, false},
      {"NoProcesses", 0 | Call::kFork, EAGAIN, false},
      {"NoMemory", Call::kMap | Call::kFork | Call::kTruncate | Call::kDescriptor, ENOMEM, false},
  };
  return failures;
}

void PrintTo(const FailureCase& one, std::ostream* out) {
  *out << one.failure.name << (one.sticky ? "ForEver" : "Once");
}

std::vector<FailureCase> cases_of(const std::vector<CallFailure>& failures) {
  std::vector<FailureCase> cases;
  for (const CallFailure& failure : failures) {
    cases.push_back({failure, false});
    // A call that is interrupted for ever never ends, and a write of half the bytes for ever does.
    if (failure.error != EINTR) cases.push_back({failure, true});
  }
  return cases;
}

bool fails(Call call) {
  Armed* const state = armed.load(std::memory_order_relaxed);
  if (state == nullptr || (state->calls.load() & static_cast<std::uint32_t>(call)) == 0) {
    return false;
  }
  std::uint64_t left = state->left.load();
  while (left > 0 && !state->left.compare_exchange_weak(left, left - 1)) {
  }
  if (left > 1 || (left == 0 && !state->sticky)) return false;
  state->failed.fetch_add(1);
  errno = state->error;
  return true;
}

void arm(const CallFailure& failure, std::uint64_t nth, bool sticky) {
  Armed& state = shared();
  state.failed = 0;
  state.error = failure.error;
  state.sticky = sticky;
  state.left = nth;
  state.calls = failure.calls;
}

std::uint64_t disarm() {
  Armed& state = shared();
  state.calls = 0;
  return state.failed;
}

std::uint64_t for_each_failing_call(const CallFailure& failure, bool sticky,
                                    const std::function<std::uint64_t(const std::string&)>& work,
                                    const std::function<void()>& set_up) {
  for (std::uint64_t nth = 1;; ++nth) {
    const std::string what = std::string(failure.name) + (sticky ? " from call " : " at call ") +
                             std::to_string(nth) + " on";
    set_up();
    arm(failure, nth, sticky);
    if (work(what) == 0) return nth - 1;
  }
}

std::vector<std::string> open_descriptors() {
  std::vector<std::string> open;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    std::error_code gone;  // The one that lists this directory.
    const auto target = std::filesystem::read_symlink(entry.path(), gone);
    if (gone || target == "/proc/" + std::to_string(::getpid()) + "/fd") continue;
    open.push_back(entry.path().filename().string() + " -> " + target.string());
  }
  std::sort(open.begin(), open.end());
  return open;
}

}  // namespace fanfold::support

// The calls themselves, under the names that the C library gives them.
using fanfold::support::Call;
using fanfold::support::fails;
using fanfold::support::real;

namespace {

mode_t mode_of(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

/// A write to a terminal or pipe is the test's own: its report must get out.
bool is_report(int descriptor) {
  return descriptor == STDOUT_FILENO || descriptor == STDERR_FILENO;
}

std::size_t part_of(std::size_t size) { return std::max<std::size_t>(1, size / 2); }

}  // namespace

// NOLINTBEGIN: names and parameters are those of POSIX.
extern "C" {

#define FANFOLD_OPEN(name)                                    \
  int name(const char* path, int flags, ...) {                \
    static const auto call = real(&::name, #name);            \
    va_list arguments;                                        \
    va_start(arguments, flags);                               \
    const mode_t mode = mode_of(flags, arguments);            \
    va_end(arguments);                                        \
    return fails(Call::kOpen) ? -1 : call(path, flags, mode); \
  }
FANFOLD_OPEN(open)
FANFOLD_OPEN(open64)

#define FANFOLD_OPENAT(name)                                             \
  int name(int directory, const char* path, int flags, ...) {            \
    static const auto call = real(&::name, #name);                       \
    va_list arguments;                                                   \
    va_start(arguments, flags);                                          \
    const mode_t mode = mode_of(flags, arguments);                       \
    va_end(arguments);                                                   \
    return fails(Call::kOpen) ? -1 : call(directory, path, flags, mode); \
  }
FANFOLD_OPENAT(openat)
FANFOLD_OPENAT(openat64)

ssize_t write(int descriptor, const void* bytes, size_t size) {
  static const auto call = real(&::write, "write");
  if (is_report(descriptor) || !fails(Call::kWrite)) return call(descriptor, bytes, size);
  return errno == 0 ? call(descriptor, bytes, part_of(size)) : -1;
}

#define FANFOLD_PWRITE(name, offset_type)                                            \
  ssize_t name(int descriptor, const void* bytes, size_t size, offset_type offset) { \
    static const auto call = real(&::name, #name);                                   \
    if (!fails(Call::kWrite)) return call(descriptor, bytes, size, offset);          \
    return errno == 0 ? call(descriptor, bytes, part_of(size), offset) : -1;         \
  }
FANFOLD_PWRITE(pwrite, off_t)
FANFOLD_PWRITE(pwrite64, off64_t)

ssize_t writev(int descriptor, const iovec* pieces, int count) {
  static const auto call = real(&::writev, "writev");
  if (!fails(Call::kWrite)) return call(descriptor, pieces, count);
  if (errno != 0) return -1;
  const iovec* const end = pieces + count;
  const iovec* const first =
      std::find_if(pieces, end, [](const iovec& piece) { return piece.iov_len != 0; });
  if (first == end) return 0;
  const iovec part{first->iov_base, part_of(first->iov_len)};
  return call(descriptor, &part, 1);
}

#define FANFOLD_CALL(kind, result, name, parameters, arguments)    \
  result name parameters {                                         \
    static const auto call = real(&::name, #name);                 \
    return fails(kind) ? static_cast<result>(-1) : call arguments; \
  }
FANFOLD_CALL(Call::kRead, ssize_t, read, (int fd, void* to, size_t size), (fd, to, size))
FANFOLD_CALL(Call::kRead, ssize_t, pread, (int fd, void* to, size_t size, off_t at),
             (fd, to, size, at))
FANFOLD_CALL(Call::kRead, ssize_t, pread64, (int fd, void* to, size_t size, off64_t at),
             (fd, to, size, at))
FANFOLD_CALL(Call::kSync, int, fsync, (int fd), (fd))
FANFOLD_CALL(Call::kSync, int, fdatasync, (int fd), (fd))
FANFOLD_CALL(Call::kRename, int, rename, (const char* from, const char* to) noexcept, (from, to))
FANFOLD_CALL(Call::kRename, int, renameat2,
             (int from_fd, const char* from, int to_fd, const char* to, unsigned flags) noexcept,
             (from_fd, from, to_fd, to, flags))
FANFOLD_CALL(Call::kMakeDirectory, int, mkdir, (const char* path, mode_t mode) noexcept,
             (path, mode))
FANFOLD_CALL(Call::kLink, int, link, (const char* from, const char* to) noexcept, (from, to))
FANFOLD_CALL(Call::kRemove, int, unlink, (const char* path) noexcept, (path))
FANFOLD_CALL(Call::kRemove, int, unlinkat, (int fd, const char* path, int flags) noexcept,
             (fd, path, flags))
FANFOLD_CALL(Call::kRemove, int, rmdir, (const char* path) noexcept, (path))
FANFOLD_CALL(Call::kTruncate, int, ftruncate, (int fd, off_t size) noexcept, (fd, size))
FANFOLD_CALL(Call::kTruncate, int, ftruncate64, (int fd, off64_t size) noexcept, (fd, size))
FANFOLD_CALL(Call::kFork, pid_t, fork, () noexcept, ())
FANFOLD_CALL(Call::kDescriptor, int, socketpair,
             (int domain, int type, int protocol, int* ends) noexcept,
             (domain, type, protocol, ends))
FANFOLD_CALL(Call::kDescriptor, int, pipe2, (int* ends, int flags) noexcept, (ends, flags))
FANFOLD_CALL(Call::kDescriptor, int, eventfd, (unsigned count, int flags) noexcept, (count, flags))
FANFOLD_CALL(Call::kDescriptor, int, memfd_create, (const char* name, unsigned flags) noexcept,
             (name, flags))
FANFOLD_CALL(Call::kDescriptor, int, dup, (int fd) noexcept, (fd))
FANFOLD_CALL(Call::kDescriptor, int, signalfd, (int fd, const sigset_t* mask, int flags) noexcept,
             (fd, mask, flags))
FANFOLD_CALL(Call::kTalk, ssize_t, send, (int fd, const void* from, size_t size, int flags),
             (fd, from, size, flags))
FANFOLD_CALL(Call::kTalk, ssize_t, recv, (int fd, void* to, size_t size, int flags),
             (fd, to, size, flags))
FANFOLD_CALL(Call::kTalk, ssize_t, sendmsg, (int fd, const msghdr* message, int flags),
             (fd, message, flags))
FANFOLD_CALL(Call::kTalk, ssize_t, recvmsg, (int fd, msghdr* message, int flags),
             (fd, message, flags))
FANFOLD_CALL(Call::kTalk, int, poll, (pollfd * watched, nfds_t count, int timeout),
             (watched, count, timeout))

// These give the error itself, not errno.
#define FANFOLD_FALLOCATE(name, offset_type)                        \
  int name(int fd, offset_type offset, offset_type size) {          \
    static const auto call = real(&::name, #name);                  \
    return fails(Call::kTruncate) ? errno : call(fd, offset, size); \
  }
FANFOLD_FALLOCATE(posix_fallocate, off_t)
FANFOLD_FALLOCATE(posix_fallocate64, off64_t)

#define FANFOLD_FCNTL(name)                                                       \
  int name(int fd, int command, ...) {                                            \
    static const auto call = real(&::name, #name);                                \
    va_list arguments;                                                            \
    va_start(arguments, command);                                                 \
    void* const argument = va_arg(arguments, void*);                              \
    va_end(arguments);                                                            \
    const bool copies = command == F_DUPFD || command == F_DUPFD_CLOEXEC;         \
    return copies && fails(Call::kDescriptor) ? -1 : call(fd, command, argument); \
  }
FANFOLD_FCNTL(fcntl)
FANFOLD_FCNTL(fcntl64)

int close(int descriptor) {
  static const auto call = real(&::close, "close");
  const int result = call(descriptor);
  return fails(Call::kClose) ? -1 : result;
}

// Memory of no file is the allocator's, which may ask at any time.
#define FANFOLD_MMAP(name, offset_type)                                       \
  void* name(void* address, size_t size, int protection, int flags, int fd,   \
             offset_type offset) noexcept {                                   \
    static const auto call = real(&::name, #name);                            \
    if ((flags & MAP_ANONYMOUS) == 0 && fails(Call::kMap)) return MAP_FAILED; \
    return call(address, size, protection, flags, fd, offset);                \
  }
FANFOLD_MMAP(mmap, off_t)
FANFOLD_MMAP(mmap64, off64_t)

}  // extern "C"
// NOLINTEND
