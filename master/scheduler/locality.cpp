// Tasks that had better run in certain places: where their input, or what they will read, is near.
// A worker is first given tasks that prefer it, then those that prefer nobody.  What prefers
// somebody who is busy waits, for a while that is the same for all of a stage and begins when it
// could first be given to anybody; then anybody may have it.
//
// Nobody waits for a worker that could not be given anything, nor with a task that has been given
// out before: who tries again has lost time already.

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/core/planted.hpp"
#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"

namespace fanfold::master::scheduling {
namespace {

/// A status names so many.
constexpr std::size_t kHostsTold = 5;

}  // namespace

void Machine::prefer_worker(Job& job, Stage stage, std::uint32_t index,
                            std::optional<WorkerId> worker) {
  StageTasks& tasks = job.stage(stage);
  tasks.prefer_worker(index, worker);
  if (worker) {
    tasks.preferences().note_worker(*worker, pool_.is_candidate(*worker));
    preferring_.insert(job.id);
  }
  file(job);
}

void Machine::note_shifts() {
  const std::vector<std::pair<WorkerId, std::string>> shifts = pool_.take_shifts();
  if (shifts.empty()) return;
  for (const JobId id : preferring_) {
    Job& job = jobs_.at(id);
    bool concerned = false;
    for (const auto& [worker, host] : shifts) {
      concerned |= job.reduce.preferences().note_worker(worker, pool_.is_candidate(worker));
      concerned |= job.map.preferences().note_host(host, pool_.anybody_on(host));
    }
    if (concerned) file(job);
  }
}

void Machine::note_preferred_hosts(Job& job) {
  Preferences& preferences = job.map.preferences();
  if (preferences.empty()) return;
  preferring_.insert(job.id);
  for (const auto& [host, lanes] : preferences.hosts()) {
    preferences.note_host(host, pool_.anybody_on(host));
  }
  // Of a restarted master.
  for (const auto& [task, trouble] : job.troubles) {
    if (task.first == Stage::kMap) preferences.note_tried(task.second);
  }
}

void Machine::begin_wait(Job& job, StageTasks& stage) {
  Preferences& preferences = stage.preferences();
  if (preferences.has_begun_wait() || preferences.ready() == 0) return;
  preferences.begin_wait(now_);
  if (planted(Bug::kPreferNobody)) preferences.end_wait(now_);
  file_wait(job);
  file(job);
}

/// Reduces wait for nobody.
void Machine::file_wait(const Job& job) {
  if (const std::optional<Instant> until = job.map.preferences().waits_until()) {
    waits_.set(job.id, *until);
  } else {
    waits_.clear(job.id);
  }
}

void Machine::end_wait(Job& job) {
  Preferences& preferences = job.map.preferences();
  if (preferences.empty() || preferences.is_over()) return;
  preferences.end_wait(now_);
  file_wait(job);
  file(job);
}

std::optional<Choice> Machine::choose_preferred(Job& job, bool may_queue) {
  const Preferences& preferences = job.open_stage().preferences();
  if (preferences.ready() == 0) return std::nullopt;
  if (pool_.has_free_slot()) {
    if (auto choice = choose_for_free_workers(job)) return choice;
    // It queues where it waits; what waits for nobody is given to whoever is free.
    may_queue = may_queue && preferences.is_waiting() && !job.is_exacting();
  }
  return may_queue ? choose_for_queue(job) : std::nullopt;
}

std::optional<Choice> Machine::choose_for_queue(Job& job) {
  StageTasks& stage = job.open_stage();
  Preferences& preferences = stage.preferences();
  const std::uint32_t per_slot = queued_per_slot(stage.durations.total(), stage.durations.count());
  Worker* worker = pool_.queue_worker(per_slot, [&](const Worker& one) {
    // Whoever is idle takes from a queue that stands still: what is taken must not come back.
    const std::optional<Instant> stalls = pool_.stalls().find(one.id);
    return (stalls && *stalls <= now_) || !preferences.wants(one.id, one.host_name);
  });
  if (worker == nullptr) return std::nullopt;
  const std::optional<std::uint32_t> index =
      preferences.take_for(worker->id, worker->host_name, kRetriesExamined, [&](std::uint32_t one) {
        // What failed before may fail slowly: it never waits in a queue.
        return job.find_trouble(stage.stage(), one) == nullptr;
      });
  if (!index) return std::nullopt;
  return Choice{{job.id, stage.stage(), *index}, worker, std::nullopt, nullptr, true};
}

std::optional<Choice> Machine::choose_for_free_workers(Job& job) {
  StageTasks& stage = job.open_stage();
  std::optional<std::uint32_t> index;
  std::size_t asked = 0;
  Worker* chosen = pool_.free_worker_if(kWorkersExamined, [&](Worker& worker) {
    ++asked;
    index = stage.preferences().take_for(
        worker.id, worker.host_name, kRetriesExamined, [&](std::uint32_t one) {
          const TaskId task{job.id, stage.stage(), one};
          if (is_delayed_replica(job, task)) return false;
          const std::vector<WorkerId> avoid = avoided_by(job, task);
          return std::find(avoid.begin(), avoid.end(), worker.id) == avoid.end();
        });
    return index.has_value();
  });
  if (chosen != nullptr) {
    return Choice{{job.id, stage.stage(), *index}, chosen, std::nullopt, nullptr, true};
  }
  if (asked < kWorkersExamined) return std::nullopt;
  return choose_from_lanes(job);
}

/// There may be more free workers than were looked at.  One call looks at so many hosts, and the
/// next goes on from there.
std::optional<Choice> Machine::choose_from_lanes(Job& job) {
  StageTasks& stage = job.open_stage();
  Preferences& preferences = stage.preferences();
  const std::set<std::uint32_t>& lanes = preferences.ready_lanes();
  auto next = lanes.upper_bound(preferences.lane_seen);
  std::size_t examined = 0;
  for (std::size_t left = lanes.size(); left > 0 && examined < kPreferredHostsExamined; --left) {
    if (next == lanes.end()) next = lanes.begin();
    preferences.lane_seen = *next++;
    const PreferenceLane& lane = preferences.lane(preferences.lane_seen);
    Worker* worker = nullptr;
    const auto accepts = [&](std::uint32_t one) {
      const TaskId task{job.id, stage.stage(), one};
      if (is_delayed_replica(job, task)) return false;
      examined += lane.present_hosts.size();
      worker = free_worker_of(lane, avoided_by(job, task));
      return worker != nullptr;
    };
    ++examined;
    const auto index = preferences.take(preferences.lane_seen, kRetriesExamined, accepts);
    if (index) return Choice{{job.id, stage.stage(), *index}, worker, std::nullopt, nullptr, true};
  }
  return std::nullopt;
}

Worker* Machine::free_worker_of(const PreferenceLane& lane, const std::vector<WorkerId>& avoid) {
  if (!lane.hosts.empty()) {
    for (const std::string& host : lane.present_hosts) {
      if (Worker* worker = pool_.free_worker_on(host, avoid)) return worker;
    }
    return nullptr;
  }
  Worker* worker = pool_.find(lane.worker);
  const bool free = worker != nullptr && WorkerPool::has_free_slot(*worker);
  return free && std::find(avoid.begin(), avoid.end(), lane.worker) == avoid.end() ? worker
                                                                                   : nullptr;
}

std::vector<WorkerId> Machine::avoided_by(Job& job, const TaskId& task) const {
  std::vector<WorkerId> avoid = taken_by_replicas(job, task);
  if (const Trouble* trouble = job.find_trouble(task.stage, task.index)) {
    avoid.insert(avoid.end(), trouble->avoid.begin(), trouble->avoid.end());
  }
  return avoid;
}

std::optional<Choice> Machine::choose_unbound(
    StageTasks& stage, JobId job, Preferences::Take take,
    const std::function<Worker*(std::uint32_t)>& somebody_for) {
  if (stage.preferences().ready() == 0) return std::nullopt;
  if (planted(Bug::kWaitForEver) && take == &Preferences::take_late) return std::nullopt;
  Worker* worker = nullptr;
  const auto accepts = [&](std::uint32_t index) {
    worker = somebody_for(index);
    return worker != nullptr;
  };
  const auto index = (stage.preferences().*take)(kRetriesExamined, accepts);
  if (!index) return std::nullopt;
  return Choice{{job, stage.stage(), *index}, worker, std::nullopt, nullptr, true};
}

void Machine::describe_locality(const Job& job, proto::JobStatus* status) const {
  const Preferences& preferences = job.map.preferences();
  if (preferences.size() == 0) return;
  const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(preferences.wait());
  status->locality = {preferences.size(), job.map.done_there(), job.map.done_elsewhere(),
                      static_cast<std::uint64_t>(wait.count())};
  if (job.state != proto::JobState::kRunning || preferences.ready() == 0) return;
  std::set<std::string> told;
  for (const std::uint32_t index : preferences.absent_lanes()) {
    for (const std::string& host : preferences.lane(index).hosts) {
      if (told.size() == kHostsTold || !told.insert(host).second) continue;
      status->notes.push_back("no worker on host " + host +
                              " can be given tasks that prefer it, so that others get them");
    }
    if (told.size() == kHostsTold) return;
  }
}

}  // namespace fanfold::master::scheduling
