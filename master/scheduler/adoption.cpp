// What workers bring along from the time of an earlier master: attempts that go on under this one,
// and map outputs, of which some may be gone.

#include <algorithm>
#include <vector>

#include "common/core/check.hpp"
#include "common/core/planted.hpp"
#include "master/scheduler/machine.hpp"

namespace fanfold::master::scheduling {

void Machine::take_over(WorkerId id, const WorkerJoined& event) {
  drop_lost_outputs(id, event);
  // Those that run come first: they are in slots.
  for (const bool running : {true, false}) {
    for (const proto::HeldTask& held : event.attempts) {
      if (held.running == running) take_over(*pool_.find(id), held);
    }
  }
}

void Machine::take_over(Worker& worker, const proto::HeldTask& held) {
  if (may_adopt(worker, held)) {
    adopt(jobs_.at(held.task.job), worker, held);
  } else if (!has_committed(held.attempt)) {
    // A commit that was recorded is granted when the worker asks for it again.
    act(CancelAttempt{worker.id, held.attempt});
  }
}

bool Machine::may_adopt(const Worker& worker, const proto::HeldTask& held) {
  Job* job = find_job(held.task.job);
  if (job == nullptr || job->state != proto::JobState::kRunning || !job->contains(held.task)) {
    return false;
  }
  if (planted(Bug::kAcceptStaleFence)) {
    const Task& task = job->stage(held.task.stage).at(held.task.index);
    return task.state == TaskState::kReady && task.live == 0 && !attempts_.contains(held.attempt);
  }
  if (!may_run_at(*job, held.task, worker)) return false;
  // Committed or failed already, or an id that no earlier master gave.
  if (job->ledger.find(held.attempt) != nullptr || attempts_.count(held.attempt) > 0) return false;
  if (held.attempt == AttemptId{} || epoch_of(held.attempt) >= options_.epoch) return false;
  const Task& task = job->stage(held.task.stage).at(held.task.index);
  if (task.state == TaskState::kCommitted || task.live >= live_max(*job, held.task.stage)) {
    return false;
  }
  if (task.state == TaskState::kGivenUp) return false;
  if (!job->stage(held.task.stage).is_open(held.task.index)) return false;
  if (held.task.stage == Stage::kMap && !job->needs_map_outputs()) return false;
  // What it reads, or has read, must be what other reduces read.
  if (held.task.stage == Stage::kReduce && held.generation != job->generation) return false;
  if (task.live == 0) return true;
  if (job->replicates(held.task.stage)) {
    const std::vector<WorkerId> taken = taken_by_replicas(*job, held.task);
    return std::find(taken.begin(), taken.end(), worker.id) == taken.end();
  }
  // Another attempt of the task is on its way already: this one is its backup, as long as it is
  // somewhere else.
  return std::none_of(job->attempts.begin(), job->attempts.end(), [&](AttemptId id) {
    const Attempt& other = attempts_.at(id);
    return other.task == held.task && other.worker == worker.id;
  });
}

void Machine::adopt(Job& job, Worker& worker, const proto::HeldTask& held) {
  StageTasks& stage = job.stage(held.task.stage);
  Task& task = stage.at(held.task.index);
  Attempt* twin = nullptr;
  if (task.live == 0) {
    if (task.state == TaskState::kDelayed) stage.move(held.task.index, TaskState::kReady);
    stage.take(held.task.index);
    stage.move(held.task.index, TaskState::kAssigned);
  } else if (!job.replicates(held.task.stage)) {
    for (const AttemptId id : job.attempts) {
      if (attempts_.at(id).task == held.task) twin = &attempts_.at(id);
    }
    FANFOLD_CHECK(twin != nullptr);
  }
  ++task.live;
  stage.note_receipt(held.task.index, held.attempt_number);
  Attempt& attempt = attempts_[held.attempt];
  attempt.id = held.attempt;
  attempt.task = held.task;
  attempt.worker = worker.id;
  attempt.number = held.attempt_number;
  attempt.assigned = now_;
  if (twin != nullptr) pair(job, attempt, *twin);
  join_ballot(job, attempt);
  if (!stage.started) stage.started = now_;
  job.ledger.insert(attempt.id, attempt.task);
  job.attempts.insert(attempt.id);
  attempt.finished = attempt.replica && held.finished;
  // A result that only waits to be compared must not wait in a queue, nor keep others in one.
  const bool full = worker.running.size() >= worker.slots;
  if (attempt.finished || (attempt.replica && full)) {
    WorkerPool::hold_aside(worker, attempt.id);
  } else if (pool_.add(now_, worker, attempt.id)) {
    begin_running(attempt);
  }
  act(AdoptAttempt{worker.id, attempt.id, attempt.task, attempt.number});
  file(job);
}

void Machine::drop_lost_outputs(WorkerId id, const WorkerJoined& event) {
  if (!event.outputs_complete) return;
  std::vector<AttemptId> kept;
  for (const proto::HeldOutputs& held : event.outputs) {
    kept.insert(kept.end(), held.attempts.begin(), held.attempts.end());
  }
  // The worker did not hear yet that it committed.
  for (const proto::HeldTask& held : event.attempts) kept.push_back(held.attempt);
  std::sort(kept.begin(), kept.end());
  lose_outputs(*pool_.find(id), [&kept](AttemptId attempt) {
    return !std::binary_search(kept.begin(), kept.end(), attempt);
  });
}

}  // namespace fanfold::master::scheduling
