// What becomes of attempts and jobs: commits, failures, publication, the end.

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>

#include "common/core/check.hpp"
#include "common/core/limits.hpp"
#include "common/core/planted.hpp"
#include "common/proto/flow.hpp"
#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"
#include "master/scheduler/retry.hpp"
#include "master/scheduler/task_text.hpp"

namespace fanfold::master::scheduling {
namespace {

using proto::FailureKind;
using proto::JobState;

std::string describe(const abi::BlockSummary& flow) {
  return std::to_string(flow.records) + " records with digest " + hexadecimal(flow.sum) + "-" +
         hexadecimal(flow.exclusive_or);
}

/// The worker itself is to blame, whatever the task: it should not draw the next one at once.
bool is_fault_of_worker(FailureKind kind) {
  return kind == FailureKind::kNoSpace || kind == FailureKind::kIo || kind == FailureKind::kSpawn;
}

/// The latest stands last.
void avoid(Trouble& trouble, WorkerId worker) {
  std::erase(trouble.avoid, worker);
  trouble.avoid.push_back(worker);
}

}  // namespace

void Machine::on(const JobSubmitted& event) {
  // Submitting the same job twice is a message that came twice.
  if (jobs_.count(event.job) > 0 || ended_.count(event.job) > 0) return;
  record(JobAccepted{event});
  Job& job = jobs_.at(event.job);
  job.accepted = now_;
  if (job.completion.deadline) job_deadlines_.set(job.id, *job.completion.deadline);
  note_presence_for(job);
  note_preferred_hosts(job);
  file(job);
  review_completion(job);
  advance(job);
}

void Machine::on(const JobCancelled& event) {
  Job* job = find_job(event.job);
  // Once publication has begun it wins: the output may be visible already.
  if (job == nullptr) return;
  if (job->state != JobState::kRunning && !planted(Bug::kCancelWhilePublishing)) return;
  if (planted(Bug::kCancelWaitsForTasks) && !job->attempts.empty()) return;
  end_job(*job, {JobState::kCancelled, "cancelled", {}, {}, proto::CompletionReason::kCancelled});
}

void Machine::on(const JobPublished& event) {
  Job* job = find_job(event.job);
  if (job == nullptr || job->state != JobState::kPublishing) return;
  if (event.succeeded) {
    end_job(*job, published_ending(*job));
  } else if (event.may_pass && ++job->publications < limits::kStorageFailuresPerTask) {
    publications_.set(job->id, now_ + retry_delay(job->publications));
  } else {
    end_job(*job, {JobState::kFailed, event.reason});
  }
}

void Machine::on(const CommitRequested& event) {
  if (Worker* worker = pool_.find(event.worker)) pool_.hear(now_, *worker);
  Attempt* attempt = find_live(event.worker, event.attempt);
  if (attempt != nullptr && attempt->audit) {
    act(AnswerCommit{event.worker, event.attempt, false});
    const Attempt audit = *attempt;
    conclude_audit(audit, &event.flow);
  } else if (attempt != nullptr) {
    if (is_decided_by(*attempt, event)) commit(*attempt, event);
  } else {
    // The request came again because the answer was lost, or somebody else won: nobody pays.
    note_late_result(event.worker, event.attempt);
    act(AnswerCommit{event.worker, event.attempt, has_committed(event.attempt)});
    if (planted(Bug::kRetryDenied)) forget_commit_of_twin(event.attempt);
  }
}

void Machine::commit(Attempt& attempt, const CommitRequested& event) {
  Job& job = jobs_.at(attempt.task.job);
  StageTasks& stage = job.stage(attempt.task.stage);
  const TaskId task = attempt.task;
  const Attempt winner = attempt;
  if (task.stage == Stage::kMap && !check_same_output(job, attempt, event)) return;
  const std::uint32_t opened = stage.opened();
  const bool preferred = stage.preferences().prefers(task.index);
  const bool there =
      preferred && stage.preferences().is_preferred(task.index, winner.worker,
                                                    pool_.find(winner.worker)->host_name);
  record(AttemptCommitted{task, attempt.id, attempt.worker, event.output_empty, event.bytes_out,
                          event.flow, event.records, event.bad_records, event.failures, preferred,
                          there, event.heavy});
  if (attempt.running) {
    const Duration ran = now_ - attempt.started;
    stage.durations.add(ran);
    if (ran >= job.slowest) {
      job.slowest = ran;
      job.slowest_task = task;
    }
  }
  // A level reads more than the one before it: its tasks are compared with their like.
  if (task.stage == Stage::kGather && stage.opened() != opened) stage.durations = Durations();
  stage.finished = now_;
  pool_.note_commit(now_, *pool_.find(attempt.worker));
  const std::optional<Ballot> ballot = ballot_of(job, winner);
  end_attempt(winner.id);
  if (winner.twin != AttemptId{}) cancel_attempt(winner.twin);
  if (winner.speculative && job.replicas.hedges()) ++job.tally.hedges_won;
  if (ballot) close_ballot(job, *ballot, winner, event.digest);
  act(AnswerCommit{event.worker, event.attempt, true});
  if (task.stage == Stage::kMap) {
    review_failures(job);
    review_completion(job);
    feed_starved(job);
  }
  advance(job);
  // Now it is known of which partitions shares are read.
  if (Job* still = find_job(task.job)) note_for_homes(*still, winner);
}

bool Machine::check_same_output(Job& job, const Attempt& attempt, const CommitRequested& event) {
  const abi::BlockSummary* before = job.map.flow(attempt.task.index);
  if (planted(Bug::kCompareNoDigests)) return true;
  if (before == nullptr || proto::same_flow(*before, event.flow)) return true;
  if (job.reduce.done() == 0) {
    // Nobody keeps what was read of the earlier output.
    restart_reduces(job);
    return true;
  }
  end_as_non_deterministic(job, attempt.task, attempt.id, event.flow);
  return false;
}

void Machine::end_as_non_deterministic(Job& job, const TaskId& task, AttemptId attempt,
                                       const abi::BlockSummary& flow) {
  const abi::BlockSummary before = *job.map.flow(task.index);
  record(NonDeterminismFound{task, job.map.at(task.index).committed, attempt, before, flow});
  end_job(job, {JobState::kFailed,
                "NON_DETERMINISTIC: " + describe(task) +
                    " ran again and gave other records than before: " + describe(before) +
                    " before, " + describe(flow) + " now",
                task, attempt});
}

bool Machine::check_flows(Job& job) {
  const abi::BlockSummary written = job.map.total_flow();
  const abi::BlockSummary read = job.reduce.total_flow();
  if (proto::same_flow(written, read) || planted(Bug::kCompareNoDigests)) return true;
  end_job(job, {JobState::kFailed, "CONSERVATION: the maps wrote " + describe(written) +
                                       ", but the reduces read " + describe(read) +
                                       "; nothing was published"});
  return false;
}

void Machine::publish(Job& job) {
  PublishJob publish;
  publish.job = job.id;
  publish.audited = job.audited;
  publish.maps.reserve(job.map.size());
  for (std::uint32_t i = 0; i < job.map.size(); ++i) {
    publish.maps.push_back(job.map.at(i).committed);
  }
  publish.reduces.reserve(job.partitions);
  for (std::uint32_t i = 0; i < job.partitions; ++i) {
    publish.reduces.push_back(job.reduce.at(i).committed);
  }
  if (job.gather.size() > 0) publish.gathered = job.gather.at(job.gather.size() - 1).committed;
  act(std::move(publish));
  if (planted(Bug::kSucceedBeforePublishing)) end_job(job, {JobState::kSucceeded, ""});
}

void Machine::advance(Job& job) {
  if (job.state == JobState::kRunning && !tolerate_bad_records(job)) return;
  if (job.state == JobState::kRunning) weigh_partitions(job);
  if (!job.complete() && !(job.gathers() && planted(Bug::kPublishUngathered))) {
    if (!job.needs_map_outputs()) stop_maps(job);
    return;
  }
  if (job.state == JobState::kRunning) {
    if (!job.audits.empty()) return;
    if (!check_flows(job)) return;
    // Maps that run again for an output that nobody needs any more.
    cancel_attempts(job);
    unfile(job);
    record(JobCommitStarted{job.id});
  }
  publish(job);
}

void Machine::on(const AttemptFailed& event) {
  // Answered even when it is stale: the worker repeats itself until then.
  act(NoteFailure{event.worker, event.attempt});
  Worker* worker = pool_.find(event.worker);
  if (worker == nullptr) return;
  pool_.hear(now_, *worker);
  // Its Bye may have been lost: what it gives back must not return to it.
  if (event.kind == FailureKind::kDrained) drain(*worker);
  if (const Attempt* attempt = find_live(event.worker, event.attempt)) {
    // What is said of an attempt that is over says nothing of the worker: its job may be gone.
    if (is_fault_of_worker(event.kind)) {
      // Failures of attempts that ran side by side are one fault.
      if (!worker->resting) pool_.blame(now_, *worker, kDemeritsOfFault);
      pool_.rest(now_, *worker);
    } else if (event.kind == FailureKind::kFetch) {
      pool_.blame(now_, *worker, kDemeritsOfFault);
    }
    const Attempt failed = *attempt;
    fail(failed, event);
  } else if (planted(Bug::kFailureClearsCommit)) {
    forget_commit_of_twin(event.attempt);
  }
}

void Machine::fail(const Attempt& attempt, const AttemptFailed& event) {
  // Whatever hindered the comparison, the task has a result.
  if (attempt.audit) return conclude_audit(attempt, nullptr);
  Job& job = jobs_.at(attempt.task.job);
  const TaskId task = attempt.task;
  end_attempt(attempt.id);
  Duration wait = kRetryDelayFirst;
  if (proto::charged_to_task(event.kind)) {
    const std::optional<Duration> again = charge(job, attempt, event);
    Trouble& trouble = job.trouble_of(task);
    if (!again && is_left_to_others(job, task)) return avoid(trouble, attempt.worker);
    if (!again) {
      const std::string times =
          trouble.failures == 1 ? "once" : std::to_string(trouble.failures) + " times";
      fail_for_good(job, {task, trouble.first_failure, event.kind,
                          describe(task, job.shares) + " failed " + times});
      return;
    }
    // Who gives back a task has said that it is not the worker.
    if (event.kind != FailureKind::kGivenBack) avoid(trouble, attempt.worker);
    wait = *again;
  } else if (event.kind == FailureKind::kDrained) {
    wait = Duration(0);
  } else if (event.kind != FailureKind::kCancelled) {
    if (!count_infrastructure_failure(job, attempt, event.kind)) return;
    Trouble& trouble = job.trouble_of(task);
    avoid(trouble, attempt.worker);
    wait = retry_delay(trouble.infrastructure);
    if (event.kind == FailureKind::kFetch) invalidate_lost(job, event.lost_outputs);
  }
  // A twin that still runs is the retry.
  if (job.stage(task.stage).at(task.index).live > 0) return delay_replica(job, task, wait);
  if (wait > Duration(0)) {
    delay(job, task, wait);
  } else {
    requeue(job, task);
  }
}

std::optional<Duration> Machine::charge(Job& job, const Attempt& attempt,
                                        const AttemptFailed& event) {
  Trouble counted = job.trouble_of(attempt.task);
  count_failure(job, counted, event.kind);
  std::optional<Duration> again = next_try(job, attempt.task, counted, event.kind);
  if (again && event.kind == FailureKind::kGivenBack) again = event.delay;
  TaskFailureCounted fact{attempt.task, attempt.id, event.kind};
  if (again && *again > Duration(0)) {
    fact.again_unix_us = unix_us_of(now_ + *again, options_.unix_us_at_origin);
    fact.delay_us = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(*again).count());
  }
  record(fact);
  return again;
}

