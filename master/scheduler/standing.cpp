// How far each worker is trusted: its part of the pool.

#include <algorithm>

#include "common/core/check.hpp"
#include "master/scheduler/policy.hpp"
#include "master/scheduler/worker_pool.hpp"

namespace fanfold::master::scheduling {

using proto::WorkerStanding;

void WorkerPool::note_commit(Instant now, Worker& worker) {
  worker.faults = 0;
  worker.demerits.take(now, kMeritsOfCommit);
  if (worker.standing == WorkerStanding::kProbation) review(now, worker);
}

void WorkerPool::accuse(Instant now, Worker& worker, WorkerId reader) {
  if (worker.accusers.insert(reader).second) blame(now, worker, kDemeritsOfLostOutput);
}

void WorkerPool::blame(Instant now, Worker& worker, std::uint32_t demerits) {
  worker.demerits.add(now, demerits);
  if (worker.state != WorkerState::kActive) return;
  if (worker.standing != WorkerStanding::kExcluded) review(now, worker);
}

void WorkerPool::review(Instant now, Worker& worker) {
  if (worker.standing == WorkerStanding::kExcluded) {
    worker.demerits.cap(now, kDemeritsAfterExclusion);
    worker.accusers.clear();
  }
  const std::uint32_t demerits = worker.demerits.at(now);
  if (demerits == 0) worker.accusers.clear();
  excluded_.erase(worker.id);
  const bool room = excluded_.size() < exclusions_max(active_.size());
  if (demerits >= kExclusionDemerits && room) {
    set_standing(now, worker, WorkerStanding::kExcluded);
  } else if (demerits >= kProbationDemerits) {
    set_standing(now, worker, WorkerStanding::kProbation);
  } else {
    set_standing(now, worker, WorkerStanding::kGood);
  }
}

void WorkerPool::set_standing(Instant now, Worker& worker, WorkerStanding standing) {
  worker.standing = standing;
  excluded_.erase(worker.id);
  if (standing == WorkerStanding::kExcluded) {
    excluded_.insert(worker.id);
    reviews_.set(worker.id, now + exclusion_time(++worker.exclusions));
  } else if (worker.demerits.at(now) > 0) {
    reviews_.set(worker.id, now + kDemeritHalfLife);
  } else {
    reviews_.clear(worker.id);
  }
  file(worker);
}

void WorkerPool::end_surplus_exclusions() {
  while (excluded_.size() > exclusions_max(active_.size())) {
    // Whose time is nearly over comes back first.
    const auto soonest =
        std::find_if(reviews_.order().begin(), reviews_.order().end(),
                     [this](const auto& one) { return excluded_.count(one.second) > 0; });
    FANFOLD_CHECK(soonest != reviews_.order().end());
    Worker& worker = *find(soonest->second);
    excluded_.erase(worker.id);
    worker.standing = WorkerStanding::kProbation;
    // Its review stays where it is: then what it did will have faded.
    file(worker);
  }
}

}  // namespace fanfold::master::scheduling
