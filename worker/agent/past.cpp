#include "worker/agent/past.hpp"

#include <algorithm>
#include <cstddef>

namespace fanfold::worker::agency {
namespace {

/// Messages older than this many later ones are not in the network any more; should one be, the
/// next heartbeat has the attempt cancelled.
constexpr std::size_t kRemembered = 4096;

void insert(std::vector<AttemptId>& ascending, AttemptId attempt) {
  ascending.insert(std::upper_bound(ascending.begin(), ascending.end(), attempt), attempt);
}

template <class Id>
void remember(std::set<Id>& ids, Id id) {
  ids.insert(id);
  if (ids.size() > kRemembered) ids.erase(ids.begin());
}

}  // namespace

void Past::note_ended(JobId job, AttemptId attempt) {
  if (!is_forgotten(job)) insert(ended_[job], attempt);
}

void Past::note_kept(JobId job, AttemptId attempt) {
  if (!is_forgotten(job)) insert(kept_[job], attempt);
}

void Past::note_cancelled_unseen(AttemptId attempt) { remember(cancelled_, attempt); }

void Past::note_forgotten(JobId job) {
  ended_.erase(job);
  kept_.erase(job);
  early_.erase(job);
  remember(forgotten_, job);
}

bool Past::knows(JobId job, AttemptId attempt) const {
  if (is_forgotten(job) || cancelled_.count(attempt) > 0) return true;
  const auto it = ended_.find(job);
  return it != ended_.end() && std::binary_search(it->second.begin(), it->second.end(), attempt);
}

std::vector<proto::HeldOutputs> Past::kept(std::size_t most, bool* complete) const {
  *complete = true;
  std::vector<proto::HeldOutputs> outputs;
  for (const auto& [job, attempts] : kept_) {
    if (attempts.size() > most) {
      *complete = false;
      continue;
    }
    most -= attempts.size();
    outputs.push_back({job, attempts});
  }
  for (const JobId job : early_) {
    if (kept_.count(job) == 0) outputs.push_back({job, {}});
  }
  return outputs;
}

}  // namespace fanfold::worker::agency
