// One attempt in a child process, so that a crash is told of with its stack, as workers do it.

#pragma once

#include <functional>

#include "common/core/status.hpp"
#include "worker/exec/run_task.hpp"

namespace fanfold::cli {

struct ApartAttempt {
  const proto::TaskAssignment* assignment = nullptr;
  /// Runs it, in the child.
  std::function<worker::RunOutcome(abi::ProgressSlot* progress)> run;
};

/// The failure is complete.  Call it while there is one thread.  What user code prints goes where
/// this process prints.
Result<worker::RunOutcome> run_apart(const ApartAttempt& attempt);

}  // namespace fanfold::cli
