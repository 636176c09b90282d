// One program of a cluster under test: started, stopped in every way a host can stop it, and
// started again.

#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/core/time.hpp"

namespace fanfold::chaos {

struct DaemonCommand {
  std::string program;
  std::vector<std::string> arguments;  // Without the program.
  std::string log;                     // Standard output and error are appended.
  std::vector<int> inherited;          // Descriptors it keeps.
};

class Daemon {
 public:
  explicit Daemon(DaemonCommand command) : command_(std::move(command)) {}
  /// Kills what still runs.
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  DaemonCommand& command() { return command_; }
  /// Throws std::runtime_error when the program cannot be started.
  void start();
  void signal(int number) const;
  /// SIGKILL, and the end of it awaited.
  void kill();
  /// Notices the end by itself; the process is reaped.
  bool running();
  /// False: it still runs after `patience`.
  bool wait_for_end(Duration patience);
  /// -1: does not run.
  pid_t pid() const { return pid_; }
  /// How the last process ended, for people.
  const std::string& end() const { return end_; }

 private:
  void note_end(int wait_status);

  DaemonCommand command_;
  pid_t pid_ = -1;
  std::string end_;
};

}  // namespace fanfold::chaos
