// Samples an executor while it runs one attempt of a job that somebody wants to know more about.

#pragma once

#include <string>

#include "common/core/ids.hpp"
#include "common/profile/sample_writer.hpp"

namespace fanfold::worker {

/// What was seen while it lives is added to the executor's file when it ends.  Nothing happens
/// without a directory; what does not work out costs the attempt nothing, and is told in its log.
class AttemptProfile {
 public:
  /// Borrows all of it.  `plugin`: the file of which the executor has loaded a copy.
  AttemptProfile(const std::string& directory, const std::string& plugin, Stage stage,
                 SampleWriter& writer);
  ~AttemptProfile();
  AttemptProfile(const AttemptProfile&) = delete;
  AttemptProfile& operator=(const AttemptProfile&) = delete;

 private:
  const std::string& directory_;
  const std::string& plugin_;
  SampleWriter& writer_;
};

}  // namespace fanfold::worker
