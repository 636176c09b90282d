#include "sim/scale/fleet.hpp"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <variant>

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

constexpr JobId kJob{1};
constexpr Duration kMessage = 1ms;  // On its way.
constexpr Duration kPublication = 1s;
constexpr std::uint64_t kSplitBytes = 64u << 20;
/// Between looks at the heap, in events.
constexpr std::uint64_t kHeapEvery = 100'000;

std::uint64_t heap_bytes() {
  const struct mallinfo2 heap = ::mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// In (0, 1].
double fraction(std::uint64_t bits) { return (static_cast<double>(bits >> 11) + 1) * 0x1.0p-53; }

}  // namespace

Fleet::Fleet(const FleetOptions& options)
    : options_(options),
      draws_(options.seed),
      scheduler_({.worker_silence_max = options.silence_max, .epoch = 1}),
      hosts_(options.workers),
      outputs_(options.maps) {}

void Fleet::plan(Duration in, Kind kind, std::uint32_t worker, AttemptId attempt) {
  planned_.push({now_ + in, ++order_, kind, worker, attempt});
}

std::uint64_t Fleet::submit() {
  const std::uint64_t before = heap_bytes();
  master::JobSubmitted job;
  job.job = kJob;
  job.split_bytes.assign(options_.maps, kSplitBytes);
  job.partitions = options_.reduces;
  feed(std::move(job));
  // The fact that it was accepted is the store's now.
  output_ = {};
  return heap_bytes() - before;
}

FleetResult Fleet::run() {
  const std::uint64_t heap_before = heap_bytes();
  const Instant begun = now_;
  result_.bytes_pending = submit();
  const double cpu_before = cpu_seconds();
  for (std::uint32_t i = 0; i < options_.workers; ++i) join(i);
  result_.bytes_most = result_.bytes_pending;
  if (options_.kill > 0) plan(options_.kill_at, Kind::kKill);
  while (!end_) {
    const Planned next = planned_.top();
    planned_.pop();
    now_ = next.when;
    happen(next);
    if (result_.events % kHeapEvery == 0) {
      result_.bytes_most = std::max(result_.bytes_most, heap_bytes() - heap_before);
    }
  }
  result_.succeeded = end_->state == proto::JobState::kSucceeded;
  result_.took = last_commit_ - begun;
  result_.cpu_seconds = cpu_seconds() - cpu_before;
  return result_;
}

void Fleet::happen(const Planned& what) {
  switch (what.kind) {
    case Kind::kHeartbeat:
      return heartbeat(what.worker);
    case Kind::kEnd:
      return end(what.worker, what.attempt);
    case Kind::kRead:
      return end_reading(what.worker, what.attempt);
    case Kind::kMissed:
      return report_missing(what.worker, what.attempt);
    case Kind::kKill:
      return kill();
    case Kind::kReturn:
      return join(what.worker);
    case Kind::kPublish:
      return feed(master::JobPublished{kJob, true, ""});
    case Kind::kTick:
      tick_planned_.reset();
      return feed(master::Tick{});
  }
}

void Fleet::feed(const master::Event& event) {
  output_.facts.clear();
  output_.actions.clear();
  ++result_.events;
  scheduler_.step(now_, event, &output_);
  for (const master::Fact& fact : output_.facts) {
    if (const auto* ended = std::get_if<master::JobEnded>(&fact)) end_ = *ended;
  }
  // What obeying leads to is planned, never fed: the list stays as it is.
  for (const master::Action& action : output_.actions) obey(action);
  const std::optional<Instant> deadline = scheduler_.next_deadline();
  if (deadline && (!tick_planned_ || *deadline < *tick_planned_)) {
    tick_planned_ = std::max(*deadline, now_);
    plan(*tick_planned_ - now_, Kind::kTick);
  }
}

