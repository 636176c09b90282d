// One attempt in this process, of which user code that crashes makes an end.

#pragma once

#include <cstdint>
#include <string>

#include "common/io/file_system.hpp"
#include "worker/exec/run_task.hpp"

namespace fanfold::cli {

/// Of an executor whose job does not say: as in a run with --in-process.
inline constexpr std::uint64_t kMemoryHere = 1u << 30;

struct HereAttempt {
  const proto::TaskAssignment* assignment = nullptr;
  std::string scratch;
  worker::SegmentList segments;           // Reduce.
  abi::ProgressSlot* progress = nullptr;  // May be left out.
  const worker::RecordStop* stop = nullptr;
  std::uint64_t records_max = 0;
};

/// The executor's budget, or what it is when the job does not say.
std::uint64_t memory_here(const proto::JobSpec& spec);

/// Loads the plugin first, whatever its digest.
worker::RunOutcome run_here(io::FileSystem& files, const HereAttempt& attempt);

}  // namespace fanfold::cli
