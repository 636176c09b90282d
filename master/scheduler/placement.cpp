// Which task goes to which worker: fair share, retries elsewhere, queues for short tasks, backups
// for stragglers.

#include <algorithm>
#include <tuple>
#include <vector>

#include "common/core/planted.hpp"
#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"

namespace fanfold::master::scheduling {

namespace {

bool is_behind(const JobRank& rank, const JobRank& first) {
  return std::tie(rank.unhurried, rank.share) > std::tie(first.unhurried, first.share);
}

}  // namespace

/// What is ready may be running at a worker that has not come back yet.
bool Machine::waits_for_workers() {
  if (!reunion_) return false;
  if (pool_.expected() > 0 && now_ < *reunion_) return true;
  reunion_.reset();
  return false;
}

void Machine::place() {
  note_shifts();
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
  const bool ready = stage.ready() > 0 && may_open_ballot(job);
  if (!ready && !may_get_replica(stage)) return false;
  // After a restart the holders of map outputs are given time to come back before anybody is sent
  // to read from them.
  return stage.stage() != Stage::kReduce || !job.restored || !job.needs_map_outputs() ||
         !pool_.expects_holder(job.id);
}

bool Machine::assign_one() {
  const bool free = pool_.has_free_slot();
  // They may wait for certain workers for long: they must not hide the others.
  std::vector<JobRank> several;
  if (!ready_choosy_.empty()) several = choosy_to_serve();
  auto next_several = several.begin();
  auto next = ready_jobs_.begin();
  std::size_t examined = 0;
  while (true) {
    const bool plain = next != ready_jobs_.end() && examined < kJobsExamined;
    if (!plain && next_several == several.end()) return false;
    const bool choosy = next_several != several.end() && (!plain || *next_several < *next);
    const JobRank rank = choosy ? *next_several++ : *next++;
    if (!choosy) ++examined;
    // Nobody queues behind a slot that another job is to have next.
    const bool behind = !ready_jobs_.empty() && is_behind(rank, *ready_jobs_.begin());
    if (!free && behind) return false;
    Job& job = jobs_.at(rank.job);
    const std::optional<Choice> choice = choose(job, !behind);
    if (!choice) continue;
    start_chosen(job, *choice);
    return true;
  }
}

void Machine::start_chosen(Job& job, const Choice& choice) {
  StageTasks& stage = job.stage(choice.task.stage);
  // Beside what runs of it.
  if (stage.at(choice.task.index).live > 0) {
    return start_attempt({job, choice.task, *choice.worker, choice.twin});
  }
  if (choice.taken) {
    // Out of its lane already.
  } else if (choice.retry) {
    stage.take_retry(*choice.retry);
  } else {
    stage.take_fresh();
  }
  start_attempt({job, choice.task, *choice.worker});
}

std::optional<Choice> Machine::choose(Job& job, bool may_queue) {
  StageTasks& stage = job.open_stage();
  Preferences& preferences = stage.preferences();
  // Without a free slot only a stage of short tasks may go on, and only so far.
  bool anybody = pool_.has_free_slot();
  if (anybody) {
    if (job.replicas.replicated()) {
      // What was begun comes before what was not.
      const auto somebody_for = [&](std::uint32_t index) {
        return worker_for_replica(job, {job.id, stage.stage(), index});
      };
      if (auto replica = choose_replica(stage, job.id, somebody_for)) return replica;
      if (!may_open_ballot(job) || !has_room_for_ballot(job)) return std::nullopt;
    }
    if (auto hedge = choose_hedge(job)) return hedge;
    if (!stage.lanes().empty()) {
      if (auto choice = choose_on_hosts(job)) return choice;
      // Some of its input may lie where anybody can read it.
      if (stage.ready() == stage.lanes().ready()) return std::nullopt;
    }
  } else if (job.is_exacting()) {
    // What waits in a queue cannot be replicated elsewhere in time, nor read elsewhere.
    return std::nullopt;
  } else {
    anybody = queue_worker_for(stage) != nullptr;
  }
  // What waits for somebody may queue there when nothing may anywhere else.
  if (!preferences.empty() && (anybody || preferences.is_waiting())) {
    begin_wait(job, stage);
    std::optional<Choice> choice;
    if (!stage.has_urgent()) choice = choose_preferred(job, may_queue);
    if (choice) return choice;
  }
  if (!anybody) return std::nullopt;
  return choose_from(stage, job.id,
                     [&](std::uint32_t index) { return worker_for(job, stage, index); });
}

std::optional<Choice> Machine::choose_from(
    StageTasks& stage, JobId job, const std::function<Worker*(std::uint32_t)>& somebody_for) {
  const std::size_t retries = std::min(stage.retries(), kRetriesExamined);
  for (std::size_t position = 0; position < retries; ++position) {
    const std::uint32_t index = stage.retry_at(position);
    if (Worker* worker = somebody_for(index)) {
      return Choice{{job, stage.stage(), index}, worker, position};
    }
  }
  auto again = choose_unbound(stage, job, &Preferences::take_again, somebody_for);
  if (again) return again;
  const std::optional<std::uint32_t> fresh = stage.fresh();
  Worker* worker = fresh ? somebody_for(*fresh) : nullptr;
  if (worker != nullptr) return Choice{{job, stage.stage(), *fresh}, worker, std::nullopt};
  return choose_unbound(stage, job, &Preferences::take_late, somebody_for);
}

Worker* Machine::worker_for(Job& job, const StageTasks& stage, std::uint32_t index) {
  const Trouble* trouble = job.find_trouble(stage.stage(), index);
  if (!pool_.has_free_slot()) {
    // What failed before may fail slowly: it never waits in a queue.
    if (trouble != nullptr) return nullptr;
    return queue_worker_for(stage);
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

std::optional<Duration> Machine::slow_age(const Job& job, const StageTasks& stage) {
  const proto::ReplicaPolicy& policy = job.replicas;
  if (!policy.hedges()) return straggler_age(stage.durations.median());
  if (policy.hedge_ms != 0) return std::chrono::milliseconds(policy.hedge_ms);
  if (stage.durations.count() < kHedgeSamplesMin) return std::nullopt;
  return std::max(stage.durations.quantile(policy.hedge_per_mille), kHedgeAgeMin);
}

std::optional<Instant> Machine::straggler_deadline(const Job& job, const StageTasks& stage) const {
  if (stage.stage() == Stage::kSample || stage.alone.empty()) return std::nullopt;
  if (job.replicas.hedges()) {
    const std::optional<Duration> age = slow_age(job, stage);
    if (!age || stage.hedges >= hedges_max(job.replicas, stage.size())) return std::nullopt;
    return stage.alone.begin()->first + *age;
  }
  if (!job.speculate) return std::nullopt;
  if (stage.ready() > 0 || !in_tail(stage.opened() - stage.given_up(), stage.done())) {
    return std::nullopt;
  }
  if (stage.durations.count() == 0) return std::nullopt;
  if (stage.backups >= backups_max(stage.size())) return std::nullopt;
  return stage.alone.begin()->first + *slow_age(job, stage);
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
  const std::optional<Choice> backup = choose_backup(job);
  if (!backup) return false;
  start_chosen(job, *backup);
  return true;
}

std::optional<Choice> Machine::choose_hedge(Job& job) {
  if (!job.replicas.hedges()) return std::nullopt;
  return choose_backup(job);
}

std::optional<Choice> Machine::choose_backup(Job& job) {
  StageTasks& stage = job.open_stage();
  const std::optional<Instant> deadline = straggler_deadline(job, stage);
  if (!deadline || *deadline > now_ || !may_start_more(job)) return std::nullopt;
  // Where it would read is not known while holders have not come back to a restarted master.
  if (stage.stage() == Stage::kReduce && job.needs_map_outputs() && !may_feed(job)) {
    return std::nullopt;
  }
  const Duration age = *slow_age(job, stage);
  std::size_t examined = 0;
  std::size_t passed_over = 0;
  for (const auto& [started, id] : stage.alone) {
    if (started + age > now_ || examined > kRetriesExamined) return std::nullopt;
    Attempt& attempt = attempts_.at(id);
    // Where its input lies there is nobody else: it must not hide the others.
    const bool nobody = !stage.place_of(attempt.task.index).empty() &&
                        !anybody_for(job, attempt.task, {attempt.worker});
    if (nobody && ++passed_over <= kHostsExamined) continue;
    ++examined;
    std::vector<WorkerId> avoid;
    if (const Trouble* trouble = job.find_trouble(stage.stage(), attempt.task.index)) {
      avoid = trouble->avoid;
    }
    if (!planted(Bug::kBackUpOnSameWorker)) avoid.push_back(attempt.worker);
    if (Worker* worker = free_worker_for(job, attempt.task, avoid)) {
      return Choice{attempt.task, worker, std::nullopt, &attempt};
    }
  }
  return std::nullopt;
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
