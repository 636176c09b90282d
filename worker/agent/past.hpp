// What the worker must not do again: attempts that ended, attempts cancelled before they arrived,
// jobs that are over.  A network may deliver an assignment twice, or after its cancellation;
// running it then would overwrite files that others read.

#pragma once

#include <map>
#include <set>
#include <vector>

#include "common/core/ids.hpp"

namespace fanfold::worker::agency {

class Past {
 public:
  void note_ended(JobId job, AttemptId attempt);
  void note_cancelled_unseen(AttemptId attempt);
  /// Drops what is remembered of its attempts.
  void note_forgotten(JobId job);

  bool is_forgotten(JobId job) const { return forgotten_.count(job) > 0; }
  bool knows(JobId job, AttemptId attempt) const;

 private:
  std::map<JobId, std::vector<AttemptId>> ended_;  // Ascending; ids come nearly in order.
  std::set<AttemptId> cancelled_;
  std::set<JobId> forgotten_;
};

}  // namespace fanfold::worker::agency
