// A process that a task of an item runs in: started without a shell, ended with all that it started
// and left behind.  Stays in the process group of its executor, which the worker ends as a whole.
// Not thread-safe.

#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "common/core/status.hpp"
#include "common/core/unique_fd.hpp"

namespace fanfold::worker {

/// How a process has ended, in words: "exit status 3", "signal 11 (Segmentation fault)".
struct ProcessEnd {
  bool signalled = false;
  int code = 0;  // Exit status or signal.
  bool good() const { return !signalled && code == 0; }
  std::string text() const;
};

class ChildProcess {
 public:
  ChildProcess() = default;
  ~ChildProcess() { stop(); }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Calls `body` in a new process, which ends when it returns (with 127).  There, signals have
  /// their default actions and the process dies with its parent.
  Status start(const std::function<void()>& body);

  bool running() const { return process_ > 0; }
  bool is(pid_t process) const { return running() && process_ == process; }
  /// Readable once it has ended.
  int ended_descriptor() const { return ended_.get(); }
  /// Waits for its end.
  ProcessEnd wait();
  /// Kills it, if it still runs.
  std::optional<ProcessEnd> stop();

 private:
  pid_t process_ = -1;
  UniqueFd ended_;  // Of its process.
};

/// From now on, processes whose parents have ended become children of this one.
void adopt_orphans();
/// Ends the children of this process but for `kept`: what a command left behind.
void end_orphans(const std::function<bool(pid_t)>& kept);

/// Both ends of a pipe, closed in programs that are started.
struct Pipe {
  UniqueFd read;
  UniqueFd write;
};
Result<Pipe> make_pipe();

}  // namespace fanfold::worker
