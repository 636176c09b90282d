// Flags of jobs that say where their maps had better run (docs/patterns/locality.md).

#pragma once

#include <vector>

#include "cli/job/job_spec.hpp"
#include "cli/options/command_line.hpp"

namespace fanfold::cli {

std::vector<Flag> locality_flags();

/// Call it when `request` has its inputs.
Status read_locality_flags(const Arguments& arguments, JobRequest* request);

}  // namespace fanfold::cli
