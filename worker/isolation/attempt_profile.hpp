// Samples an executor while it runs one attempt of a job that somebody wants to know more about.

#pragma once

#include <string>

#include "common/core/ids.hpp"

namespace fanfold::worker {

/// What was seen while it lives is added to the executor's file when it ends.  Nothing happens
/// without a directory; what does not work out costs the attempt nothing, and is told in its log.
class AttemptProfile {
 public:
  /// Borrows both texts.  `plugin`: the file of which the executor has loaded a copy.
  AttemptProfile(const std::string& directory, const std::string& plugin, Stage stage);
  ~AttemptProfile();
  AttemptProfile(const AttemptProfile&) = delete;
  AttemptProfile& operator=(const AttemptProfile&) = delete;

 private:
  const std::string& directory_;
  const std::string& plugin_;
};

}  // namespace fanfold::worker
