// The zygote: a small single-threaded process, forked from the worker before the worker makes any
// thread or ZeroMQ context.  It forks executors, reaps them and says how they ended.  It alone
// signals them: it is their parent, so a process id cannot have been reused behind its back.
// When the worker goes away, however it dies, the zygote kills every executor and ends.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "common/core/status.hpp"
#include "common/core/unique_fd.hpp"

namespace fanfold::worker {

/// What becomes descriptors of the executor; closed here once sent.
struct ExecutorDescriptors {
  UniqueFd control;
  UniqueFd page;
  UniqueFd log;
};

struct ZygoteEvent {
  enum class Kind : std::uint32_t { kStarted = 1, kNotStarted = 2, kEnded = 3 };
  Kind kind = Kind::kStarted;
  std::int32_t process = 0;
  std::uint64_t token = 0;           // Of the start request.
  std::int32_t wait_status = 0;      // kEnded.
  std::int32_t error = 0;            // kNotStarted: errno.
  std::uint64_t peak_rss_bytes = 0;  // kEnded.
};

class Zygote {
 public:
  /// Forks it.  Call it first of all in main(): the caller must have one thread and nothing in
  /// memory that a copy could misuse.
  static Result<Zygote> start();
  Zygote(Zygote&&) noexcept = default;
  Zygote& operator=(Zygote&&) = delete;
  /// Ends every executor and waits until all are gone.
  ~Zygote();

  /// Answered by kStarted or kNotStarted, and later by kEnded, all with this token.
  Status start_executor(std::uint64_t token, const ExecutorDescriptors& descriptors,
                        std::uint64_t data_bytes_max);
  /// To the executor's whole process group.  Nothing when it is gone already.
  Status signal_executor(std::uint64_t token, int signal);
  /// To the executor's first process alone.
  Status ask_for_stack(std::uint64_t token);

  /// Readable when next_event() has something.
  int descriptor() const { return socket_.get(); }
  /// Never blocks.  kAborted: the zygote is gone, and every executor with it.
  Result<std::optional<ZygoteEvent>> next_event();

 private:
  Zygote(pid_t process, UniqueFd socket) : process_(process), socket_(std::move(socket)) {}

  pid_t process_;
  UniqueFd socket_;
};

}  // namespace fanfold::worker
