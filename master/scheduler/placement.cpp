// Which task goes to which worker: fair share, retries elsewhere, queues for short tasks, backups
// for stragglers.

#include <algorithm>
#include <tuple>
#include <vector>

#include "common/core/planted.hpp"
#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"

namespace fanfold::master::scheduling {

/// What is ready may be running at a worker that has not come back yet.
bool Machine::waits_for_workers() {
  if (!reunion_) return false;
  if (pool_.expected() > 0 && now_ < *reunion_) return true;
  reunion_.reset();
  return false;
}

void Machine::place() {
  if (waits_for_workers()) return;
  while (assign_one()) {
  }
  lend_slots();
  if (!pool_.has_free_slot()) return;
  empty_stalled_queues();
  back_up_stragglers();
  audit();
}

bool Machine::may_be_assigned(const Job& job, const StageTasks& stage) const {
  if (stage.ready() == 0) return false;
  // After a restart the holders of map outputs are given time to come back before anybody is sent
  // to read from them.
  return stage.stage() != Stage::kReduce || !job.restored || !pool_.expects_holder(job.id);
}

bool Machine::assign_one() {
  if (ready_jobs_.empty()) return false;
  const bool free = pool_.has_free_slot();
  const JobRank first = *ready_jobs_.begin();
  std::size_t examined = 0;
  for (const JobRank& rank : ready_jobs_) {
    // Nobody queues behind a slot that another job is to have next.
    if (!free && std::tie(rank.unhurried, rank.share) > std::tie(first.unhurried, first.share)) {
      return false;
    }
    if (++examined > kJobsExamined) return false;
    Job& job = jobs_.at(rank.job);
    const std::optional<Choice> choice = choose(job);
    if (!choice) continue;
    start_chosen(job, *choice);
    return true;
  }
  return false;
}

void Machine::start_chosen(Job& job, const Choice& choice) {
  StageTasks& stage = job.stage(choice.task.stage);
  if (choice.retry) {
    stage.take_retry(*choice.retry);
  } else {
    stage.take_fresh();
  }
  start_attempt({job, choice.task, *choice.worker});
}

std::optional<Machine::Choice> Machine::choose(Job& job) {
  StageTasks& stage = job.open_stage();
  // Without a free slot only a stage of short tasks may go on, and only so far.
  if (!pool_.has_free_slot() && pool_.queue_worker(queued_per_slot(
                                    stage.durations.total(), stage.durations.count())) == nullptr) {
    return std::nullopt;
  }
  return choose_from(stage, job.id,
                     [&](std::uint32_t index) { return worker_for(job, stage, index); });
}

std::optional<Machine::Choice> Machine::choose_from(
    StageTasks& stage, JobId job, const std::function<Worker*(std::uint32_t)>& somebody_for) {
  const std::size_t retries = std::min(stage.retries(), kRetriesExamined);
  for (std::size_t position = 0; position < retries; ++position) {
    const std::uint32_t index = stage.retry_at(position);
    if (Worker* worker = somebody_for(index)) {
      return Choice{{job, stage.stage(), index}, worker, position};
    }
  }
  const std::optional<std::uint32_t> fresh = stage.fresh();
  if (!fresh) return std::nullopt;
  Worker* worker = somebody_for(*fresh);
  if (worker == nullptr) return std::nullopt;
  return Choice{{job, stage.stage(), *fresh}, worker, std::nullopt};
}

Worker* Machine::worker_for(Job& job, const StageTasks& stage, std::uint32_t index) {
  const Trouble* trouble = job.find_trouble(stage.stage(), index);
  if (!pool_.has_free_slot()) {
    // What failed before may fail slowly: it never waits in a queue.
    if (trouble != nullptr) return nullptr;
    return pool_.queue_worker(queued_per_slot(stage.durations.total(), stage.durations.count()));
  }
  if (trouble == nullptr) return pool_.free_worker({});
  if (Worker* worker = pool_.free_worker(trouble->avoid)) return worker;
  if (now_ >= trouble->patient_until || !pool_.anybody_but(trouble->avoid)) {
    // It failed on all of them: then not where it failed last, if that can be helped.
    if (!trouble->avoid.empty()) {
      if (Worker* worker = pool_.free_worker({trouble->avoid.back()})) return worker;
    }
    return pool_.free_worker({});
  }
  task_deadlines_.set({job.id, stage.stage(), index}, trouble->patient_until);
  return nullptr;
}

std::optional<Instant> Machine::straggler_deadline(const Job& job, const StageTasks& stage) const {
  if (!job.speculate || stage.stage() == Stage::kSample) return std::nullopt;
  if (stage.ready() > 0 || !in_tail(stage.opened() - stage.given_up(), stage.done())) {
    return std::nullopt;
  }
  if (stage.alone.empty() || stage.durations.count() == 0) return std::nullopt;
  if (stage.backups >= backups_max(stage.size())) return std::nullopt;
  return stage.alone.begin()->first + straggler_age(stage.durations.median());
}

void Machine::back_up_stragglers() {
  std::vector<JobId> due;
  for (const auto& [when, job] : stragglers_.order()) {
    if (when > now_) break;
    due.push_back(job);
  }
  for (const JobId id : due) {
    Job& job = jobs_.at(id);
    while (pool_.has_free_slot() && back_up_one(job)) {
    }
  }
}

bool Machine::back_up_one(Job& job) {
  StageTasks& stage = job.open_stage();
  const std::optional<Instant> deadline = straggler_deadline(job, stage);
  if (!deadline || *deadline > now_ || !may_start_more(job)) return false;
  // Where it would read is not known while holders have not come back to a restarted master.
  if (stage.stage() == Stage::kReduce && !may_feed(job)) return false;
  const Duration age = straggler_age(stage.durations.median());
  std::size_t examined = 0;
  for (const auto& [started, id] : stage.alone) {
    if (started + age > now_ || ++examined > kRetriesExamined) return false;
    Attempt& attempt = attempts_.at(id);
    std::vector<WorkerId> avoid;
    if (const Trouble* trouble = job.find_trouble(stage.stage(), attempt.task.index)) {
      avoid = trouble->avoid;
    }
    if (!planted(Bug::kBackUpOnSameWorker)) avoid.push_back(attempt.worker);
    if (Worker* worker = pool_.free_worker(avoid)) {
      start_attempt({job, attempt.task, *worker, &attempt});
      return true;
    }
  }
  return false;
}

void Machine::empty_stalled_queues() {
  // What waits behind a long task goes to whoever is idle now.  Taking it back costs nothing: if
  // it has started meanwhile its commit is refused, and short tasks were promised.
  while (pool_.has_free_slot() && ready_jobs_.empty()) {
    const std::optional<WorkerId> worker = pool_.stalls().due(now_);
    if (!worker) return;
    const AttemptId newest = *pool_.find(*worker)->queued.rbegin();
    const TaskId task = attempts_.at(newest).task;
    cancel_attempt(newest);
    Job& job = jobs_.at(task.job);
    // It may have been the backup of one that a restarted master gave out again.
    if (job.stage(task.stage).at(task.index).live > 0) continue;
    requeue(job, task);
    if (!assign_one()) return;
  }
}

}  // namespace fanfold::master::scheduling
