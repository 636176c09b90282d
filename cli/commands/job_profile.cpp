#include "cli/commands/job_profile.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "cli/commands/command.hpp"
#include "cli/profile/profile.hpp"

namespace fanfold::cli {

Result<std::string> make_sample_directory(const std::string& picture) {
  std::error_code failed;
  // Workers have working directories of their own.
  std::string path = std::filesystem::absolute(picture, failed).string() + ".XXXXXX";
  if (!failed && ::mkdtemp(path.data()) != nullptr) return path;
  return Status(StatusCode::kInvalidArgument,
                "cannot make a directory for samples beside " + picture + ": " +
                    (failed ? failed.message() : std::string(std::strerror(errno))));
}

Result<bool> prepare_sample_directory(const std::string& directory, bool shared) {
  const bool made = ::mkdir(directory.c_str(), 0777) == 0;
  if (!made && errno != EEXIST) {
    return Status(StatusCode::kInvalidArgument, "--profile: cannot make the directory " +
                                                    directory + ": " + std::strerror(errno));
  }
  const Result<StackProfile> earlier = read_profiles(directory);
  if (!earlier.ok()) {
    return Status(
        StatusCode::kInvalidArgument,
        "--profile: " + directory + " is no directory that can be read; give another one");
  }
  if (earlier->files > 0 && !shared) {
    return Status(StatusCode::kInvalidArgument,
                  "--profile: " + directory +
                      " has samples of another job; give a directory that is new or empty");
  }
  return made;
}

Result<StackProfile> read_job_samples(const std::string& directory) {
  FANFOLD_ASSIGN_OR_RETURN(StackProfile profile, read_profiles(directory));
  if (profile.files == 0) {
    return Status(StatusCode::kUnavailable,
                  "there is no profile: no worker has left samples in " + directory +
                      "; the job took too little processor time, or workers cannot write there "
                      "(what attempts print says so: see 'fanfold logs')");
  }
  return profile;
}

Status write_job_profile(const std::string& picture, const proto::JobSpec& spec) {
  FANFOLD_ASSIGN_OR_RETURN(const StackProfile profile, read_job_samples(spec.profile));
  return write_profile({.path = picture, .job = spec.job_name, .plugin = spec.plugin.path},
                       profile);
}

void tell_of_profile(const Status& kept, bool job_ended) {
  // A job that was refused has nothing to be seen of.
  if (kept.ok() || (kept.code() == StatusCode::kUnavailable && !job_ended)) return;
  print_error("WARNING: " + kept.message() + "\n");
}

}  // namespace fanfold::cli
