// The pairs that a reduce reads, kept beside its part for a redrive; and what the maps of a redrive
// do with them.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/io/file_system.hpp"
#include "fanfold/abi.hpp"
#include "worker/exec/attempt_host.hpp"
#include "worker/exec/run_task.hpp"

namespace fanfold::worker {

/// What follows works for one attempt, all of which outlives it.
struct PairsTask {
  io::FileSystem& files;
  const RunRequest& request;
  abi::ProgressSlot& progress;
  AttemptHost& host;
  std::uint64_t memory_bytes = 0;  // For merging.
};

/// Whether a reduce is to keep what it reads.
bool keeps_pairs(const proto::TaskAssignment& assignment);
/// Writes what the sources hold into a file that is added to the report, and returns that as their
/// only source.  Throws HostFailure, noted by the host.
std::vector<std::unique_ptr<abi::RunSource>> keep_pairs(
    const PairsTask& task, std::vector<std::unique_ptr<abi::RunSource>> sources,
    proto::AttemptReport* report);

/// Whether a map reads such a file instead of records.
bool passes_pairs_on(const proto::TaskAssignment& assignment);
/// Its pairs become the map's output.  Throws as above.
void pass_pairs_on(const PairsTask& task, proto::AttemptReport* report);

/// Whether a sample finds out where partitions were cut, and not where to cut them.
bool samples_pairs(const proto::TaskAssignment& assignment);
/// From the first keys of the partitions.  Throws as above.
std::vector<std::string> splitters_of_pairs(const PairsTask& task);

}  // namespace fanfold::worker
