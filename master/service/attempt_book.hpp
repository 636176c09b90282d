// Attempts that workers hold: what they are of and where they are.
// An attempt leaves the book when its worker says that it ended, or is gone.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>
#include <vector>

#include "common/core/ids.hpp"

namespace fanfold::master {

struct HeldAttempt {
  AttemptId attempt;
  TaskId task;
  WorkerId worker;
  std::uint32_t number = 1;
};

class AttemptBook {
 public:
  void add(const HeldAttempt& held);
  /// Null when it is not held (any more).
  HeldAttempt* find(AttemptId attempt);
  void remove(AttemptId attempt);

  /// Removes everything a worker held, oldest attempt first.
  std::vector<HeldAttempt> remove_worker(WorkerId worker);
  /// A cancelled attempt lingers until its worker has killed it.  False: it was marked before.
  bool mark_cancelled(AttemptId attempt);
  /// Removes cancelled attempts of `worker` that are not in `listed` (ascending), as far as it knew
  /// of them: not those that are newer than `newest`.
  void remove_cancelled_except(WorkerId worker, const std::vector<AttemptId>& listed,
                               AttemptId newest);

  std::size_t count(JobId job) const;
  /// Held attempts of a job, oldest first.
  std::vector<HeldAttempt> of_job(JobId job) const;

 private:
  // By value of the attempt id.  Looked up by key; whatever is listed is sorted first.
  std::unordered_map<std::uint64_t, HeldAttempt> held_;
  std::map<JobId, std::size_t> counts_;
  std::set<AttemptId> cancelled_;  // Subset of held_.
};

}  // namespace fanfold::master
