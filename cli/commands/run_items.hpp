// `run FILE.json`: an item job.  What says whether a command line means one is the name of the
// file.

#pragma once

#include "cli/commands/command.hpp"

namespace fanfold::cli {

/// Flags of `run` that only item jobs have.
std::vector<Flag> item_flags();
bool is_item_job(const Arguments& arguments);
/// Of a job that is none: what only a Map may have or lack.
Status check_job_words(const Arguments& arguments);
int run_items(const Environment& environment, const Arguments& arguments);

}  // namespace fanfold::cli
