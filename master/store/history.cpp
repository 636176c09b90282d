#include "master/store/history.hpp"

#include <algorithm>
#include <limits>
#include <variant>

#include "common/core/limits.hpp"
#include "common/core/planted.hpp"
#include "master/store/fact_codec.hpp"

namespace fanfold::master {

void History::add(std::uint64_t sequence, const Fact& fact) {
  if (const auto* accepted = std::get_if<JobAccepted>(&fact)) {
    unfinished_.emplace(accepted->job.job, sequence);
  } else if (const auto* ended = std::get_if<JobEnded>(&fact)) {
    unfinished_.erase(ended->job);
    ended_.insert(ended->job);
  } else if (const auto* gone = std::get_if<WorkerGone>(&fact)) {
    gone_[gone->worker] = sequence;
  }
}

void History::close() {
  oldest_unfinished_ = std::numeric_limits<std::uint64_t>::max();
  for (const auto& [job, sequence] : unfinished_) {
    oldest_unfinished_ = std::min(oldest_unfinished_, sequence);
  }
  for (const JobId job : ended_) {
    if (ended_.size() - old_.size() <= limits::kJobsRemembered) break;
    old_.insert(job);
  }
}

bool History::needs(const Fact& fact) const {
  if (const auto* registered = std::get_if<WorkerRegistered>(&fact)) {
    const auto gone = gone_.find(registered->worker);
    return gone == gone_.end() || gone->second > oldest_unfinished_;
  }
  if (const auto* gone = std::get_if<WorkerGone>(&fact)) {
    return gone_.at(gone->worker) > oldest_unfinished_;
  }
  if (planted(Bug::kRunEndedJobsAgain)) return true;
  const JobId job = job_of(fact);
  return std::holds_alternative<JobEnded>(fact) ? !old_.contains(job) : !ended_.contains(job);
}

}  // namespace fanfold::master
