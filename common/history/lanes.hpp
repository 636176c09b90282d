// Which attempts ran side by side: the log says on which worker, not in which slot.

#pragma once

namespace fanfold {

struct JobHistory;

/// Sorts the attempts by their start and gives each a lane of its worker.  An attempt whose start
/// nobody told began when it was assigned or, if all slots were taken then, when one was free.
void settle_lanes(JobHistory* history);

}  // namespace fanfold
