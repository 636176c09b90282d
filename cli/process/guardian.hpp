// Removes directories when the processes that use them have ended, however they ended.

#pragma once

#include <string>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold::cli {

/// A process apart, which waits for the end of this one and of all that inherited descriptor().
/// Make it while there is one thread, before adopt_orphans(), and only one at a time.
class Guardian {
 public:
  Guardian() = default;
  /// Has the directories removed and waits for that.
  ~Guardian();
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  Status start(const std::vector<std::string>& directories);

  /// As long as a process holds it, the directories stay.  -1 before start().
  int descriptor() const { return life_; }

  /// From now on SIGINT, SIGTERM and SIGHUP end this process with `exit_code`, after the
  /// directories are gone: for commands that run user code themselves.
  void exit_on_interrupt(int exit_code);

 private:
  int life_ = -1;  // Written to or closed by all: the guardian acts.
  int gone_ = -1;  // Ends with the guardian.
};

}  // namespace fanfold::cli
