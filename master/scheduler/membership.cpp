// Workers join, drain, report what they hold, and get lost.

#include <algorithm>
#include <utility>
#include <vector>

#include "common/core/planted.hpp"
#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"

namespace fanfold::master::scheduling {

void Machine::on(const WorkerJoined& event) {
  const Worker* known = pool_.find(event.worker);
  const bool comes_back = known != nullptr && known->state == WorkerState::kExpected;
  if (known == nullptr && !event.knows_shares && shares_any()) {
    // Some were made in this very turn; when it says Hello again it is told why it has to wait.
    return act(ForgetWorker{event.worker});
  }
  if (known == nullptr) {
    record(WorkerRegistered{event.worker, event.slots, event.knows_shares});
  }
  Worker& worker = pool_.join(now_, event.worker, event.slots);
  worker.name = event.name;
  worker.host = event.host;
  worker.knows_homes = event.knows_homes;
  pool_.settle(worker, event.place, event.host_name);
  note_presence(event.place);
  file_replicated_jobs();
  if (!comes_back && !planted(Bug::kAcceptStaleFence)) return;
  take_over(event.worker, event);
  file_restored_jobs();
}

bool Machine::shares_any() const {
  return std::any_of(jobs_.begin(), jobs_.end(),
                     [](const auto& entry) { return entry.second.shares.tasks() > 0; });
}

void Machine::on(const WorkerDraining& event) {
  Worker* worker = pool_.find(event.worker);
  if (worker == nullptr) return;
  pool_.hear(now_, *worker);
  drain(*worker);
}

void Machine::drain(Worker& worker) {
  if (worker.state != WorkerState::kActive) return;
  pool_.drain(worker);
  if (!pool_.is_present(worker.place)) note_presence(worker.place);
  withdraw_votes(worker);
  for (const std::set<AttemptId>* attempts : {&worker.running, &worker.lent}) {
    for (const AttemptId id : *attempts) {
      const Attempt& attempt = attempts_.at(id);
      if (attempt.replica) file_ballot(jobs_.at(attempt.task.job), attempt.task);
    }
  }
  file_replicated_jobs();
}

void Machine::on(const WorkerLeft& event) {
  if (pool_.find(event.worker) != nullptr) lose_worker(event.worker);
}

void Machine::lose_worker(WorkerId id) {
  Worker& worker = *pool_.find(id);
  const bool expected = worker.state == WorkerState::kExpected;
  pool_.mark_gone(worker);
  // Copies: ending one attempt may end its job, and with it others.
  const std::vector<AttemptId> running(worker.running.begin(), worker.running.end());
  std::vector<AttemptId> queued(worker.queued.begin(), worker.queued.end());
  queued.insert(queued.end(), worker.lent.begin(), worker.lent.end());
  withdraw_votes(worker);
  for (const AttemptId attempt : running) lose_attempt(attempt);
  for (const AttemptId attempt : queued) lose_attempt(attempt);
  lose_outputs(worker, [](AttemptId) { return true; });
  note_stopped(id, nullptr);
  if (planted(Bug::kLossClearsCommit)) {
    for (auto& [job_id, job] : jobs_) forget_commits_of_reduces(job, id);
  }
  const std::string place = worker.place;
  record(WorkerGone{id});
  act(ForgetWorker{id});
  if (!pool_.is_present(place)) note_presence(place);
  if (expected) file_restored_jobs();
  file_replicated_jobs();
}

void Machine::lose_attempt(AttemptId id) {
  const auto it = attempts_.find(id);
  if (it == attempts_.end()) return;
  const Attempt attempt = it->second;
  Job& job = jobs_.at(attempt.task.job);
  end_attempt(id);
  // It is tried again; its task has a result already.
  if (attempt.audit) return;
  if (planted(Bug::kLossChargesTask)) {
    record(TaskFailureCounted{attempt.task, id, proto::FailureKind::kWorkerLost});
  }
  // What only waited in the worker's queue met nothing.
  if (attempt.running &&
      !count_infrastructure_failure(job, attempt, proto::FailureKind::kWorkerLost)) {
    return;
  }
  if (job.stage(attempt.task.stage).at(attempt.task.index).live == 0) requeue(job, attempt.task);
}

void Machine::lose_outputs(const Worker& worker, const std::function<bool(AttemptId)>& is_lost) {
  if (planted(Bug::kKeepOutputsOfTheLost)) return;
  for (const auto& [id, splits] : worker.outputs) {
    Job& job = jobs_.at(id);
    if (job.state != proto::JobState::kRunning || !job.needs_map_outputs()) continue;
    for (const std::uint32_t split : splits) {
      const Task& map = job.map.at(split);
      // Lost before, and made again elsewhere (or not yet).
      if (map.state != TaskState::kCommitted || map.holder != worker.id) continue;
      if (!map.output_empty && is_lost(map.committed)) invalidate_output(job, split);
    }
  }
}

void Machine::file_restored_jobs() {
  for (auto& [id, job] : jobs_) {
    if (job.restored) file(job);
  }
}

void Machine::on(const HeartbeatReceived& event) {
  Worker* worker = pool_.find(event.worker);
  // One that has not joined is told so by the service.
  if (worker == nullptr || worker->state == WorkerState::kExpected) return;
  pool_.hear(now_, *worker);
  for (const proto::AttemptProgress& listed : event.attempts) reconcile_listed(*worker, listed);
  reconcile_missing(*worker, event);
  note_stopped(event.worker, &event);
}

void Machine::reconcile_listed(Worker& worker, const proto::AttemptProgress& listed) {
  Attempt* attempt = find_live(worker.id, listed.attempt);
  if (attempt == nullptr) {
    if (has_committed(listed.attempt)) {
      act(AnswerCommit{worker.id, listed.attempt, true});
    } else {
      act(CancelAttempt{worker.id, listed.attempt});
    }
    return;
  }
  // It has its result, and waits to be compared.
  if (attempt->voted || attempt->finished) return;
  attempt->bytes = listed.bytes;
  // What it missed it has; that it did was said late.
  if (listed.running) stop_starving(jobs_.at(attempt->task.job), *attempt);
  if (listed.running && !attempt->running) {
    if (pool_.promote(now_, worker, attempt->id)) begin_running(*attempt);
  } else if (!listed.running && attempt->running) {
    // It still waits for its slot or its inputs: it does not age yet.
    restart_clock(*attempt);
  }
  file(jobs_.at(attempt->task.job));
}

void Machine::reconcile_missing(Worker& worker, const HeartbeatReceived& event) {
  std::vector<AttemptId> listed;
  listed.reserve(event.attempts.size());
  for (const proto::AttemptProgress& progress : event.attempts) listed.push_back(progress.attempt);
  std::sort(listed.begin(), listed.end());
  std::vector<AttemptId> missing;
  const Duration patience = assignment_patience(options_.worker_silence_max);
  const auto note_missing = [&](AttemptId id) {
    if (std::binary_search(listed.begin(), listed.end(), id)) return;
    if (now_ - attempts_.at(id).assigned > patience) missing.push_back(id);
  };
  for (const AttemptId id : worker.running) note_missing(id);
  for (const AttemptId id : worker.queued) note_missing(id);
  for (const AttemptId id : worker.lent) note_missing(id);
  for (const AttemptId id : worker.voted) note_missing(id);
  for (const AttemptId id : missing) {
    Attempt& attempt = attempts_.at(id);
    Job& job = jobs_.at(attempt.task.job);
    const bool inputs_changed = attempt.task.stage == Stage::kReduce && !job.map.complete();
    // Its worker obeys no assignment of an earlier master any more.
    const bool adopted = epoch_of(id) != options_.epoch;
    if (inputs_changed || adopted || attempt.voted) {
      // It is not there, so nobody pays.
      const TaskId task = attempt.task;
      cancel_attempt(id);
      if (job.stage(task.stage).at(task.index).live == 0) requeue(job, task);
      continue;
    }
    attempt.assigned = now_;
    restart_clock(attempt);
    send_assignment(job, attempt);
  }
}

}  // namespace fanfold::master::scheduling
