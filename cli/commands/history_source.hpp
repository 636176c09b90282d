// Where `report` and `trace` get the history of a job from, and where their result goes.

#pragma once

#include <string_view>

#include "cli/commands/command.hpp"
#include "common/history/job_history.hpp"

namespace fanfold::cli {

/// The first positional: a job that a master knows, or the file of an event log.
Result<JobHistory> load_history(const Environment& environment, const Arguments& arguments);

/// To the file of --output, which is the old or the new one at every instant; to standard output
/// when it is "-" or not given.
Status write_result(const Arguments& arguments, std::string_view text);

/// Both, with the exit code: the whole of such a command.
int convert_history(const Environment& environment, const Arguments& arguments,
                    std::string (*convert)(const JobHistory& history));

/// --output, as such commands have it.
Flag result_flag(std::string help);

}  // namespace fanfold::cli
