// What of a job may be changed while it runs: as flags of `run` and `submit`, and as NAME=VALUE of
// `set`.

#pragma once

#include <string>
#include <vector>

#include "cli/commands/command.hpp"
#include "cli/job/job_spec.hpp"

namespace fanfold::cli {

std::vector<Flag> control_flags();

/// Checks every value; messages name the flag.
Status read_control_flags(const Arguments& arguments, JobRequest* request);

/// "MaxConcurrency=8", "Priority=80", "Weight=3"; messages name the word.
Result<proto::JobChange> read_changes(const std::vector<std::string>& words);

}  // namespace fanfold::cli
