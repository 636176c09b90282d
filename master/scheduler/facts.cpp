// Durable state changes here and nowhere else, so that recovery is apply() in a loop.

#include <limits>
#include <utility>

#include "common/core/check.hpp"
#include "common/core/planted.hpp"
#include "common/proto/flow.hpp"
#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"
#include "master/scheduler/retry.hpp"

namespace fanfold::master::scheduling {

void Machine::apply(const JobAccepted& fact) {
  const auto [job, inserted] = jobs_.try_emplace(fact.job.job, fact.job);
  FANFOLD_CHECK(inserted);
  if (fact.job.deadline_unix_us != 0) {
    job->second.completion.deadline =
        instant_of(fact.job.deadline_unix_us, options_.unix_us_at_origin);
  }
}

void Machine::apply(const AttemptCommitted& fact) {
  Job* job = find_job(fact.task.job);
  FANFOLD_CHECK(job != nullptr && job->contains(fact.task));
  StageTasks& stage = job->stage(fact.task.stage);
  stage.move(fact.task.index, TaskState::kCommitted);
  if (fact.task.stage == Stage::kMap) {
    job->list_version.reset();
    const abi::BlockSummary* before = stage.flow(fact.task.index);
    // What runs again has the same again.
    if (before == nullptr) note_heavy(*job, fact);
    if (before != nullptr && !proto::same_flow(*before, fact.flow)) ++job->generation;
  }
  if (fact.task.stage == Stage::kMap) {
    job->bad_records.note(fact.task.index, fact.records, fact.bad_records);
    job->failures.note(fact.task.index, fact.failures);
  }
  if (fact.task.stage == Stage::kGather) stage.open(job->tree.open_after(stage.done()));
  if (fact.task.stage == Stage::kReduce) open_folded(*job, fact.task.index);
  stage.set_flow(fact.task.index, fact.flow);
  Task& task = stage.at(fact.task.index);
  task.committed = fact.attempt;
  if (!planted(Bug::kKeepOldHolder) || task.holder == WorkerId{}) task.holder = fact.worker;
  task.output_empty = fact.output_empty;
  task.bytes_out = fact.bytes_out;
  const Ran preferring = fact.there ? Ran::kThere : Ran::kElsewhere;
  stage.note_place(fact.task.index, fact.preferred ? preferring : Ran::kAnywhere);
  stage.bytes_done += task.bytes;
  stage.bytes_out += task.bytes_out;
  if (fact.task.stage == Stage::kMap &&
      is_audited(job->id, fact.task.index, job->verify_per_million)) {
    job->audits.insert(fact.task.index);
    auditing_.insert(job->id);
  }
  if (fact.task.stage == Stage::kMap && job->homes.wanted()) {
    job->homes.splits.push_back(fact.task.index);
  }
  if (fact.task.stage == Stage::kMap && !fact.output_empty) {
    pool_.add_output(fact.worker, job->id, fact.task.index);
  }
  if (!begun_) {
    job->ledger.add(fact.attempt, fact.task);
    stage.note_receipt(fact.task.index, task.attempts + 1);
  }
}

void Machine::note_heavy(Job& job, const AttemptCommitted& fact) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  for (const proto::PartitionBytes& one : fact.heavy) {
    if (one.partition >= job.partitions) continue;
    std::uint64_t& bytes = job.heavy[one.partition];
    bytes = one.bytes > kMost - bytes ? kMost : bytes + one.bytes;
  }
}

void Machine::apply(const MapOutputInvalidated& fact) {
  Job* job = find_job(fact.task.job);
  FANFOLD_CHECK(job != nullptr && job->contains(fact.task));
  FANFOLD_CHECK(fact.task.stage == Stage::kMap);
  Task& task = job->map.at(fact.task.index);
  FANFOLD_CHECK(task.committed == fact.attempt);
  job->list_version.reset();
  // What commits next is compared; if nothing does, nothing is waited for.
  job->audits.erase(fact.task.index);
  job->map.move(fact.task.index, TaskState::kReady);
  job->map.note_place(fact.task.index, Ran::kAnywhere);
  job->map.bytes_done -= task.bytes;
  job->map.bytes_out -= task.bytes_out;
}