void Fleet::join(std::uint32_t worker) {
  Host& host = hosts_[worker];
  host = Host{};
  host.id = WorkerId{++workers_named_};
  host.up = true;
  host_of_[host.id.value] = worker;
  feed(master::WorkerJoined{
      .worker = host.id, .slots = options_.slots, .attempts = {}, .outputs = {}});
  // Not all in the same moment.
  const auto spread = static_cast<std::uint64_t>(options_.heartbeat.count());
  plan(Duration(static_cast<std::int64_t>(
           draws_.between(Stream::kScheduler, {host.id.value}, 0, spread))),
       Kind::kHeartbeat, worker, AttemptId{host.id.value});
}

void Fleet::heartbeat(std::uint32_t worker) {
  const Host& host = hosts_[worker];
  if (!host.up) return;
  master::HeartbeatReceived event{.worker = host.id, .attempts = {}};
  for (const auto& [attempt, running] : host.attempts) {
    event.attempts.push_back({attempt, 0, 0, running.phase == Phase::kRunning});
  }
  plan(options_.heartbeat, Kind::kHeartbeat, worker);
  feed(event);
}

void Fleet::obey(const master::Action& action) {
  if (const auto* assign = std::get_if<master::AssignAttempt>(&action)) {
    const std::uint32_t worker = host_of_.at(assign->worker.value);
    Host& host = hosts_[worker];
    ++result_.attempts;
    // A message to somebody who is dead.
    if (!host.up || host.id != assign->worker) return;
    Running running;
    running.task = assign->task;
    running.number = assign->attempt_number;
    if (!host.attempts.emplace(assign->attempt, std::move(running)).second) return;
    if (assign->task.stage == Stage::kReduce) {
      begin_reading(worker, assign->attempt);
    } else {
      start_waiting(worker);
    }
  } else if (const auto* told = std::get_if<master::TellOutputs>(&action)) {
    tell(*told);
  } else if (const auto* cancel = std::get_if<master::CancelAttempt>(&action)) {
    const std::uint32_t worker = host_of_.at(cancel->worker.value);
    if (hosts_[worker].id == cancel->worker) let_go(worker, cancel->attempt);
  } else if (std::holds_alternative<master::PublishJob>(action)) {
    last_commit_ = now_;
    plan(kPublication, Kind::kPublish);
  }
}

Duration Fleet::time_of(const TaskId& task, std::uint32_t number) const {
  const Duration mean = task.stage == Stage::kMap ? options_.map_time : options_.reduce_time;
  const double sigma = options_.spread_per_cent / 100.0;
  const std::uint64_t stage = static_cast<std::uint64_t>(task.stage);
  const double u = fraction(draws_.bits(Stream::kWorkload, {stage, task.index, number, 1}));
  const double v = fraction(draws_.bits(Stream::kWorkload, {stage, task.index, number, 2}));
  const double normal = std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  // Whose mean is one.
  const double factor = std::exp(sigma * normal - sigma * sigma / 2);
  return Duration(static_cast<std::int64_t>(static_cast<double>(mean.count()) * factor));
}

void Fleet::start_waiting(std::uint32_t worker) {
  Host& host = hosts_[worker];
  for (auto& [attempt, running] : host.attempts) {
    if (host.busy == options_.slots) return;
    if (running.phase != Phase::kWaiting) continue;
    running.phase = Phase::kRunning;
    ++host.busy;
    plan(kMessage + time_of(running.task, running.number), Kind::kEnd, worker, attempt);
  }
}

void Fleet::let_go(std::uint32_t worker, AttemptId attempt) {
  Host& host = hosts_[worker];
  const auto known = host.attempts.find(attempt);
  if (known == host.attempts.end()) return;
  if (known->second.phase == Phase::kRunning) --host.busy;
  host.attempts.erase(known);
  start_waiting(worker);
}

Fleet::Running* Fleet::find(std::uint32_t worker, AttemptId attempt) {
  const auto known = hosts_[worker].attempts.find(attempt);
  return known != hosts_[worker].attempts.end() ? &known->second : nullptr;
}

