// How the results of a job become one: as the user says, else as the job says.

#pragma once

#include "cli/job/job_spec.hpp"
#include "fanfold/abi.hpp"

namespace fanfold::cli {

/// kInvalidArgument says why this job cannot be gathered so, and how it can.
Status choose_gather(const abi::JobInfo& job, const JobRequest& request, proto::JobSpec* spec);

}  // namespace fanfold::cli
