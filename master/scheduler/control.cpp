// What users change of a job while it runs: how many attempts it may have at a time, whom it goes
// before, what share of the slots it gets, and whether anything starts at all.  What workers were
// given before goes on.

#include "common/core/check.hpp"
#include "common/core/planted.hpp"
#include "master/scheduler/machine.hpp"

namespace fanfold::master::scheduling {
namespace {

/// Shares are compared in this part of an attempt for each unit of weight.
constexpr std::uint64_t kShareUnit = 1024;

}  // namespace

void Machine::on(const JobChangeWanted& event) {
  Job* job = find_job(event.job);
  if (job == nullptr) return;
  const proto::JobControl control = event.change.applied_to(job->control);
  if (control == job->control) return;
  record(JobControlled{job->id, control});
  file(*job);
  if (!planted(Bug::kKeepOldTolerance) && review_failures(*job)) advance(*job);
}

void Machine::apply(const JobControlled& fact) {
  Job* job = find_job(fact.job);
  FANFOLD_CHECK(job != nullptr);
  job->control = fact.control;
}

bool Machine::may_start_more(const Job& job) {
  if (planted(Bug::kIgnoreControl)) return true;
  const std::uint32_t most = job.control.max_concurrency;
  // Reduces that wait for maps do nothing, and could be all that the job may have.
  // Nor do those that wait for others to be compared with.
  FANFOLD_CHECK(job.attempts.size() >= job.starved.size() + job.voted);
  const std::size_t at_work = job.attempts.size() - job.starved.size() - job.voted;
  return !job.control.paused && (most == 0 || at_work < most);
}

JobRank Machine::rank_of(const Job& job) {
  return {.unhurried = proto::kPriorityMax - job.control.priority,
          .share = job.running * kShareUnit / job.control.weight,
          .turn = job.turn,
          .job = job.id};
}

}  // namespace fanfold::master::scheduling
