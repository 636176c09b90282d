#include "master/scheduler/machine.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/core/check.hpp"
#include "common/core/planted.hpp"
#include "master/scheduler/policy.hpp"

namespace fanfold::master::scheduling {

Machine::Machine(const SchedulerOptions& options)
    : options_(options), pool_(options.worker_silence_max) {
  FANFOLD_CHECK(options.worker_silence_max > Duration(0));
  FANFOLD_CHECK(options.epoch > 0);
}

void Machine::restore(const Fact& fact) {
  FANFOLD_CHECK(!begun_);
  if (planted(Bug::kReplayForgetsInvalidation) &&
      std::holds_alternative<MapOutputInvalidated>(fact)) {
    return;
  }
  if (planted(Bug::kReplayForgetsCoverage) && std::holds_alternative<CoverageDecided>(fact)) return;
  if (planted(Bug::kReplayTwice)) {
    if (const auto* failure = std::get_if<TaskFailureCounted>(&fact)) apply(*failure);
  }
  std::visit([this](const auto& value) { apply(value); }, fact);
}

void Machine::step(Instant now, const Event& event, Output* output) {
  FANFOLD_CHECK(now >= now_);
  now_ = now;
  output_ = output;
  if (!begun_) begin();
  // Whoever should have called at a deadline and calls much later was paused, and did not read
  // the heartbeats of that time either.
  if (awaited_ && now > *awaited_ + assignment_patience(options_.worker_silence_max)) {
    pool_.forgive_silence(now, now - *awaited_, reunion_patience(options_.worker_silence_max));
  }
  std::visit([this](const auto& value) { on(value); }, event);
  pass_time();
  place();
  awaited_ = next_deadline();
  output_ = nullptr;
}

void Machine::begin() {
  begun_ = true;
  // What a crash may have left undone is done again; doing it twice is harmless.
  for (const JobId job : ended_order_) {
    const proto::JobStatus& status = ended_.at(job);
    act(FinishJob{job, status.state, status.reason, status.failed_task, status.failed_attempt});
  }
  pool_.await_all(now_);
  if (!jobs_.empty() && pool_.expected() > 0) {
    reunion_ = now_ + reunion_patience(options_.worker_silence_max);
  }
  std::vector<JobId> complete;
  for (auto& [id, job] : jobs_) {
    job.restored = true;
    job.accepted = now_;
    job.ledger.sort();
    if (job.state == proto::JobState::kRunning) hold_back(job);
    if (job.state == proto::JobState::kRunning && job.completion.deadline) {
      job_deadlines_.set(id, *job.completion.deadline);
    }
    if (job.state == proto::JobState::kRunning) {
      note_presence_for(job);
      note_preferred_hosts(job);
    }
    if (job.state == proto::JobState::kPublishing || job.complete()) complete.push_back(id);
    file(job);
  }
  for (const JobId job : complete) advance(jobs_.at(job));
}

void Machine::on(const Tick&) {
  // Only here, after a turn's other events: a heartbeat that waits in the same turn still counts.
  while (const std::optional<WorkerId> worker = pool_.silences().due(now_)) lose_worker(*worker);
  // Nor is a result too late that came in the same turn.
  while (const std::optional<JobId> job = job_deadlines_.due(now_)) {
    job_deadlines_.clear(*job);
    pass_job_deadline(jobs_.at(*job));
  }
}

void Machine::pass_time() {
  while (const std::optional<WorkerId> worker = pool_.rests().due(now_)) {
    pool_.wake(*pool_.find(*worker));
  }
  while (const std::optional<WorkerId> worker = pool_.reviews().due(now_)) {
    pool_.review(now_, *pool_.find(*worker));
  }
  while (const std::optional<TaskId> task = task_deadlines_.due(now_)) {
    task_deadlines_.clear(*task);
    pass_task_deadline(*task);
  }
  while (const std::optional<JobId> job = absences_.due(now_)) pass_absence(*job);
  while (const std::optional<JobId> job = waits_.due(now_)) end_wait(jobs_.at(*job));
  while (const std::optional<JobId> job = publications_.due(now_)) {
    publications_.clear(*job);
    publish(jobs_.at(*job));
  }
}

void Machine::pass_task_deadline(const TaskId& task) {
  Job* job = find_job(task.job);
  FANFOLD_CHECK(job != nullptr);
  // A ready task was patient long enough: place() looks at it anyway.
  if (job->stage(task.stage).at(task.index).state != TaskState::kDelayed) return;
  job->trouble_of(task).patient_until = now_ + kElsewherePatience;
  requeue(*job, task);
}

std::optional<Instant> Machine::next_deadline() const {
  std::optional<Instant> next;
  const auto consider = [&next](std::optional<Instant> when) {
    if (when && (!next || *when < *next)) next = when;
  };
  consider(task_deadlines_.first());
  consider(pool_.silences().first());
  consider(pool_.rests().first());
  consider(pool_.reviews().first());
  consider(reunion_);
  consider(publications_.first());
  consider(job_deadlines_.first());
  consider(absences_.first());
  consider(waits_.first());
  if (pool_.has_free_slot()) {
    // What is overdue here could not be helped by time alone.
    consider(stragglers_.first_after(now_));
    consider(pool_.stalls().first_after(now_));
  }
  return next;
}

Job* Machine::find_job(JobId job) {
  const auto it = jobs_.find(job);
  return it != jobs_.end() ? &it->second : nullptr;
}

Attempt* Machine::find_live(WorkerId worker, AttemptId attempt) {
  const auto it = attempts_.find(attempt);
  return it != attempts_.end() && it->second.worker == worker ? &it->second : nullptr;
}

bool Machine::has_committed(AttemptId attempt) const {
  // Rare: only messages that come again ask.
  for (const auto& [id, job] : jobs_) {
    if (const AttemptLedger::Entry* entry = job.ledger.find(attempt)) {
      const AttemptId committed = job.stage(entry->stage).at(entry->index).committed;
      if (planted(Bug::kCommitWithoutAttempt)) return committed != AttemptId{};
      return committed == attempt;
    }
  }
  return false;
}

}  // namespace fanfold::master::scheduling
