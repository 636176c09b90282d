// The attempts of a job as the numbers that report.js draws: one array for each property, because
// there may be very many.

#pragma once

#include <string>

#include "common/history/job_history.hpp"

namespace fanfold {

/// JSON: {"end", "lanes", "stages", "outcomes", "causes", then one array for each property of the
/// attempts, sorted by lane and start}.  Times are microseconds.
std::string timeline_json(const JobHistory& history);

}  // namespace fanfold
