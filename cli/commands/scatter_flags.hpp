// The flags of `scatter`: whom to ask what, and how to merge the answers.

#pragma once

#include <vector>

#include "cli/commands/command.hpp"
#include "cli/scatter/scatter_job.hpp"

namespace fanfold::cli {

std::vector<Flag> scatter_flags();

/// Reads the targets, too: standard input may be one of the words.  Checks every value.
Result<ScatterRequest> read_scatter_flags(const Environment& environment,
                                          const Arguments& arguments);

}  // namespace fanfold::cli
