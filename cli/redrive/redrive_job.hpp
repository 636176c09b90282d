// The dead letters of an earlier output as a job: what is checked before it runs, what it reads,
// and what it is told.

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "cli/job/job_spec.hpp"
#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/io/manifest.hpp"

namespace fanfold::cli {

/// The manifest of an output whose dead letters can be mapped once more.  kInvalidArgument,
/// kNotFound: there is nothing to do, or it cannot be done, and what can be done instead.
Result<io::Manifest> read_redrivable(io::FileSystem& files, const std::string& output);

struct RedrivePlan {
  const io::Manifest* earlier = nullptr;
  std::string earlier_directory;
  std::string inputs;  // Is made: what the job reads lies here, whatever becomes of the output.
  std::string made;    // Where the job is to write.
  /// Plugin, side files, memory, stall timeout.
  JobRequest request;
  std::function<bool()> interrupted;
};

struct RedriveJob {
  proto::JobSpec spec;
  std::uint64_t records = 0;  // That were put aside.
};

/// Describes the plugin, so it forks: call it before any thread exists.  kCorruption,
/// kInvalidArgument: the input or the job is not what it was.
Result<RedriveJob> make_redrive_job(io::FileSystem& files, const Surroundings& surroundings,
                                    const RedrivePlan& plan);

}  // namespace fanfold::cli
