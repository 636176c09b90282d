// A FANFOLD_CHECK that fails ends one simulated run, not the process that runs thousands of them:
// this library replaces check_failed() of common/core.

#pragma once

#include <stdexcept>
#include <string>

namespace fanfold::sim {

/// Thrown through production code, which is thrown away after it.
class CheckFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// While one lives, this thread throws CheckFailed; otherwise a failed check aborts as always.
class ThrowingChecks {
 public:
  ThrowingChecks();
  ~ThrowingChecks();
  ThrowingChecks(const ThrowingChecks&) = delete;
  ThrowingChecks& operator=(const ThrowingChecks&) = delete;
};

}  // namespace fanfold::sim
