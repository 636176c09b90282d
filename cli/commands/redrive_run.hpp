// `redrive` of an ordinary job: its dead letters are mapped once more, and its output replaced by
// the next generation of it.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/commands/command.hpp"
#include "common/proto/types.hpp"

namespace fanfold::cli {

/// Flags of `redrive` that only ordinary jobs have.
std::vector<Flag> redrive_run_flags();

/// Where it is, and the job that has written it, where that was asked for.
struct RedriveTarget {
  std::string output;  // Absolute.
  std::optional<proto::JobStatus> job;
};

/// Returns the exit code; says all that is to be said.
int redrive_output(const Environment& environment, const Arguments& arguments,
                   RedriveTarget target);

}  // namespace fanfold::cli
