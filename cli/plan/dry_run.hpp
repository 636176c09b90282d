// The first records of a job, mapped and reduced in child processes of this command, with the
// output thrown away: what they give says much of what the whole will give.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/proto/types.hpp"
#include "master/planner/planner.hpp"

namespace fanfold::cli {

struct DryRun {
  std::uint64_t limit = 0;  // Records that were asked for.
  std::uint64_t records = 0;
  std::uint64_t emitted = 0;  // Pairs, before any combining.
  std::uint64_t pairs = 0;    // That the reduces read.
  std::uint64_t pairs_bytes = 0;
  std::uint64_t output_records = 0;
  std::uint64_t output_bytes = 0;
  std::map<std::string, std::int64_t> counters;
  std::vector<std::string> output;  // The first lines, when it is text.

  bool failed = false;  // `failure` says how, at `task`.
  TaskId task;
  proto::FailureReport failure;
  std::vector<std::string> warnings;
};

struct DryRunOptions {
  std::uint64_t limit = 1;
  std::string scratch;  // A private directory.
};

/// An error only when it cannot be tried.  User code that fails makes a DryRun that says so.  Call
/// it while there is one thread.
Result<DryRun> dry_run(const proto::JobSpec& spec, const master::Plan& plan,
                       const DryRunOptions& options);

/// For people; of a failure, without its stack.
std::string text_of(const DryRun& run);

}  // namespace fanfold::cli
