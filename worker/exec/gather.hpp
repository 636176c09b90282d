// What a gather task does: it brings the results of several tasks together, as a stream.  They lie
// in the staging directory of the job, where every worker reaches them.

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "common/io/file_system.hpp"
#include "fanfold/abi.hpp"
#include "worker/exec/attempt_host.hpp"
#include "worker/exec/run_task.hpp"

namespace fanfold::worker {

/// Runs that a gather task reads.
struct GatheredRuns {
  std::vector<std::unique_ptr<abi::RunSource>> sources;
  std::uint64_t largest_block = 0;  // Raw bytes: what a reader of any must be able to hold.
};
/// Each is looked at now, and opened at its first read.  They and `host` outlive what is returned.
/// Counts into `report` what the task reads.  Throws HostFailure, noted by `host`.
GatheredRuns open_gathered_runs(io::FileSystem& files, const RunRequest& request, AttemptHost& host,
                                proto::AttemptReport* report);
/// Of `memory_bytes`, what a merge that counts on small blocks may be told that it has.
std::uint64_t memory_for(const GatheredRuns& runs, std::uint64_t memory_bytes);

/// Concat: writes the parts one after the other.  Counts and throws as above.
void join_parts(io::FileSystem& files, const RunRequest& request, abi::ProgressSlot& progress,
                AttemptHost& host, proto::AttemptReport* report);
/// Merge-sort: writes what the task makes of the runs, within `memory_bytes`.  Throws as above.
void merge_runs(io::FileSystem& files, const RunRequest& request, GatheredRuns runs,
                std::uint64_t memory_bytes, abi::ProgressSlot& progress, AttemptHost& host);

}  // namespace fanfold::worker
