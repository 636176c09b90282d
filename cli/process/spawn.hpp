// Starts programs of ours and sees to it that none of them is left.

#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/core/time.hpp"

namespace fanfold::cli {

struct SpawnRequest {
  std::string program;                 // Path, or a name that is looked up in PATH.
  std::vector<std::string> arguments;  // Without the program itself.
  std::string input;                   // File of standard input; empty: /dev/null.
  std::string output;                  // Standard output and error are appended to this file.
  std::string error;                   // File of standard error alone; empty: that of the output.
  std::vector<int> inherited;          // Descriptors the program keeps, under the same numbers.
  /// Beginnings of names of environment variables that the program does not get.
  std::vector<std::string> without;
  bool new_session = false;  // Else: a process group of its own in our session.
};

/// vfork and exec in one: quick whatever the size of this process.  Signals are unblocked in the
/// new program.  kUnavailable names the program and says why.
Result<pid_t> spawn(const SpawnRequest& request);

struct Pipe {
  int read_end = -1;
  int write_end = -1;
};
/// Both ends close on exec, unless inherited by name.
Result<Pipe> make_pipe();

/// Makes this process the one that orphans of its descendants are given to, so that it can wait for
/// all of them.
void adopt_orphans();

/// Waits until this process has no children any more.  After `grace` or at an interrupt every
/// descendant is killed.  Needs adopt_orphans() and the signals of Interrupts
/// blocked.
void wait_for_children(Duration grace);

/// The last `lines_max` lines of a log file, for messages.
std::string last_lines(const std::string& path, std::size_t lines_max);

/// "exit status 3" or "signal 11 (Segmentation fault)".
std::string describe_exit(int wait_status);

}  // namespace fanfold::cli
