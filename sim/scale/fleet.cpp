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
      return end(what.worker, what.attempt, true);
    case Kind::kFetchFailed:
      return end(what.worker, what.attempt, false);
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
    event.attempts.push_back({attempt, 0, 0, running.runs});
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
    if (host.attempts.emplace(assign->attempt, Running{assign->task, {}, false, {}}).second) {
      start_waiting(worker);
    }
  } else if (const auto* cancel = std::get_if<master::CancelAttempt>(&action)) {
    const std::uint32_t worker = host_of_.at(cancel->worker.value);
    if (hosts_[worker].id == cancel->worker) let_go(worker, cancel->attempt);
  } else if (std::holds_alternative<master::PublishJob>(action)) {
    last_commit_ = now_;
    plan(kPublication, Kind::kPublish);
  }
}

Duration Fleet::time_of(const TaskId& task, AttemptId attempt) const {
  const Duration mean = task.stage == Stage::kMap ? options_.map_time : options_.reduce_time;
  const double sigma = options_.spread_per_cent / 100.0;
  const std::uint64_t stage = static_cast<std::uint64_t>(task.stage);
  const double u = fraction(draws_.bits(Stream::kWorkload, {stage, task.index, attempt.value, 1}));
  const double v = fraction(draws_.bits(Stream::kWorkload, {stage, task.index, attempt.value, 2}));
  const double normal = std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
  // Whose mean is one.
  const double factor = std::exp(sigma * normal - sigma * sigma / 2);
  return Duration(static_cast<std::int64_t>(static_cast<double>(mean.count()) * factor));
}

void Fleet::start_waiting(std::uint32_t worker) {
  Host& host = hosts_[worker];
  for (auto& [attempt, running] : host.attempts) {
    if (host.busy == options_.slots) return;
    if (running.runs) continue;
    running.runs = true;
    running.started = now_;
    ++host.busy;
    Duration time = time_of(running.task, attempt);
    if (running.task.stage == Stage::kReduce) time += options_.shuffle_time;
    plan(kMessage + time, Kind::kEnd, worker, attempt);
  }
}

void Fleet::let_go(std::uint32_t worker, AttemptId attempt) {
  Host& host = hosts_[worker];
  const auto known = host.attempts.find(attempt);
  if (known == host.attempts.end()) return;
  if (known->second.runs) --host.busy;
  host.attempts.erase(known);
  start_waiting(worker);
}

void Fleet::end(std::uint32_t worker, AttemptId attempt, bool readable) {
  Host& host = hosts_[worker];
  const auto known = host.attempts.find(attempt);
  if (known == host.attempts.end()) return;
  const Running running = std::move(known->second);
  // It never had what it would have reduced.
  if (readable && !running.cannot_read.empty()) return;
  const WorkerId id = host.id;
  let_go(worker, attempt);
  if (!readable) {
    ++result_.lost;
    feed(master::AttemptFailed{id, attempt, proto::FailureKind::kFetch, running.cannot_read});
    return;
  }
  if (running.task.stage == Stage::kMap) outputs_[running.task.index] = {attempt, worker};
  feed(master::CommitRequested{.worker = id, .attempt = attempt, .flow = {}});
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
    result_.lost += host.busy;
    host.attempts.clear();
    host.busy = 0;
    plan(options_.back_after, Kind::kReturn, order[i].second);
  }
  for (std::uint32_t worker = 0; worker < options_.workers; ++worker) {
    for (auto& [attempt, running] : hosts_[worker].attempts) {
      if (running.task.stage != Stage::kReduce || !running.runs) continue;
      const Duration shuffled = now_ - running.started;
      if (shuffled >= options_.shuffle_time) continue;
      const double done = static_cast<double>(shuffled.count()) /
                          static_cast<double>(options_.shuffle_time.count());
      for (std::uint32_t split = 0; split < options_.maps; ++split) {
        if (hosts_[outputs_[split].host].up) continue;
        const bool read = fraction(draws_.bits(Stream::kNetwork, {attempt.value, split})) <= done;
        if (!read) running.cannot_read.push_back(outputs_[split].attempt);
      }
      if (!running.cannot_read.empty()) {
        plan(options_.fetch_patience, Kind::kFetchFailed, worker, attempt);
      }
    }
  }
}

}  // namespace fanfold::sim
