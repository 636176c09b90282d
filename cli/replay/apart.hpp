// A replay in a child process, so that a crash is told of with its stack, as workers do it.

#pragma once

#include "cli/replay/replay.hpp"

namespace fanfold::cli {

/// The failure is complete.  Call it while there is one thread.  What user code prints goes where
/// this process prints.
Result<worker::RunOutcome> run_apart(const Replay& replay);

}  // namespace fanfold::cli
