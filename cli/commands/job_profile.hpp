// The profile of a job that runs on a cluster: its executors leave samples in a directory, which
// become one picture when the job is over.

#pragma once

#include <string>

#include "common/core/status.hpp"
#include "common/profile/stack_profile.hpp"
#include "common/proto/types.hpp"

namespace fanfold::cli {

/// A new directory beside the picture, where workers write that may be on other hosts.  The caller
/// removes it.
Result<std::string> make_sample_directory(const std::string& picture);

/// Of a job that goes on without its command: `directory` is there when this is OK, and has no
/// samples of another job unless `shared`.  True: it was made here.
Result<bool> prepare_sample_directory(const std::string& directory, bool shared);

/// What workers have left there.  kUnavailable: nothing; kNotFound: there is no such directory
/// here.
Result<StackProfile> read_job_samples(const std::string& directory);

/// From the samples in spec.profile.  kUnavailable: there are none.
Status write_job_profile(const std::string& picture, const proto::JobSpec& spec);

/// A warning when there is none to keep: of a job that ended, or when it cannot be written.
void tell_of_profile(const Status& kept, bool job_ended);

}  // namespace fanfold::cli
