// System calls that fail on demand, in the way of SQLite's anomaly tests: let the first, second,
// third ... call of a kind fail, once or from then on, until the work gets through without meeting
// one.  A program that links failing_calls.cpp has the calls of everything in it caught, libraries
// and forked children included; nothing fails until arm().

#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace fanfold::support {

enum class Call : std::uint32_t {
  kOpen = 1u << 0,    // open, openat: also for creating.
  kWrite = 1u << 1,   // write, pwrite.
  kRead = 1u << 2,    // read, pread.
  kSync = 1u << 3,    // fsync, fdatasync.
  kRename = 1u << 4,  // rename, renameat2.
  kMakeDirectory = 1u << 5,
  kLink = 1u << 6,
  kRemove = 1u << 7,     // unlink, unlinkat, rmdir.
  kClose = 1u << 8,      // Closes, and then says that it failed.
  kMap = 1u << 9,        // mmap of a file.
  kTruncate = 1u << 10,  // ftruncate, posix_fallocate.
  kFork = 1u << 11,
  kDescriptor = 1u << 12,  // socketpair, pipe2, eventfd, signalfd, memfd_create, dup, F_DUPFD.
  kTalk = 1u << 13,        // send, recv, sendmsg, recvmsg, poll.
  kAllocate = 1u << 14,    // What the test itself puts in the place of an allocator: see fails().
};

constexpr std::uint32_t operator|(Call a, Call b) {
  return static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b);
}
constexpr std::uint32_t operator|(std::uint32_t a, Call b) {
  return a | static_cast<std::uint32_t>(b);
}

struct CallFailure {
  const char* name;
  std::uint32_t calls;  // Of Call.
  int error;            // errno; 0: a write takes only a part of its bytes.
  bool harmless;        // The work has to succeed all the same.
};
void PrintTo(const CallFailure& failure, std::ostream* out);

/// Short writes, a full disk, a failing disk, no descriptors, no memory, interruptions.
const std::vector<CallFailure>& failures_of_files();
/// No descriptors, no processes, no memory, interruptions.
const std::vector<CallFailure>& failures_of_processes();

/// For tests with a parameter: each failure once, and from its call on for ever.
struct FailureCase {
  CallFailure failure;
  bool sticky;
};
void PrintTo(const FailureCase& one, std::ostream* out);
std::vector<FailureCase> cases_of(const std::vector<CallFailure>& failures);

/// From now on the `nth` call (from 1) of these kinds fails; `sticky`: all later ones too. Children
/// that are forked after the first arm() count along.
void arm(const CallFailure& failure, std::uint64_t nth, bool sticky);
/// Nothing fails any more.  How many calls did since arm().
std::uint64_t disarm();

/// Whether this call is to fail, with errno set: asked by every call that is caught.
bool fails(Call call);

/// Does `work` with the first, second, third ... call failing, until none does any more; `set_up`
/// comes before each round, while nothing fails.  `work` is told which, for messages, and calls
/// disarm() itself before it looks at what came of it; it returns what disarm() said.  Returns the
/// number of rounds in which something failed.
std::uint64_t for_each_failing_call(
    const CallFailure& failure, bool sticky,
    const std::function<std::uint64_t(const std::string&)>& work,
    const std::function<void()>& set_up = [] {});

/// Open descriptors of this process, each with what it leads to.
std::vector<std::string> open_descriptors();

}  // namespace fanfold::support