void Fleet::end(std::uint32_t worker, AttemptId attempt) {
  const Running* running = find(worker, attempt);
  if (running == nullptr) return;
  const TaskId task = running->task;
  const WorkerId id = hosts_[worker].id;
  let_go(worker, attempt);
  if (task.stage == Stage::kMap) outputs_[task.index] = {attempt, task.index, worker, id};
  feed(master::CommitRequested{.worker = id, .attempt = attempt, .flow = {}});
}

void Fleet::begin_reading(std::uint32_t worker, AttemptId attempt) {
  Running& running = *find(worker, attempt);
  running.phase = Phase::kReading;
  running.read_from = now_;
  running.read_until = now_ + options_.shuffle_time;
  find_missing(worker, attempt);
  plan(kMessage + options_.shuffle_time, Kind::kRead, worker, attempt);
}

void Fleet::find_missing(std::uint32_t worker, AttemptId attempt) {
  Running& running = *find(worker, attempt);
  if (running.phase != Phase::kReading || options_.shuffle_time <= Duration(0)) return;
  const double done = static_cast<double>((now_ - running.read_from).count()) /
                      static_cast<double>(options_.shuffle_time.count());
  for (const Made& made : outputs_) {
    const Host& holder = hosts_[made.host];
    if (holder.up && holder.id == made.worker) continue;
    const bool read = fraction(draws_.bits(Stream::kNetwork, {attempt.value, made.split})) <= done;
    if (!read) running.missing.push_back(made);
  }
  if (running.missing.empty()) return;
  ++result_.starved;
  const auto missing = static_cast<std::int64_t>(running.missing.size());
  running.missing_time = options_.shuffle_time * missing / std::max<std::int64_t>(options_.maps, 1);
  running.read_until = now_ + (running.read_until - now_ - running.missing_time);
  plan(options_.fetch_patience, Kind::kMissed, worker, attempt);
}

void Fleet::report_missing(std::uint32_t worker, AttemptId attempt) {
  const Running* running = find(worker, attempt);
  if (running == nullptr || running->missing.empty()) return;
  master::InputsWanted event{.worker = hosts_[worker].id, .attempt = attempt, .lost = {}};
  for (const Made& made : running->missing) event.lost.push_back(made.attempt);
  feed(event);
}

void Fleet::tell(const master::TellOutputs& told) {
  const std::uint32_t worker = host_of_.at(told.worker.value);
  if (hosts_[worker].id != told.worker) return;
  for (auto& [attempt, running] : hosts_[worker].attempts) {
    if (running.missing.empty()) continue;
    running.missing.clear();
    running.read_until = std::max(running.read_until, now_) + running.missing_time;
    plan(std::max(running.read_until - now_, Duration(0)) + kMessage, Kind::kRead, worker, attempt);
  }
}

void Fleet::end_reading(std::uint32_t worker, AttemptId attempt) {
  Running* running = find(worker, attempt);
  if (running == nullptr || running->phase != Phase::kReading) return;
  if (!running->missing.empty() || now_ < running->read_until) return;
  running->phase = Phase::kWaiting;
  start_waiting(worker);
}

void Fleet::kill() {
  // The first so many in an order that the seed gives.
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
  for (std::uint32_t i = 0; i < options_.workers; ++i) {
    order.emplace_back(draws_.bits(Stream::kFaults, {i}), i);
  }
  std::sort(order.begin(), order.end());
  for (std::uint32_t i = 0; i < options_.kill; ++i) {
    Host& host = hosts_[order[i].second];
    host.up = false;
    result_.lost += host.attempts.size();
    host.attempts.clear();
    host.busy = 0;
    plan(options_.back_after, Kind::kReturn, order[i].second);
  }
  for (std::uint32_t worker = 0; worker < options_.workers; ++worker) {
    for (const auto& [attempt, running] : hosts_[worker].attempts) {
      if (running.task.stage == Stage::kReduce) find_missing(worker, attempt);
    }
  }
}

}  // namespace fanfold::sim
