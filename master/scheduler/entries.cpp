// How much the scheduler remembers, in entries of its containers.

#include "master/scheduler/machine.hpp"

namespace fanfold::master::scheduling {
namespace {

std::size_t entries_of(const StageTasks& stage) {
  return stage.size() + stage.retries() + stage.alone.size() + stage.wanting.size() +
         stage.lanes().entries() + stage.preferences().entries();
}

std::size_t entries_of(const Job& job) {
  std::size_t entries = job.tally.dissenters.size() + job.homes.entries();
  for (const auto& [task, ballot] : job.ballots) {
    entries += 1 + ballot.attempts.size() + ballot.votes.size();
  }
  return entries + 1 + entries_of(job.sample) + entries_of(job.map) + entries_of(job.reduce) +
         job.troubles.size() + job.ledger.size() + job.audits.size() + job.attempts.size() +
         job.bad_records.size() + job.failures.size() + job.arrivals.size() + job.heavy.size() +
         job.hot.size();
}

std::size_t entries_of(const Worker& worker) {
  std::size_t entries =
      1 + worker.running.size() + worker.queued.size() + worker.lent.size() + worker.voted.size();
  for (const auto& [job, splits] : worker.outputs) entries += 1 + splits.size();
  return entries;
}

}  // namespace

std::size_t Machine::entries() const {
  std::size_t entries = attempts_.size() + ended_.size() + ready_jobs_.size() + auditing_.size() +
                        ready_choosy_.size() + stragglers_.order().size() +
                        task_deadlines_.order().size() + publications_.order().size() +
                        pool_.silences().order().size() + pool_.rests().order().size() +
                        pool_.reviews().order().size() + starving_.size() +
                        pool_.stalls().order().size();
  entries += job_deadlines_.order().size() + placed_.size() + absences_.order().size();
  entries += preferring_.size() + waits_.order().size();
  for (const auto& [worker, attempts] : stopping_) entries += 1 + attempts.size();
  for (const auto& [id, job] : jobs_) entries += entries_of(job);
  for (const auto& [id, worker] : pool_.all()) entries += entries_of(worker);
  return entries;
}

}  // namespace fanfold::master::scheduling
