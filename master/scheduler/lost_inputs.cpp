// Reduces that cannot read a map output.  The map runs again; the reduce keeps what it has, and is
// told where the new output lies.  An output that comes out different takes back every reduce that
// may have read the old one (check_same_output), so nobody is ever told to mix the two.
//
// A reduce that waits so keeps its slot, but lends it to a map of its job when no slot is free:
// otherwise all of them could wait, side by side, for maps that find no place.

#include <algorithm>
#include <iterator>
#include <set>
#include <vector>

#include "common/core/planted.hpp"
#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"

namespace fanfold::master::scheduling {

void Machine::on(const InputsLost& event) {
  Worker* worker = pool_.find(event.worker);
  if (worker == nullptr || worker->state == WorkerState::kExpected) return;
  pool_.hear(now_, *worker);
  Attempt* attempt = find_live(event.worker, event.attempt);
  // Its next heartbeat has it cancelled.
  if (attempt == nullptr || attempt->task.stage != Stage::kReduce) return;
  Job& job = jobs_.at(attempt->task.job);
  if (planted(Bug::kKeepUnreadable)) return;
  for (const WorkerId holder : invalidate_lost(job, event.lost)) {
    if (Worker* blamed = pool_.find(holder)) pool_.accuse(now_, *blamed, event.worker);
  }
  starve(job, *attempt, event.lost);
  if (may_feed(job)) feed(job, *attempt);
}

/// After a restart the holders of map outputs are given time to come back first; it will ask again.
bool Machine::may_feed(const Job& job) const {
  return job.map.complete() && (!job.restored || !pool_.expects_holder(job.id));
}

void Machine::starve(Job& job, Attempt& attempt, const std::vector<AttemptId>& lost) {
  std::set<std::uint32_t> splits;
  for (const AttemptId id : lost) {
    const AttemptLedger::Entry* entry = job.ledger.find(id);
    if (entry != nullptr && entry->stage == Stage::kMap) splits.insert(entry->index);
  }
  // It always says all that it misses.
  attempt.missing.assign(splits.begin(), splits.end());
  if (splits.empty()) return;
  job.starved.insert(attempt.id);
  if (attempt.running) job.lenders.insert(attempt.id);
  starving_.insert(job.id);
}

void Machine::feed(Job& job, Attempt& attempt) {
  if (attempt.missing.empty()) return;
  ReplaceInputs replacement;
  replacement.worker = attempt.worker;
  replacement.attempt = attempt.id;
  replacement.task = attempt.task;
  replacement.generation = job.generation;
  for (const std::uint32_t split : attempt.missing) {
    const Task& map = job.map.at(split);
    // One that is empty now, and was not, is of another generation.
    if (!map.output_empty) replacement.inputs.push_back({split, map.committed, map.holder});
  }
  stop_starving(job, attempt);
  act(std::move(replacement));
}

void Machine::feed_starved(Job& job) {
  if (!may_feed(job)) return;
  const std::vector<AttemptId> starved(job.starved.begin(), job.starved.end());
  for (const AttemptId id : starved) feed(job, attempts_.at(id));
}

void Machine::stop_starving(Job& job, Attempt& attempt) {
  attempt.missing = {};
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
  if (&job.open_stage() != &job.map || !may_be_assigned(job, job.map)) return false;
  Attempt* lender = nullptr;
  const std::optional<Choice> choice =
      choose_from(job.map, job.id, [&](std::uint32_t split) -> Worker* {
        lender = lender_for(job, split);
        return lender != nullptr ? pool_.find(lender->worker) : nullptr;
      });
  if (!choice) return false;
  job.lenders.erase(lender->id);
  stop_running(job, *lender);
  lender->running = false;
  pool_.lend(now_, *choice->worker, lender->id);
  start_chosen(job, *choice);
  return true;
}

Attempt* Machine::lender_for(Job& job, std::uint32_t split) {
  const Trouble* trouble = job.find_trouble(Stage::kMap, split);
  Attempt* avoided = nullptr;
  std::size_t examined = 0;
  for (const AttemptId id : job.lenders) {
    if (++examined > kWorkersExamined) break;
    Attempt& attempt = attempts_.at(id);
    if (!pool_.may_start(*pool_.find(attempt.worker))) continue;
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
