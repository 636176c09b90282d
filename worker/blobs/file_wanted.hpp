// What is said of a file that an attempt needs and that is not where its job says.

#pragma once

#include <string>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"

namespace fanfold::worker {

struct FileWanted {
  AttemptId attempt;
  std::string sha256;
  std::string name;        // Only for people: it becomes a part of the path.
  bool damaged = false;    // What it was given for this digest is something else.
  std::string given = {};  // Then: the path of that.
};

/// Where it is now, or why it cannot be had.
struct FileBrought {
  AttemptId attempt;
  std::string sha256;
  Result<std::string> path;
};

}  // namespace fanfold::worker
