#include "worker/agent/past.hpp"

#include <algorithm>
#include <cstddef>

namespace fanfold::worker::agency {
namespace {

/// Messages older than this many later ones are not in the network any more; should one be, the
/// next heartbeat has the attempt cancelled.
constexpr std::size_t kRemembered = 4096;

template <class Id>
void remember(std::set<Id>& ids, Id id) {
  ids.insert(id);
  if (ids.size() > kRemembered) ids.erase(ids.begin());
}

}  // namespace

void Past::note_ended(JobId job, AttemptId attempt) {
  if (is_forgotten(job)) return;
  std::vector<AttemptId>& ended = ended_[job];
  ended.insert(std::upper_bound(ended.begin(), ended.end(), attempt), attempt);
}

void Past::note_cancelled_unseen(AttemptId attempt) { remember(cancelled_, attempt); }

void Past::note_forgotten(JobId job) {
  ended_.erase(job);
  remember(forgotten_, job);
}

bool Past::knows(JobId job, AttemptId attempt) const {
  if (is_forgotten(job) || cancelled_.count(attempt) > 0) return true;
  const auto it = ended_.find(job);
  return it != ended_.end() && std::binary_search(it->second.begin(), it->second.end(), attempt);
}

}  // namespace fanfold::worker::agency
