// Tables of what the scheduler costs, and of what lost workers cost a job.

#pragma once

#include <cstdint>

namespace fanfold::sim {

/// Jobs of 10,000 to 1,000,000 tasks on 10,000 workers, and one of 10,000,000 tasks that waits.
/// False: a task of the largest costs more than it may.
bool report_scale();

/// The experiment of the MapReduce paper, at several moments, so many times each.  False: the loss
/// of workers costs more than it may.
bool report_kills(std::uint64_t seeds);

}  // namespace fanfold::sim