bool Machine::count_infrastructure_failure(Job& job, const Attempt& attempt, FailureKind kind) {
  ++job.attempts_lost;
  Trouble& trouble = job.trouble_of(attempt.task);
  ++trouble.infrastructure;
  const bool storage = kind == FailureKind::kNoSpace || kind == FailureKind::kIo;
  if (storage) ++trouble.storage;
  if (trouble.first_infrastructure == AttemptId{}) trouble.first_infrastructure = attempt.id;
  const std::uint32_t replicas = job.replicas.replicas;
  const bool storage_stays_bad = trouble.storage >= limits::kStorageFailuresPerTask * replicas;
  const bool endures = trouble.infrastructure <= limits::kInfrastructureFailuresPerTask * replicas;
  if (!storage_stays_bad && endures) return true;
  if (is_left_to_others(job, attempt.task)) return true;
  const std::string met =
      storage_stays_bad
          ? std::to_string(trouble.storage) + " times a disk that is full or does not work"
          : std::to_string(trouble.infrastructure) + " failures of workers, disks or fetches";
  const AttemptId first =
      trouble.first_failure != AttemptId{} ? trouble.first_failure : trouble.first_infrastructure;
  fail_for_good(job,
                {attempt.task, first, kind, describe(attempt.task, job.shares) + " met " + met});
  return false;
}

