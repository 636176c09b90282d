// The flags of `run` and `submit` that say when a job counts as done and what is tried again.

#pragma once

#include <vector>

#include "cli/commands/command.hpp"
#include "cli/job/job_spec.hpp"

namespace fanfold::cli {

std::vector<Flag> completion_flags();

/// All of them but --retry.
std::vector<Flag> policy_flags();
Status read_policy_flags(const Arguments& arguments, JobRequest* request);

/// Checks every value; messages name the flag.
Status read_completion_flags(const Arguments& arguments, JobRequest* request);

}  // namespace fanfold::cli