void Machine::apply(const TaskFailureCounted& fact) {
  Job* job = find_job(fact.task.job);
  FANFOLD_CHECK(job != nullptr && job->contains(fact.task));
  Trouble& trouble = job->trouble_of(fact.task);
  count_failure(*job, trouble, fact.kind);
  if (trouble.first_failure == AttemptId{}) trouble.first_failure = fact.attempt;
  ++job->attempts_failed;
  if (fact.again_unix_us != 0) {
    trouble.not_before = instant_of(fact.again_unix_us, options_.unix_us_at_origin);
    trouble.delay = std::chrono::microseconds(fact.delay_us);
  }
  if (!begun_) {
    job->ledger.add(fact.attempt, fact.task);
    StageTasks& stage = job->stage(fact.task.stage);
    stage.note_receipt(fact.task.index, stage.at(fact.task.index).attempts + 1);
  }
}

void Machine::apply(const JobCommitStarted& fact) {
  Job* job = find_job(fact.job);
  FANFOLD_CHECK(job != nullptr);
  job->move_to(proto::JobState::kPublishing);
}

void Machine::apply(const JobEnded& fact) {
  Job* job = find_job(fact.job);
  FANFOLD_CHECK(job != nullptr);
  FANFOLD_CHECK(job->attempts.empty() && !job->rank);
  job->move_to(fact.state);
  proto::JobStatus status = summarise(*job, now_);
  status.reason = fact.reason;
  status.failed_task = fact.failed_task;
  status.failed_attempt = fact.first_failure;
  status.completion.reason = fact.completion;
  status.queue = {.received = std::move(status.queue.received),
                  .received_most = status.queue.received_most};
  ended_.emplace(fact.job, std::move(status));
  ended_order_.push_back(fact.job);
  if (ended_order_.size() > kEndedJobsKept) {
    ended_.erase(ended_order_.front());
    ended_order_.pop_front();
  }
  if (!planted(Bug::kKeepOutputsOfEndedJobs)) pool_.forget_outputs(fact.job);
  jobs_.erase(fact.job);
}

void Machine::apply(const TaskGivenUp& fact) {
  Job* job = find_job(fact.task.job);
  FANFOLD_CHECK(job != nullptr && job->contains(fact.task) && fact.task.stage == Stage::kMap);
  job->map.give_up(fact.task.index);
  job->audits.erase(fact.task.index);
  job->bad_records.forget(fact.task.index);
  job->failures.forget(fact.task.index);
  ++job->completion.failed;
}

void Machine::apply(const CoverageDecided& fact) {
  Job* job = find_job(fact.job);
  FANFOLD_CHECK(job != nullptr && !job->completion.decided);
  FANFOLD_CHECK(job->map.done() == fact.covered);
  job->completion.decided = true;
  job->completion.reason = fact.reason;
  job->map.give_up_rest();
  for (std::uint32_t split = 0; split < job->map.size(); ++split) {
    if (job->map.at(split).state != TaskState::kGivenUp) continue;
    job->bad_records.forget(split);
    job->failures.forget(split);
  }
}

void Machine::apply(const WorkerRegistered& fact) {
  pool_.expect(fact.worker, fact.slots).knows_shares = fact.knows_shares;
}

void Machine::apply(const WorkerGone& fact) {
  // Live, its attempts and outputs were dealt with before.
  Worker* worker = pool_.find(fact.worker);
  FANFOLD_CHECK(worker != nullptr);
  if (worker->state != WorkerState::kGone) pool_.mark_gone(*worker);
  pool_.erase(fact.worker);
}

}  // namespace fanfold::master::scheduling
