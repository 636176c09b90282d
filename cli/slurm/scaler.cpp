#include "cli/slurm/scaler.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;

/// From the start of a Slurm job to the welcome of its worker.
constexpr Duration kWelcomePatience = 120s;
/// From a submission to Slurm's first word about the job.
constexpr Duration kSightPatience = 300s;

std::uint64_t tasks_waiting(const proto::JobStatus& job) {
  std::uint64_t tasks = 0;
  for (const proto::StageStatus& stage : job.stages) {
    tasks += stage.tasks - std::min(stage.tasks, stage.done);
  }
  if (job.control.paused) return 0;
  // More slots than it may use would not help it.
  if (job.control.max_concurrency == 0) return tasks;
  return std::min<std::uint64_t>(tasks, job.control.max_concurrency);
}

}  // namespace

std::uint64_t tasks_waiting(const std::vector<proto::JobStatus>& jobs) {
  std::uint64_t tasks = 0;
  for (const proto::JobStatus& job : jobs) {
    if (!proto::is_final(job.state)) tasks += tasks_waiting(job);
  }
  return tasks;
}

Duration oldest_of(const std::vector<proto::JobStatus>& jobs) {
  Duration oldest(0);
  for (const proto::JobStatus& job : jobs) {
    if (proto::is_final(job.state)) continue;
    oldest = std::max<Duration>(oldest, std::chrono::milliseconds(job.elapsed_ms));
  }
  return oldest;
}

std::uint32_t Scaler::wanted(const Sight& sight) const {
  const std::uint64_t slots = limits_.slots;
  const std::uint64_t nodes = sight.tasks_waiting / slots + (sight.tasks_waiting % slots != 0);
  return static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(nodes, limits_.nodes_min, limits_.nodes_max));
}

void Scaler::submitted(Instant now, std::uint64_t job) { blind_.emplace(job, now); }

void Scaler::released(Instant now, const std::vector<std::uint64_t>& jobs) {
  for (const std::uint64_t job : jobs) {
    const auto seen = seen_.find(job);
    if (seen != seen_.end()) seen->second.released = now;
  }
}

void Scaler::note_queue(Instant now, const Sight& sight) {
  std::set<std::uint64_t> running;
  for (const NodeJob& job : sight.jobs) {
    blind_.erase(job.id);
    if (!job.runs) continue;
    running.insert(job.id);
    seen_.try_emplace(job.id, Seen{now, false, now, std::nullopt});
  }
  for (const std::uint64_t job : sight.ended) blind_.erase(job);
  std::erase_if(seen_, [&](const auto& one) { return running.count(one.first) == 0; });
}

void Scaler::note(Instant now, const Sight& sight) {
  note_queue(now, sight);
  if (std::exchange(master_, sight.master) != sight.master) {
    // It lists nobody at first.  They have as long to come as they had when they were new.
    for (auto& [job, seen] : seen_) {
      seen.since = now;
      seen.had_worker = false;
    }
  }
  for (const NodeWorker& worker : sight.workers) {
    const auto seen = seen_.find(worker.job);
    if (seen == seen_.end()) continue;
    if (!seen->second.had_worker || worker.busy > 0) seen->second.idle_since = now;
    seen->second.had_worker = true;
  }
}

bool Scaler::is_dead(Instant now, const Seen& seen, bool has_worker) const {
  // One that was to go may have been given a task just before: it finishes that.
  if (seen.released) return now - std::max(*seen.released, seen.idle_since) > kWelcomePatience;
  if (has_worker) return false;
  return seen.had_worker || now - seen.since > kWelcomePatience;
}

std::vector<std::uint64_t> Scaler::never_seen(Instant now) {
  std::vector<std::uint64_t> jobs;
  for (const auto& [job, since] : blind_) {
    if (now - since > kSightPatience) jobs.push_back(job);
  }
  for (const std::uint64_t job : jobs) blind_.erase(job);
  return jobs;
}

std::vector<std::uint64_t> Scaler::idle_longest(Instant now, const Sight& sight) const {
  const Duration patience = std::max(limits_.idle_max, sight.oldest_job);
  std::vector<std::pair<Instant, std::uint64_t>> idle;
  for (const NodeWorker& worker : sight.workers) {
    const auto seen = seen_.find(worker.job);
    if (seen == seen_.end() || seen->second.released) continue;
    if (worker.busy > 0 || worker.draining || now - seen->second.idle_since < patience) continue;
    idle.emplace_back(seen->second.idle_since, worker.job);
  }
  std::sort(idle.begin(), idle.end());
  std::vector<std::uint64_t> jobs;
  for (const auto& [since, job] : idle) jobs.push_back(job);
  return jobs;
}

ScaleOrders Scaler::look(Instant now, const Sight& sight) {
  note(now, sight);
  ScaleOrders orders;
  orders.forget = never_seen(now);
  std::set<std::uint64_t> with_worker;
  std::set<std::uint64_t> leaving;
  for (const NodeWorker& worker : sight.workers) {
    with_worker.insert(worker.job);
    if (worker.draining) leaving.insert(worker.job);
  }
  std::vector<std::uint64_t> waiting;
  // What Slurm took and does not show counts: it may be there all the same.
  auto nodes = static_cast<std::uint32_t>(blind_.size());
  for (const NodeJob& job : sight.jobs) {
    const auto seen = seen_.find(job.id);
    if (!job.runs) waiting.push_back(job.id);
    if (seen != seen_.end() && is_dead(now, seen->second, with_worker.count(job.id) > 0)) {
      orders.forget.push_back(job.id);
      continue;
    }
    const bool goes = leaving.count(job.id) > 0 || (seen != seen_.end() && seen->second.released);
    if (!goes) ++nodes;
  }
  const std::uint32_t goal = wanted(sight);
  if (nodes < goal) orders.add = goal - nodes;
  // The last that was asked for waits longest.
  std::sort(waiting.begin(), waiting.end());
  for (; nodes > goal && !waiting.empty(); --nodes, waiting.pop_back()) {
    orders.forget.push_back(waiting.back());
  }
  for (const std::uint64_t job : idle_longest(now, sight)) {
    if (nodes <= goal) break;
    orders.release.push_back(job);
    --nodes;
  }
  return orders;
}

}  // namespace fanfold::cli
