// The flags of `run` and `submit` that say how often each task runs and which result counts.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cli/commands/command.hpp"
#include "cli/job/job_spec.hpp"

namespace fanfold::cli {

std::vector<Flag> replica_flags();

/// Checks every value; messages name the flag.
Status read_replica_flags(const Arguments& arguments, JobRequest* request);

/// How many workers a job needs that runs so, and whether the ones that were asked for are enough.
Result<std::optional<std::uint32_t>> workers_for(const proto::ReplicaPolicy& policy,
                                                 std::optional<std::uint32_t> workers);

}  // namespace fanfold::cli
