// Inputs -> splits: expands directories, globs and lists, looks at compression, packs small files,
// cuts large ones, and picks the pieces to sample.  Reads files, so it never runs in the master's
// own thread.  The same inputs always give the same plan.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/proto/types.hpp"
#include "master/planner/input_files.hpp"
#include "master/planner/preferences.hpp"

namespace fanfold::master {

struct PlanLimits {
  std::uint32_t slots = 1;                // Of the whole cluster, now: a hint for sizes.
  std::uint64_t memory_bytes = 1u << 30;  // Of one executor.
};

struct Plan {
  std::vector<proto::Split>
      splits;           // In input order: files sorted by path within a directory or glob.
  proto::Split sample;  // kRange: pieces to sample; does not depend on split sizes.
  std::uint32_t partitions = 1;
  std::uint64_t input_bytes = 0;
  std::uint64_t input_files = 0;
  std::vector<PreferenceRun> preferred;
  std::vector<std::string> notes;  // Why this many partitions; warnings such as a large gzip file.
};

/// kNotFound, kInvalidArgument, kIoError: which input, why, what to do.  `spec.inputs` as in
/// JobSpec.
/// `@FILE` names a file that lists inputs, one a line.  `hosts` as in expand_inputs().
Result<Plan> make_plan(io::FileSystem& files, const proto::JobSpec& spec, const PlanLimits& limits,
                       const HostListing* hosts = nullptr);

}  // namespace fanfold::master
