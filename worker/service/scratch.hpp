// The worker's own directory for intermediate files: <scratch>/<job>/<attempt>/...
// Made with mode 0700 at the start, removed with everything in it at the end.  Its lock tells the
// living from the killed, whose directories the next worker beside them removes.  A directory in it
// bears the worker's uuid, so that the next worker can say who died.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"
#include "common/core/unique_fd.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::worker {

struct ScratchOptions {
  std::string directory;
  std::string uuid;  // Of the worker.
};

class Scratch {
 public:
  /// Replaces what an earlier process of the same name left there, and removes what killed workers
  /// left beside it: directories of the same name but for another number at its end.  kIoError says
  /// why not.
  static Result<Scratch> make(io::FileSystem& files, const ScratchOptions& options);
  /// A directory that is there already and stays when this is gone.
  static Scratch borrow(io::FileSystem& files, std::string directory) {
    return Scratch(files, {std::move(directory), {}}, UniqueFd());
  }
  Scratch(Scratch&& other) noexcept;
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch();

  const std::string& directory() const { return directory_; }
  const std::string& uuid() const { return uuid_; }
  /// Uuids of the killed workers whose directories make() removed.
  const std::vector<std::string>& died() const { return died_; }
  /// Not made yet: whoever writes there makes it.
  std::string attempt_directory(JobId job, AttemptId attempt) const;
  Status drop_attempt(JobId job, AttemptId attempt);
  Status drop_job(JobId job);

 private:
  Scratch(io::FileSystem& files, ScratchOptions options, UniqueFd lock)
      : files_(files),
        directory_(std::move(options.directory)),
        uuid_(std::move(options.uuid)),
        lock_(std::move(lock)) {}

  io::FileSystem& files_;
  std::string directory_;  // Empty after a move.
  std::string uuid_;
  std::vector<std::string> died_;
  UniqueFd lock_;  // Of our own directory, for as long as this process lives.
};

/// <holder's scratch>/<job>/<attempt>/output.run: where a map attempt leaves its output.
std::string map_output_path(const std::string& scratch, JobId job, AttemptId attempt);

}  // namespace fanfold::worker
