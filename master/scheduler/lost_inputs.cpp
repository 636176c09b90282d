// Where reduces read.  All of them are told of one list of outputs; one that cannot read some of
// them, or has not got the list, says so.  The maps run again; the reduce keeps what it has, and is
// told of the new list.  An output that comes out different takes back every reduce that may have
// read the old one (check_same_output), so nobody is ever told to mix the two.
//
// A reduce that waits so keeps its slot, but lends it to a map of its job when it can have no
// other: otherwise all of them could wait, side by side, for maps that find no place.  Where
// results are compared a map needs slots of several workers, and where input lies on hosts those of
// certain ones, so there the reduce makes room and begins anew.

#include <algorithm>
#include <iterator>
#include <set>
#include <vector>

#include "common/core/check.hpp"
#include "common/core/planted.hpp"
#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"

namespace fanfold::master::scheduling {

void Machine::on(const InputsWanted& event) {
  Worker* worker = pool_.find(event.worker);
  if (worker == nullptr || worker->state == WorkerState::kExpected) return;
  pool_.hear(now_, *worker);
  Attempt* attempt = find_live(event.worker, event.attempt);
  // Its next heartbeat has it cancelled.
  if (attempt == nullptr || attempt->task.stage != Stage::kReduce) return;
  // It has read all of them: this was said before.
  if (attempt->voted) return;
  Job& job = jobs_.at(attempt->task.job);
  if (planted(Bug::kKeepUnreadable)) return;
  for (const WorkerId holder : invalidate_lost(job, event.lost)) {
    if (Worker* blamed = pool_.find(holder)) pool_.accuse(now_, *blamed, event.worker);
  }
  const bool certain_workers = job.replicas.votes() || !job.map.lanes().empty();
  if (certain_workers && !job.map.complete()) return make_room(job, *attempt);
  starve(job, *attempt);
  feed_starved(job);
  file(job);
}

/// Its maps need slots on so many different workers, or on certain ones, and another such job may
/// wait in them for slots that this one has.
void Machine::make_room(Job& job, const Attempt& attempt) {
  const TaskId task = attempt.task;
  cancel_attempt(attempt.id);
  if (job.reduce.at(task.index).live == 0) requeue(job, task);
}

/// After a restart the holders of map outputs are given time to come back first; it will ask again.
bool Machine::may_feed(const Job& job) const {
  return job.map.complete() && (!job.restored || !pool_.expects_holder(job.id));
}

void Machine::list_outputs(Job& job) {
  FANFOLD_CHECK(job.map.complete());
  if (job.list_version) return;
  ListOutputs list;
  list.job = job.id;
  list.generation = job.generation;
  for (std::uint32_t split = 0; split < job.map.size(); ++split) {
    const Task& map = job.map.at(split);
    if (!map.output_empty) list.outputs.push_back({split, map.committed, map.holder});
  }
  job.list_version = 0;
  if (list.outputs.empty()) return;
  list.version = attempt_id(options_.epoch, ++lists_issued_).value;
  job.list_version = list.version;
  act(std::move(list));
}

void Machine::starve(Job& job, const Attempt& attempt) {
  job.starved.insert(attempt.id);
  if (attempt.running) job.lenders.insert(attempt.id);
  starving_.insert(job.id);
}

void Machine::feed_starved(Job& job) {
  if (job.starved.empty() || !may_feed(job)) return;
  list_outputs(job);
  std::set<WorkerId> told;
  const std::vector<AttemptId> starved(job.starved.begin(), job.starved.end());
  for (const AttemptId id : starved) {
    const Attempt& attempt = attempts_.at(id);
    stop_starving(job, attempt);
    if (told.insert(attempt.worker).second) act(TellOutputs{attempt.worker, job.id});
  }
}

void Machine::stop_starving(Job& job, const Attempt& attempt) {
  job.starved.erase(attempt.id);
  job.lenders.erase(attempt.id);
}

void Machine::lose_outputs_of_silent(const std::set<WorkerId>& holders) {
  for (const WorkerId id : holders) {
    const Worker* holder = pool_.find(id);
    if (holder == nullptr ||
        now_ - holder->heard < suspicious_silence(options_.worker_silence_max)) {
      continue;
    }
    lose_outputs(*holder, [](AttemptId) { return true; });
  }
}

void Machine::lend_slots() {
  for (auto next = starving_.begin(); next != starving_.end();) {
    Job* job = find_job(*next);
    if (job == nullptr || job->starved.empty()) {
      next = starving_.erase(next);
      continue;
    }
    while (!pool_.has_free_slot() && lend_one(*job)) {
    }
    ++next;
  }
}

bool Machine::lend_one(Job& job) {
  if (job.lenders.empty() || job.state != proto::JobState::kRunning) return false;
  // A limit does not matter: while the map runs the reduce does not.
  if (job.control.paused) return false;
  if (&job.open_stage() != &job.map || !may_be_assigned(job, job.map)) return false;
  // Reduces wait for them.
  end_wait(job);
  Attempt* lender = nullptr;
  const auto somebody_for = [&](std::uint32_t split) -> Worker* {
    lender = lender_for(job, split);
    return lender != nullptr ? pool_.find(lender->worker) : nullptr;
  };
  std::optional<Choice> choice = choose_replica(job.map, job.id, somebody_for);
  if (!choice) choice = choose_from(job.map, job.id, somebody_for);
  if (!choice) return false;
  job.lenders.erase(lender->id);
  stop_running(job, *lender);
  lender->running = false;
  pool_.lend(now_, *choice->worker, lender->id);
  start_chosen(job, *choice);
  return true;
}

Attempt* Machine::lender_for(Job& job, std::uint32_t split) {
  const TaskId task{job.id, Stage::kMap, split};
  if (is_delayed_replica(job, task)) return nullptr;
  const std::vector<WorkerId> taken = taken_by_replicas(job, task);
  const Trouble* trouble = job.find_trouble(Stage::kMap, split);
  Attempt* avoided = nullptr;
  // In turn, or the first, whose workers may start nothing for a while, would hide all others.
  auto next = job.lenders.upper_bound(job.lender_seen);
  const std::size_t examined_max = std::min(job.lenders.size(), kWorkersExamined);
  for (std::size_t examined = 0; examined < examined_max; ++examined) {
    if (next == job.lenders.end()) next = job.lenders.begin();
    job.lender_seen = *next++;
    Attempt& attempt = attempts_.at(job.lender_seen);
    if (!pool_.may_start(*pool_.find(attempt.worker))) continue;
    if (std::find(taken.begin(), taken.end(), attempt.worker) != taken.end()) continue;
    const bool avoid = trouble != nullptr && is_avoided(*trouble, attempt.worker);
    if (!avoid) return &attempt;
    if (avoided == nullptr) avoided = &attempt;
  }
  if (avoided == nullptr || now_ >= trouble->patient_until || !pool_.anybody_but(trouble->avoid)) {
    return avoided;
  }
  task_deadlines_.set({job.id, Stage::kMap, split}, trouble->patient_until);
  return nullptr;
}

}  // namespace fanfold::master::scheduling
