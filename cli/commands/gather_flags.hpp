// The flags of `run` and `submit` that say how the results of a job become one.

#pragma once

#include <vector>

#include "cli/commands/command.hpp"
#include "cli/job/job_spec.hpp"

namespace fanfold::cli {

std::vector<Flag> gather_flags();

/// Checks every value; messages name the flag.  Call it after the flags of completion and before
/// those of replicas: to gather what is first is a policy, and a quorum one that they complete.
Status read_gather_flags(const Arguments& arguments, JobRequest* request);

}  // namespace fanfold::cli
