// Starting, ending and requeueing attempts: the books of slots and of who is ready.

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/core/check.hpp"
#include "common/core/planted.hpp"
#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"
#include "master/scheduler/retry.hpp"

namespace fanfold::master::scheduling {

void Machine::start_attempt(const Start& start) {
  Job& job = start.job;
  StageTasks& stage = job.stage(start.task.stage);
  Task& task = stage.at(start.task.index);
  FANFOLD_CHECK(job.state == proto::JobState::kRunning);
  FANFOLD_CHECK(start.worker.state == WorkerState::kActive);
  if (start.audit) {
    FANFOLD_CHECK(task.state == TaskState::kCommitted && task.live == 0);
  } else if (start.twin != nullptr) {
    FANFOLD_CHECK(task.state == TaskState::kAssigned && task.live == 1);
    FANFOLD_CHECK(start.twin->worker != start.worker.id || planted(Bug::kBackUpOnSameWorker));
  } else if (task.live > 0) {
    FANFOLD_CHECK(job.replicates(start.task.stage) && task.state == TaskState::kAssigned);
  } else {
    stage.move(start.task.index, TaskState::kAssigned);
  }
  const AttemptId id = attempt_id(options_.epoch, ++attempts_issued_);
  ++task.live;
  Attempt& attempt = attempts_[id];
  attempt.id = id;
  attempt.task = start.task;
  attempt.worker = start.worker.id;
  stage.note_receipt(start.task.index, task.attempts + 1);
  attempt.number = task.attempts;
  attempt.assigned = now_;
  attempt.audit = start.audit;
  if (start.twin != nullptr) pair(job, attempt, *start.twin);
  if (start.twin != nullptr && job.replicas.hedges()) {
    ++stage.hedges;
    ++job.tally.hedges;
  }
  join_ballot(job, attempt);
  if (!stage.started) stage.started = now_;
  job.ledger.add(id, start.task);
  job.attempts.insert(id);
  job.turn = ++turns_;
  if (pool_.add(now_, start.worker, id)) begin_running(attempt);
  send_assignment(job, attempt);
  file(job);
}

void Machine::pair(Job& job, Attempt& attempt, Attempt& twin) {
  StageTasks& stage = job.stage(attempt.task.stage);
  attempt.speculative = true;
  attempt.twin = twin.id;
  twin.twin = attempt.id;
  if (twin.running) stage.alone.erase({twin.started, twin.id});
  ++stage.backups;
  ++job.attempts_speculative;
}

void Machine::send_assignment(Job& job, const Attempt& attempt) {
  AssignAttempt assignment;
  assignment.worker = attempt.worker;
  assignment.attempt = attempt.id;
  assignment.task = attempt.task;
  assignment.attempt_number = attempt.number;
  assignment.speculative = attempt.speculative;
  if (attempt.task.stage == Stage::kReduce) {
    assignment.generation = job.generation;
    // One that is folded reads what its shares have left.
    if (job.shares.find(attempt.task.index) == nullptr) {
      // Reading an output that is being made again would mix two of its generations.
      FANFOLD_CHECK(job.map.complete());
      list_outputs(job);
      assignment.list_version = *job.list_version;
    }
  }
  act(std::move(assignment));
}

void Machine::begin_running(Attempt& attempt) {
  Job& job = jobs_.at(attempt.task.job);
  StageTasks& stage = job.stage(attempt.task.stage);
  attempt.running = true;
  attempt.started = now_;
  ++stage.running;
  ++job.running;
  const bool may_straggle = attempt.twin == AttemptId{} && !attempt.audit && !attempt.replica;
  if (may_straggle) stage.alone.emplace(attempt.started, attempt.id);
  if (job.starved.count(attempt.id) > 0) job.lenders.insert(attempt.id);
}

void Machine::stop_running(Job& job, const Attempt& attempt) {
  StageTasks& stage = job.stage(attempt.task.stage);
  --stage.running;
  --job.running;
  stage.alone.erase({attempt.started, attempt.id});
}

void Machine::restart_clock(Attempt& attempt) {
  StageTasks& stage = jobs_.at(attempt.task.job).stage(attempt.task.stage);
  if (stage.alone.erase({attempt.started, attempt.id}) > 0) {
    stage.alone.emplace(now_, attempt.id);
  }
  attempt.started = now_;
}

void Machine::end_attempt(AttemptId id) {
  const auto it = attempts_.find(id);
  FANFOLD_CHECK(it != attempts_.end());
  const Attempt attempt = it->second;
  attempts_.erase(it);
  Job& job = jobs_.at(attempt.task.job);
  StageTasks& stage = job.stage(attempt.task.stage);
  --stage.at(attempt.task.index).live;
  job.attempts.erase(id);
  job.starved.erase(id);
  job.lenders.erase(id);
  if (attempt.running) stop_running(job, attempt);
  leave_ballot(job, attempt);
  if (attempt.twin != AttemptId{}) {
    --stage.backups;
    Attempt& twin = attempts_.at(attempt.twin);
    twin.twin = AttemptId{};
    if (twin.running) stage.alone.emplace(twin.started, twin.id);
  }
  Worker* worker = pool_.find(attempt.worker);
  FANFOLD_CHECK(worker != nullptr);
  if (const std::optional<AttemptId> next = pool_.remove(now_, *worker, id)) {
    Attempt& promoted = attempts_.at(*next);
    begin_running(promoted);
    file(jobs_.at(promoted.task.job));
  }
  file(job);
}

void Machine::cancel_attempt(AttemptId id) {
  act(CancelAttempt{attempts_.at(id).worker, id});
  end_attempt(id);
}

void Machine::cancel_attempts(Job& job) {
  // Newest first: what is queued is taken back before a slot becomes free for it.
  while (!job.attempts.empty()) cancel_attempt(*job.attempts.rbegin());
}

void Machine::restart_reduces(Job& job) {
  std::vector<AttemptId> reduces;
  for (const AttemptId id : job.attempts) {
    if (attempts_.at(id).task.stage == Stage::kReduce) reduces.push_back(id);
  }
  for (const AttemptId id : reduces) {
    const TaskId task = attempts_.at(id).task;
    cancel_attempt(id);
    if (job.reduce.at(task.index).live == 0) requeue(job, task);
  }
}

void Machine::stop_maps(Job& job) {
  // Newest first, as all that is taken back.
  const std::vector<AttemptId> live(job.attempts.rbegin(), job.attempts.rend());
  for (const AttemptId id : live) {
    const Attempt attempt = attempts_.at(id);
    if (attempt.task.stage != Stage::kMap || attempt.audit) continue;
    cancel_attempt(id);
    if (job.map.at(attempt.task.index).live == 0) requeue(job, attempt.task);
  }
}

void Machine::requeue(Job& job, const TaskId& task) {
  job.stage(task.stage).move(task.index, TaskState::kReady);
  file(job);
}

void Machine::delay(Job& job, const TaskId& task, Duration delay) {
  // Every deadline has its Trouble, through which a job that ends finds it.
  job.trouble_of(task);
  job.stage(task.stage).move(task.index, TaskState::kDelayed);
  task_deadlines_.set(task, now_ + delay);
  file(job);
}

void Machine::hold_back(Job& job) {
  // Whatever the wall clock has done in between, no task waits longer than it was to.
  constexpr Duration kMost = std::chrono::milliseconds(kRetryDelayMsMost);
  for (const auto& [key, trouble] : job.troubles) {
    StageTasks& stage = job.stage(key.first);
    if (trouble.not_before <= now_ || stage.at(key.second).state != TaskState::kReady) continue;
    stage.move(key.second, TaskState::kDelayed);
    task_deadlines_.set({job.id, key.first, key.second},
                        std::min(trouble.not_before, now_ + std::min(trouble.delay, kMost)));
  }
}

void Machine::file(Job& job) {
  std::optional<JobRank> rank;
  std::optional<Instant> straggles;
  StageTasks& open = job.open_stage();
  if (job.state == proto::JobState::kRunning) {
    if (may_be_assigned(job, open) && may_start_more(job)) rank = rank_of(job);
    if (rank && planted(Bug::kOldestJobFirst)) rank = JobRank{0, 0, 0, job.id};
    straggles = straggler_deadline(job, open);
  }
  const bool choosy = job.is_choosy();
  if (rank != job.rank || choosy != job.choosy) {
    if (job.rank) (job.choosy ? ready_choosy_ : ready_jobs_).erase(*job.rank);
    if (rank) (choosy ? ready_choosy_ : ready_jobs_).insert(*rank);
    job.rank = rank;
    job.choosy = choosy;
  }
  file_absence(job);
  if (straggles) {
    stragglers_.set(job.id, *straggles);
  } else {
    stragglers_.clear(job.id);
  }
}

void Machine::unfile(Job& job) {
  if (job.rank) (job.choosy ? ready_choosy_ : ready_jobs_).erase(*job.rank);
  job.rank.reset();
  absences_.clear(job.id);
  placed_.erase(job.id);
  preferring_.erase(job.id);
  waits_.clear(job.id);
  stragglers_.clear(job.id);
  job_deadlines_.clear(job.id);
  for (const auto& [task, trouble] : job.troubles) {
    task_deadlines_.clear(TaskId{job.id, task.first, task.second});
  }
}

}  // namespace fanfold::master::scheduling
