#include "cli/commands/job_profile.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "cli/commands/command.hpp"
#include "cli/profile/profile.hpp"
#include "common/profile/stack_profile.hpp"

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

Status write_job_profile(const std::string& picture, const proto::JobSpec& spec) {
  FANFOLD_ASSIGN_OR_RETURN(const StackProfile profile, read_profiles(spec.profile));
  if (profile.files == 0) {
    return {StatusCode::kUnavailable,
            "there is no profile: no worker has left samples in " + spec.profile +
                "; the job took too little processor time, or workers cannot write there (what "
                "attempts print says so: see 'fanfold logs')"};
  }
  return write_profile({.path = picture, .job = spec.job_name, .plugin = spec.plugin.path},
                       profile);
}

void tell_of_profile(const Status& kept, bool job_ended) {
  // A job that was refused has nothing to be seen of.
  if (kept.ok() || (kept.code() == StatusCode::kUnavailable && !job_ended)) return;
  print_error("WARNING: " + kept.message() + "\n");
}

}  // namespace fanfold::cli
