// What the worker keeps of attempts that are over, and what it must not do again: attempts that
// ended, attempts cancelled before they arrived, jobs that are over.  A network may deliver an
// assignment twice, or after its cancellation; running it then would overwrite files that others
// read.

#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <vector>

#include "common/core/ids.hpp"
#include "common/proto/types.hpp"

namespace fanfold::worker::agency {

class Past {
 public:
  void note_ended(JobId job, AttemptId attempt);
  void note_cancelled_unseen(AttemptId attempt);
  /// A committed map output, which stays until its job is over.
  void note_kept(JobId job, AttemptId attempt);
  /// Something of the job came here without an attempt.
  void note_early(JobId job) { early_.insert(job); }
  /// Drops what is remembered of its attempts.
  void note_forgotten(JobId job);

  bool is_forgotten(JobId job) const { return forgotten_.count(job) > 0; }
  bool knows(JobId job, AttemptId attempt) const;

  /// At most `most` of them in all; *complete says whether that was enough.  Without attempts: of
  /// jobs of which there is something else, so that the master says when they are over.
  std::vector<proto::HeldOutputs> kept(std::size_t most, bool* complete) const;

 private:
  std::map<JobId, std::vector<AttemptId>> ended_;  // Ascending; ids come nearly in order.
  std::map<JobId, std::vector<AttemptId>> kept_;   // The same.
  std::set<JobId> early_;
  std::set<AttemptId> cancelled_;
  std::set<JobId> forgotten_;
};

}  // namespace fanfold::worker::agency
