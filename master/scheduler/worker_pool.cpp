#include "master/scheduler/worker_pool.hpp"

#include <algorithm>
#include <array>

#include "common/core/check.hpp"
#include "master/scheduler/policy.hpp"

namespace fanfold::master::scheduling {
namespace {

using Row = std::array<bool, kWorkerStates>;
constexpr std::array<Row, kWorkerStates> kLegalMoves = {{
    // to: expected, active, draining, gone
    {{false, true, false, true}},    // expected
    {{false, false, true, true}},    // active
    {{false, false, false, true}},   // draining
    {{false, false, false, false}},  // gone
}};

/// Behind everybody: busy, and on probation.
constexpr std::uint64_t kLastRank = ~std::uint64_t{0};

bool is_in(const std::vector<WorkerId>& workers, WorkerId worker) {
  return std::find(workers.begin(), workers.end(), worker) != workers.end();
}

}  // namespace

bool is_legal(WorkerState from, WorkerState to) {
  return kLegalMoves[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

const char* name_of(WorkerState state) {
  switch (state) {
    case WorkerState::kExpected:
      return "expected";
    case WorkerState::kActive:
      return "active";
    case WorkerState::kDraining:
      return "draining";
    case WorkerState::kGone:
      return "gone";
  }
  return "unknown";
}

Worker* WorkerPool::find(WorkerId worker) {
  const auto it = workers_.find(worker);
  return it != workers_.end() ? &it->second : nullptr;
}

void WorkerPool::move(Worker& worker, WorkerState to) {
  FANFOLD_CHECK(is_legal(worker.state, to));
  worker.state = to;
  if (to != WorkerState::kExpected) expected_.erase(worker.id);
  if (to == WorkerState::kActive) {
    active_.insert(worker.id);
    count_active(worker, true);
  } else if (active_.erase(worker.id) > 0) {
    count_active(worker, false);
    excluded_.erase(worker.id);
    reviews_.clear(worker.id);
    worker.standing = proto::WorkerStanding::kGood;
    end_surplus_exclusions();
  }
  file(worker);
}

Worker& WorkerPool::expect(WorkerId id, std::uint32_t slots) {
  const auto [it, inserted] = workers_.try_emplace(id);
  Worker& worker = it->second;
  if (inserted) {
    worker.id = id;
    expected_.insert(id);
  }
  worker.slots = slots;
  return worker;
}

Worker& WorkerPool::join(Instant now, WorkerId id, std::uint32_t slots) {
  Worker& worker = expect(id, slots);
  if (worker.state == WorkerState::kExpected) move(worker, WorkerState::kActive);
  file(worker);
  hear(now, worker);
  return worker;
}

void WorkerPool::settle(Worker& worker, const std::string& place, const std::string& host_name) {
  if (worker.neighbours == nullptr && !host_name.empty()) {
    worker.host_name = host_name;
    worker.neighbours = &hosts_[host_name];
    ++worker.neighbours->workers;
    if (worker.rank) worker.neighbours->candidates.emplace(*worker.rank, worker.id);
    shifts_.emplace_back(worker.id, host_name);
  }
  if (worker.place == place) return;
  FANFOLD_CHECK(worker.place.empty());
  worker.place = place;
  file_at_place(worker, worker.rank);
  if (worker.state == WorkerState::kActive) count_active(worker, true);
}

void WorkerPool::count_active(const Worker& worker, bool active) {
  if (worker.place.empty()) return;
  if (active) {
    ++active_at_[worker.place];
  } else if (--active_at_[worker.place] == 0) {
    active_at_.erase(worker.place);
  }
}

void WorkerPool::drain(Worker& worker) {
  if (worker.state == WorkerState::kActive) move(worker, WorkerState::kDraining);
}

void WorkerPool::mark_gone(Worker& worker) {
  worker.slots = 0;
  move(worker, WorkerState::kGone);
}

void WorkerPool::erase(WorkerId id) {
  const auto it = workers_.find(id);
  FANFOLD_CHECK(it != workers_.end() && it->second.state == WorkerState::kGone);
  FANFOLD_CHECK(it->second.running.empty() && it->second.queued.empty() && it->second.lent.empty());
  FANFOLD_CHECK(it->second.voted.empty());
  silences_.clear(id);
  rests_.clear(id);
  reviews_.clear(id);
  stalls_.clear(id);
  HostWorkers* neighbours = it->second.neighbours;
  if (neighbours != nullptr && --neighbours->workers == 0) hosts_.erase(it->second.host_name);
  workers_.erase(it);
}

void WorkerPool::hear(Instant now, Worker& worker) {
  worker.heard = now;
  worker.excused = false;
  silences_.set(worker.id, now + silence_max_);
}

void WorkerPool::await_all(Instant now) {
  for (auto& [id, worker] : workers_) hear(now, worker);
}

void WorkerPool::forgive_silence(Instant now, Duration slept, Duration grace) {
  for (auto& [id, worker] : workers_) {
    // What was silent before stays so: a master that is paused again and again must find its dead.
    Duration left =
        std::clamp(worker.heard + silence_max_ + slept - now, Duration(0), silence_max_);
    if (!std::exchange(worker.excused, true)) left = std::max(left, grace);
    worker.heard = now + (left - silence_max_);
    silences_.set(id, worker.heard + silence_max_);
  }
}

bool WorkerPool::add(Instant now, Worker& worker, AttemptId attempt) {
  const bool runs = worker.running.size() < worker.slots;
  (runs ? worker.running : worker.queued).insert(attempt);
  // A queue that forms starts to wait now; one that grows has not moved for that.
  if (!runs && worker.queued.size() == 1) watch_queue(now, worker);
  file(worker);
  return runs;
}

std::optional<AttemptId> WorkerPool::remove(Instant now, Worker& worker, AttemptId attempt) {
  std::optional<AttemptId> promoted;
  const bool ran = worker.running.erase(attempt) > 0;
  const bool waited =
      worker.queued.erase(attempt) + worker.lent.erase(attempt) + worker.voted.erase(attempt) > 0;
  FANFOLD_CHECK(ran || waited);
  std::set<AttemptId>& waiting = worker.lent.empty() ? worker.queued : worker.lent;
  if (ran && !waiting.empty() && worker.running.size() < worker.slots) {
    promoted = *waiting.begin();
    waiting.erase(waiting.begin());
    worker.running.insert(*promoted);
  }
  if (ran || worker.queued.empty()) watch_queue(now, worker);
  file(worker);
  return promoted;
}

std::optional<AttemptId> WorkerPool::set_aside(Instant now, Worker& worker, AttemptId attempt) {
  const std::optional<AttemptId> promoted = remove(now, worker, attempt);
  worker.voted.insert(attempt);
  return promoted;
}

void WorkerPool::lend(Instant now, Worker& worker, AttemptId attempt) {
  const bool ran = worker.running.erase(attempt) > 0;
  FANFOLD_CHECK(ran);
  worker.lent.insert(attempt);
  watch_queue(now, worker);
  file(worker);
}

bool WorkerPool::promote(Instant now, Worker& worker, AttemptId attempt) {
  FANFOLD_CHECK(worker.queued.count(attempt) > 0 || worker.lent.count(attempt) > 0 ||
                worker.voted.count(attempt) > 0);
  if (worker.running.size() >= worker.slots) return false;
  worker.queued.erase(attempt);
  worker.lent.erase(attempt);
  worker.voted.erase(attempt);
  worker.running.insert(attempt);
  watch_queue(now, worker);
  file(worker);
  return true;
}

void WorkerPool::watch_queue(Instant now, const Worker& worker) {
  if (worker.queued.empty()) {
    stalls_.clear(worker.id);
  } else {
    stalls_.set(worker.id, now + kQueueStall);
  }
}

void WorkerPool::add_output(WorkerId holder, JobId job, std::uint32_t split) {
  const auto it = workers_.find(holder);
  FANFOLD_CHECK(it != workers_.end());
  it->second.outputs[job].push_back(split);
}

bool WorkerPool::expects_holder(JobId job) const {
  return std::any_of(expected_.begin(), expected_.end(),
                     [&](WorkerId id) { return workers_.at(id).outputs.count(job) > 0; });
}

std::uint32_t WorkerPool::slots_expected() const {
  std::uint32_t slots = 0;
  for (const WorkerId id : expected_) slots += workers_.at(id).slots;
  return slots;
}

bool WorkerPool::all_know_shares() const {
  return std::all_of(workers_.begin(), workers_.end(),
                     [](const auto& entry) { return entry.second.knows_shares; });
}

void WorkerPool::forget_outputs(JobId job) {
  for (auto& [id, worker] : workers_) worker.outputs.erase(job);
}

void WorkerPool::rest(Instant now, Worker& worker) {
  // Failures of attempts that ran side by side are one fault.
  if (worker.resting) return;
  ++worker.faults;
  worker.resting = true;
  rests_.set(worker.id, now + retry_delay(worker.faults));
  file(worker);
}

void WorkerPool::wake(Worker& worker) {
  worker.resting = false;
  rests_.clear(worker.id);
  file(worker);
}

void WorkerPool::count_slots(Worker& worker) {
  slots_ -= worker.slots_counted;
  worker.slots_counted = worker.state == WorkerState::kActive ? worker.slots : 0;
  slots_ += worker.slots_counted;
}

void WorkerPool::file(Worker& worker) {
  count_slots(worker);
  std::optional<std::uint64_t> rank;
  if (may_start(worker) && worker.slots > 0) {
    const std::uint64_t running = worker.running.size();
    const bool probation = worker.standing == proto::WorkerStanding::kProbation;
    if (probation) {
      rank = running == 0 ? kQueueRank - 1 : kLastRank;
    } else {
      rank = running < worker.slots ? kQueueRank - 1 - (worker.slots - running)
                                    : kQueueRank + worker.queued.size() * 1024 / worker.slots;
    }
  }
  if (rank == worker.rank) return;
  if (worker.rank) candidates_.erase({*worker.rank, worker.id});
  if (rank) candidates_.emplace(*rank, worker.id);
  file_at_place(worker, rank);
  file_on_host(worker, rank);
  worker.rank = rank;
}

/// Worker::rank is what it was filed as before; for the next one, too.
void WorkerPool::file_on_host(Worker& worker, std::optional<std::uint64_t> rank) {
  if (rank.has_value() != worker.rank.has_value()) {
    shifts_.emplace_back(worker.id, worker.host_name);
  }
  if (worker.neighbours == nullptr) return;
  Candidates& there = worker.neighbours->candidates;
  if (worker.rank) there.erase({*worker.rank, worker.id});
  if (rank) there.emplace(*rank, worker.id);
}

void WorkerPool::file_at_place(const Worker& worker, std::optional<std::uint64_t> rank) {
  if (worker.place.empty()) return;
  Candidates& there = candidates_at_[worker.place];
  if (worker.rank) there.erase({*worker.rank, worker.id});
  if (rank) there.emplace(*rank, worker.id);
  const bool free = !there.empty() && there.begin()->first < kQueueRank;
  if (free) {
    free_places_.insert(worker.place);
  } else {
    free_places_.erase(worker.place);
  }
  if (there.empty()) candidates_at_.erase(worker.place);
}

bool WorkerPool::has_free_slot() const {
  return !candidates_.empty() && candidates_.begin()->first < kQueueRank;
}

Worker* WorkerPool::free_worker(const std::vector<WorkerId>& avoid,
                                const std::vector<std::string>& hosts) {
  std::size_t examined = 0;
  const std::size_t most = hosts.empty() ? kWorkersExamined : kWorkersOfHostsExamined;
  for (const auto& [rank, id] : candidates_) {
    if (rank >= kQueueRank || ++examined > most) break;
    if (is_in(avoid, id)) continue;
    Worker* worker = find(id);
    if (std::find(hosts.begin(), hosts.end(), worker->host) == hosts.end()) return worker;
  }
  return nullptr;
}

Worker* WorkerPool::free_worker_if(std::size_t examined_max,
                                   const std::function<bool(Worker&)>& accepts) {
  std::size_t examined = 0;
  for (const auto& [rank, id] : candidates_) {
    if (rank >= kQueueRank || ++examined > examined_max) break;
    Worker* worker = find(id);
    if (accepts(*worker)) return worker;
  }
  return nullptr;
}

bool WorkerPool::has_free_slot(const Worker& worker) {
  return worker.rank && *worker.rank < kQueueRank;
}

bool WorkerPool::is_candidate(WorkerId worker) const {
  const auto known = workers_.find(worker);
  return known != workers_.end() && known->second.rank.has_value();
}

Worker* WorkerPool::queue_worker(std::uint32_t per_slot,
                                 const std::function<bool(const Worker&)>& passed_over) {
  std::size_t examined = 0;
  for (auto next = candidates_.lower_bound({kQueueRank, WorkerId{}});
       next != candidates_.end() && ++examined <= kWorkersExamined; ++next) {
    Worker* worker = find(next->second);
    // Those behind it have longer queues.
    if (worker->queued.size() >= std::size_t{worker->slots} * per_slot) break;
    if (!passed_over(*worker)) return worker;
  }
  return nullptr;
}

bool WorkerPool::anybody_but(const std::vector<WorkerId>& avoid) const {
  std::size_t others = candidates_.size();
  for (const WorkerId worker : avoid) {
    const auto it = workers_.find(worker);
    if (it != workers_.end() && it->second.rank) --others;
  }
  return others > 0;
}

}  // namespace fanfold::master::scheduling
