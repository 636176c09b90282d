// The worker's own directory for intermediate files: <scratch>/<job>/<attempt>/...
// Made with mode 0700 at the start, removed with everything in it at the end.

#pragma once

#include <string>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::worker {

class Scratch {
 public:
  /// Replaces what an earlier process of the same name left there.  kIoError says why not.
  static Result<Scratch> make(io::FileSystem& files, const std::string& directory);
  Scratch(Scratch&& other) noexcept;
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch();

  const std::string& directory() const { return directory_; }
  /// Not made yet: whoever writes there makes it.
  std::string attempt_directory(JobId job, AttemptId attempt) const;
  Status drop_attempt(JobId job, AttemptId attempt);
  Status drop_job(JobId job);

 private:
  Scratch(io::FileSystem& files, std::string directory)
      : files_(files), directory_(std::move(directory)) {}

  io::FileSystem& files_;
  std::string directory_;  // Empty after a move.
};

/// <holder's scratch>/<job>/<attempt>/output.run: where a map attempt leaves its output.
std::string map_output_path(const std::string& scratch, JobId job, AttemptId attempt);

}  // namespace fanfold::worker
