// Runs a check in a child process: as another user, or under limits that the tests must not keep.

#pragma once

#include <functional>
#include <string>

namespace fanfold::io {

/// `check` returns what was wrong, or "".  Adds a test failure when something was.  No other
/// thread may be running.
void run_in_child(const std::function<std::string()>& check);

/// As a user whom file permissions bind, so that tests of them bite under root too.
void run_unprivileged(const std::function<std::string()>& check);

}  // namespace fanfold::io
