// Removes directories when this process ends without having done so: killed, crashed, interrupted
// in the middle of user code.

#pragma once

#include <string>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold::cli {

/// Forks a child that waits for the end of this process.  Make it while there is one thread, and
/// only one at a time.
class Guardian {
 public:
  Guardian() = default;
  /// Ends the child and waits for it; it removes what is still there.
  ~Guardian();
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;

  /// From now on SIGINT, SIGTERM and SIGHUP end this process with `interrupted_exit_code`, after
  /// the directories are gone.
  Status start(const std::vector<std::string>& directories, int interrupted_exit_code);
};

}  // namespace fanfold::cli
