// Jobs whose input grows while they run: more maps come until the job is closed.  As long as it is
// open its maps are never complete, so no reduce is given out and nothing ends.

#include <algorithm>

#include "common/core/check.hpp"
#include "common/core/limits.hpp"
#include "master/scheduler/machine.hpp"

namespace fanfold::master::scheduling {

void Machine::on(const InputOffered& event) {
  Job* job = find_job(event.job);
  // It ended, or was closed, in the meantime: without a fact nobody is told that it was fed.
  if (job == nullptr || job->state != proto::JobState::kRunning) return;
  if (!job->map.grows || job->completion.decided) return;
  if (job->map.size() + event.split_bytes.size() > limits::kSplits) return;
  record(InputFed{event.job, event.split_bytes, event.unix_us, event.close});
  file(*job);
  if (!event.close) return;
  if (job->map.size() > 0 && job->map.given_up() == job->map.size()) {
    const TaskId first{job->id, Stage::kMap, 0};
    return end_intolerable(
        *job, "every map task failed for good, so there is nothing to go on with",
        {first, job->trouble_of(first).first_failure, proto::FailureKind::kNone, ""});
  }
  review_completion(*job);
  advance(*job);
}

void Machine::apply(const InputFed& fact) {
  Job* job = find_job(fact.job);
  FANFOLD_CHECK(job != nullptr && job->map.grows);
  if (!fact.split_bytes.empty()) {
    job->arrivals.emplace_back(job->map.size(),
                               instant_of(fact.unix_us, options_.unix_us_at_origin));
    job->map.append(fact.split_bytes);
  }
  if (fact.closed) job->map.grows = false;
}

Duration Machine::longest_wait(const Job& job, Instant now) {
  // Nobody is asked for fresh tasks of a stage that is done, and the first would be looked for each
  // time anew.
  if (job.map.count(TaskState::kReady) == 0) return Duration(0);
  // Not fed: all of it is there from the beginning.
  if (!job.map.lanes().empty() || !job.map.preferences().empty())
    return std::max(now - job.accepted, Duration(0));
  // Fresh tasks wait in their order, and those that wait again have been there before.
  std::optional<std::uint32_t> first = job.map.next_fresh();
  if (job.map.retries() > 0) {
    const std::uint32_t again = job.map.retry_at(0);
    first = first ? std::min(*first, again) : again;
  }
  if (!first) return Duration(0);
  const auto later = std::upper_bound(
      job.arrivals.begin(), job.arrivals.end(), *first,
      [](std::uint32_t index, const auto& arrival) { return index < arrival.first; });
  const Instant since = later == job.arrivals.begin() ? job.accepted : std::prev(later)->second;
  return std::max(now - since, Duration(0));
}

}  // namespace fanfold::master::scheduling
