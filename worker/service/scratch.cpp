#include "worker/service/scratch.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace fanfold::worker {
namespace {

std::string attempt_path(const std::string& scratch, JobId job, AttemptId attempt) {
  return scratch + "/" + std::to_string(job.value) + "/" + std::to_string(attempt.value);
}

}  // namespace

Result<Scratch> Scratch::make(io::FileSystem& files, const std::string& directory) {
  const std::size_t slash = directory.rfind('/');
  if (slash != directory.npos && slash > 0) {
    FANFOLD_RETURN_IF_ERROR(files.make_directories(directory.substr(0, slash)));
  }
  // The name carries our process id: whoever made it before us is gone.
  FANFOLD_RETURN_IF_ERROR(files.remove_tree(directory));
  // FileSystem makes directories that others may read; intermediate files are the user's data.
  if (::mkdir(directory.c_str(), 0700) != 0) {
    return Status(StatusCode::kIoError, "cannot make the scratch directory '" + directory +
                                            "': " + std::strerror(errno) +
                                            "; choose another with --scratch");
  }
  return Scratch(files, directory);
}

Scratch::Scratch(Scratch&& other) noexcept
    : files_(other.files_), directory_(std::exchange(other.directory_, std::string())) {}

Scratch::~Scratch() {
  // Nobody is left to tell; what cannot be removed stays under a name that says whose it was.
  if (!directory_.empty()) static_cast<void>(files_.remove_tree(directory_));
}

std::string Scratch::attempt_directory(JobId job, AttemptId attempt) const {
  return attempt_path(directory_, job, attempt);
}

Status Scratch::drop_attempt(JobId job, AttemptId attempt) {
  return files_.remove_tree(attempt_directory(job, attempt));
}

Status Scratch::drop_job(JobId job) {
  return files_.remove_tree(directory_ + "/" + std::to_string(job.value));
}

std::string map_output_path(const std::string& scratch, JobId job, AttemptId attempt) {
  return attempt_path(scratch, job, attempt) + "/output.run";
}

}  // namespace fanfold::worker
