// What only planted bugs do (common/core/planted.hpp): they lose what the facts still say.

#include "master/scheduler/machine.hpp"

namespace fanfold::master::scheduling {

void Machine::forget_commit(Job& job, const TaskId& task) {
  const TaskState state = job.stage(task.stage).at(task.index).state;
  if (job.state == proto::JobState::kRunning && state == TaskState::kCommitted) requeue(job, task);
}

void Machine::forget_commit_of_twin(AttemptId attempt) {
  for (auto& [id, job] : jobs_) {
    const AttemptLedger::Entry* entry = job.ledger.find(attempt);
    if (entry == nullptr) continue;
    if (job.stage(entry->stage).at(entry->index).committed == attempt) return;
    return forget_commit(job, {id, entry->stage, entry->index});
  }
}

void Machine::forget_commits_of_reduces(Job& job, std::optional<WorkerId> on_worker) {
  for (std::uint32_t i = 0; i < job.reduce.size(); ++i) {
    if (on_worker && job.reduce.at(i).holder != *on_worker) continue;
    forget_commit(job, {job.id, Stage::kReduce, i});
  }
}

}  // namespace fanfold::master::scheduling
