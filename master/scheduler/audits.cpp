// Maps that run a second time on another worker, to see whether they give the same again.  Nobody
// waits for them but the publication, they take slots that nobody else wants, and what they made is
// thrown away.
//
// Not durable: a restarted master compares anew what it samples.

#include <algorithm>
#include <iterator>
#include <vector>

#include "common/proto/flow.hpp"
#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"

namespace fanfold::master::scheduling {

void Machine::audit() {
  for (auto next = auditing_.begin(); next != auditing_.end();) {
    Job* job = find_job(*next);
    // A restarted master may find a job that was being published: nothing runs for it any more.
    if (job != nullptr && job->state != proto::JobState::kRunning) job = nullptr;
    while (job != nullptr && pool_.has_free_slot() && audit_one(*job)) {
    }
    const bool done = job == nullptr || job->audits.empty();
    next = done ? auditing_.erase(next) : std::next(next);
    // The last one may have turned out to be impossible.
    if (done && job != nullptr) advance(*job);
  }
}

bool Machine::audit_one(Job& job) {
  if (!may_start_more(job)) return false;
  for (auto split = job.audits.begin(); split != job.audits.end();) {
    const Task& map = job.map.at(*split);
    if (map.state != TaskState::kCommitted || map.live > 0) {
      ++split;
      continue;
    }
    const std::vector<WorkerId> avoid = {map.holder};
    const TaskId task{job.id, Stage::kMap, *split};
    if (Worker* worker = free_worker_for(job, task, avoid)) {
      start_attempt({job, task, *worker, nullptr, true});
      return true;
    }
    // All others are busy, or may join yet; a job that only waits for this waits for nobody.
    if (anybody_for(job, task, avoid) || !job.complete()) return false;
    split = job.audits.erase(split);
  }
  return false;
}

void Machine::conclude_audit(const Attempt& attempt, const abi::BlockSummary* flow) {
  Job& job = jobs_.at(attempt.task.job);
  const TaskId task = attempt.task;
  const AttemptId id = attempt.id;
  end_attempt(id);
  job.audits.erase(task.index);
  const abi::BlockSummary* before = job.map.flow(task.index);
  if (flow != nullptr && !proto::same_flow(*before, *flow)) {
    return end_as_non_deterministic(job, task, id, *flow);
  }
  if (flow != nullptr) ++job.audited;
  advance(job);
}

void Machine::cancel_audit(Job& job, std::uint32_t split) {
  if (job.audits.erase(split) == 0) return;
  const auto live = std::find_if(job.attempts.begin(), job.attempts.end(), [&](AttemptId id) {
    const Attempt& attempt = attempts_.at(id);
    return attempt.audit && attempt.task.index == split;
  });
  if (live != job.attempts.end()) cancel_attempt(*live);
}

}  // namespace fanfold::master::scheduling