std::set<WorkerId> Machine::invalidate_lost(Job& job, const std::vector<AttemptId>& lost) {
  std::set<WorkerId> holders;
  for (const AttemptId attempt : lost) {
    const AttemptLedger::Entry* entry = job.ledger.find(attempt);
    if (entry == nullptr || entry->stage != Stage::kMap) continue;
    const Task& map = job.map.at(entry->index);
    // Another reduce may have said so before, and the map may even have run again since.
    if (map.state != TaskState::kCommitted || map.committed != attempt) continue;
    // Whoever cannot serve this output should not be asked to make it again.
    Trouble& trouble = job.trouble_of({job.id, Stage::kMap, entry->index});
    avoid(trouble, map.holder);
    trouble.patient_until = now_ + kElsewherePatience;
    holders.insert(map.holder);
    invalidate_output(job, entry->index);
  }
  lose_outputs_of_silent(holders);
  return holders;
}

void Machine::invalidate_output(Job& job, std::uint32_t split) {
  cancel_audit(job, split);
  record(MapOutputInvalidated{{job.id, Stage::kMap, split}, job.map.at(split).committed});
  file(job);
  if (planted(Bug::kLossRestartsReduces)) forget_commits_of_reduces(job, std::nullopt);
}

void Machine::end_job(Job& job, Ending ending) {
  const JobId id = job.id;
  cancel_attempts(job);
  unfile(job);
  record(JobEnded{id, ending.state, ending.reason, ending.failed_task, ending.first_failure,
                  ending.completion});
  act(FinishJob{id, ending.state, std::move(ending.reason), ending.failed_task,
                ending.first_failure});
}

}  // namespace fanfold::master::scheduling
