#include "sim/cluster/cluster.hpp"

#include <algorithm>

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLastQuestion = 2s;
constexpr std::uint32_t kFirstClient = 1000;

}  // namespace

std::uint32_t Cluster::clock_rate(std::uint32_t process) const {
  const std::uint64_t most = config_.drift * 10;
  return static_cast<std::uint32_t>(
      1000 - most + world_.draws.between(Stream::kScheduler, {process, 9}, 0, 2 * most));
}

Cluster::Cluster(World& world, const Config& config)
    : world_(world),
      config_(config),
      disks_(world),
      network_(world, {std::chrono::microseconds(config.delay_us_min),
                       std::chrono::microseconds(config.delay_us_max)}),
      jobs_(plan_jobs(config, world.draws, world.faults)),
      earlier_jobs_(as_of_earlier(jobs_)),
      past_(world) {
  write_inputs(disks_, jobs_);
  add_master();
  for (std::uint32_t i = 1; i <= config_.workers; ++i) {
    disks_.add("/w" + std::to_string(i), {true, disks_.new_inode(), nullptr}, i);
    workers_.push_back(std::make_unique<WorkerNode>(
        world_, network_, disks_, config_, jobs_, i, clock_rate(i), [this, i](WorkerNode& worker) {
          restart_later({FaultKind::kCrash, i, 1, ++falls_}, worker, [&worker] { worker.begin(); });
        }));
  }
  clients_ = clients_of(jobs_);
}

std::vector<std::unique_ptr<ClientNode>> Cluster::clients_of(const std::vector<JobPlan>& jobs) {
  std::vector<std::unique_ptr<ClientNode>> clients;
  std::uint32_t index = kFirstClient;
  for (const JobPlan& job : jobs) {
    clients.push_back(
        std::make_unique<ClientNode>(world_, network_, index, clock_rate(index), job));
    ++index;
  }
  return clients;
}

void Cluster::lose_state(Witness* onlooker) {
  world_.trace.say(world_.now(), "the state is lost");
  for (const auto& master : masters_) master->stop();
  for (const auto& client : earlier_clients_) client->stop();
  past_.log.replace();
  world_.witness = onlooker;
  // Who was never welcomed knows of nothing, and is at home here: it is looked at from now on.
  for (const auto& worker : workers_) {
    if (!worker->up() || worker->welcomed()) continue;
    worker->stop();
    worker->begin();
  }
  masters_.back()->begin();
  for (const auto& client : clients_) client->begin();
}

void Cluster::add_master() {
  masters_.push_back(
      std::make_unique<MasterNode>(world_, network_, disks_, config_, past_,
                                   clock_rate(kMasterProcess), [this](MasterNode& dead) {
                                     // One whose place another has taken is not started again.
                                     if (&dead != masters_.back().get()) return;
                                     restart_later({FaultKind::kCrash, kMasterProcess, 1, ++falls_},
                                                   dead, [&dead] { dead.begin(); });
                                   }));
}

bool Cluster::all_finished() const {
  return std::all_of(clients_.begin(), clients_.end(),
                     [](const auto& client) { return client->finished(); });
}

Duration Cluster::time_to_finish() const {
  // Serial work over the slots of one healthy worker, four times, each attempt of each task with
  // its time-out, and time to notice what was lost (reliability: L1).
  const std::uint64_t tasks = config_.jobs * (config_.splits + config_.partitions + 1);
  const std::uint64_t slowest = config_.task_ms_max * 51;
  // A job may be limited to one attempt at a time, wherever that is,
  // and its input may all lie where one worker is.
  std::uint64_t slots = config_.slots * config_.workers;
  if (config_.hosts != 0) slots = config_.slots;
  if (config_.control != 0) slots = 1;
  const std::uint64_t work = 4 * (tasks * slowest / slots + slowest);
  const std::uint64_t failures = config_.attempts * (config_.stall_ms + 5000);
  return std::chrono::milliseconds(work + failures + 6 * config_.silence_ms + 120'000);
}

Cluster::Ending Cluster::run(const std::function<bool()>& step_done) {
  const Duration earlier = std::chrono::milliseconds(config_.earlier_ms);
  const bool anew = earlier > Duration(0);
  Witness* const onlooker = world_.witness;
  if (anew) world_.witness = &nobody_;
  masters_.back()->begin();
  for (const auto& worker : workers_) worker->begin();
  if (anew) earlier_clients_ = clients_of(earlier_jobs_);
  for (const auto& client : anew ? earlier_clients_ : clients_) client->begin();
  if (anew) world_.timeline.after(earlier, [this, onlooker] { lose_state(onlooker); });
  world_.timeline.after(std::chrono::milliseconds(config_.tick_ms), [this] { tick(); });
  const Duration rest = std::chrono::milliseconds(config_.rest_ms);
  const Instant chaos_end = world_.now() + earlier + std::chrono::milliseconds(config_.chaos_ms);
  while (true) {
    world_.timeline.step();
    if (!step_done()) return Ending::kStoppedByCheck;
    if (!healed_at_ && (world_.now() >= chaos_end || all_finished())) heal();
    if (!finished_at_ && healed_at_ && all_finished()) finished_at_ = world_.now();
    if (finished_at_ && !asked_ && world_.now() >= *finished_at_ + (rest - kLastQuestion)) {
      asked_ = true;
      clients_.front()->ask_for_workers();
    }
    if (finished_at_ && world_.now() >= *finished_at_ + rest) return Ending::kRested;
    if (!finished_at_ && healed_at_ && world_.now() >= *healed_at_ + time_to_finish()) {
      return Ending::kOutOfTime;
    }
  }
}

void Cluster::heal() {
  world_.trace.say(world_.now(), "healed");
  world_.faults.heal();
  healed_at_ = world_.now();
}

void Cluster::tick() {
  if (world_.faults.healed()) return;
  world_.timeline.after(std::chrono::milliseconds(config_.tick_ms), [this] { tick(); });
  const std::uint64_t tick = ++ticks_;
  strike_master(tick);
  for (const auto& worker : workers_) {
    strike_worker(*worker, tick);
    strike_links(worker->index(), kMasterProcess, tick);
    // Each worker and its neighbour: the data plane.
    const std::uint32_t next = worker->index() % static_cast<std::uint32_t>(workers_.size()) + 1;
    if (next != worker->index()) strike_links(worker->index(), next, tick);
  }
  for (const auto& client : clients_) {
    if (!client->up()) continue;
    strike_links(client->index(), kMasterProcess, tick);
    if (world_.faults.happens({FaultKind::kCancel, client->index(), 0, tick})) client->cancel();
  }
}

void Cluster::strike_links(std::uint32_t a, std::uint32_t b, std::uint64_t tick) {
  Faults& faults = world_.faults;
  if (faults.happens({FaultKind::kReset, a, b, tick})) network_.reset(a, b);
  const Fault partition{FaultKind::kPartition, a, b, tick};
  if (faults.happens(partition)) {
    const Duration time = faults.measure(partition, 0, 10ms, 15s);
    network_.block(a, b, time);
    network_.block(b, a, time);
  }
  for (const auto& [from, to] : {std::pair(a, b), std::pair(b, a)}) {
    const Fault one_way{FaultKind::kOneWay, from, to, tick};
    if (faults.happens(one_way)) network_.block(from, to, faults.measure(one_way, 0, 10ms, 15s));
  }
  const Fault clog{FaultKind::kClog, a, b, tick};
  if (faults.happens(clog)) {
    network_.clog(a, b, faults.measure(clog, 0, 50ms, 5s), faults.measure(clog, 1, 100ms, 10s));
  }
}

void Cluster::restart_later(const Fault& fault, Process& process, std::function<void()> begin) {
  const Duration away = world_.faults.measure(fault, 5, 1ms, 10s);
  world_.timeline.after(away, [&process, begin = std::move(begin)] {
    if (!process.up()) begin();
  });
}

void Cluster::strike_master(std::uint64_t tick) {
  Faults& faults = world_.faults;
  MasterNode& master = *masters_.back();
  if (!master.up()) return;
  const Fault pause{FaultKind::kPause, kMasterProcess, 0, tick};
  if (faults.happens(pause)) master.pause(faults.measure(pause, 0, 1ms, 20s));
  const Fault full{FaultKind::kDiskFull, kMasterProcess, 0, tick};
  if (faults.happens(full)) disks_.fill("/shared", faults.measure(full, 0, 100ms, 10s));
  const Fault takeover{FaultKind::kTakeover, kMasterProcess, 0, tick};
  if (faults.happens(takeover)) {
    master.pause(faults.measure(takeover, 0, 100ms, 20s));
    add_master();
    masters_.back()->begin();
    return;
  }
  for (const FaultKind kind : {FaultKind::kCrash, FaultKind::kPowerLoss, FaultKind::kFactRot}) {
    const Fault crash{kind, kMasterProcess, 0, tick};
    if (!faults.happens(crash)) continue;
    master.stop();
    if (kind == FaultKind::kPowerLoss) disks_.lose_power(kMasterProcess, crash);
    if (kind == FaultKind::kFactRot) past_.log.rot(crash);
    restart_later(crash, master, [&master] { master.begin(); });
    return;
  }
}

void Cluster::strike_worker(WorkerNode& worker, std::uint64_t tick) {
  Faults& faults = world_.faults;
  const std::uint32_t index = worker.index();
  if (!worker.up()) return;
  const Fault pause{FaultKind::kPause, index, 0, tick};
  if (faults.happens(pause)) worker.pause(faults.measure(pause, 0, 1ms, 20s));
  const Fault full{FaultKind::kDiskFull, index, 0, tick};
  if (faults.happens(full)) disks_.fill(worker.disk(), faults.measure(full, 0, 100ms, 10s));
  const Fault lost{FaultKind::kOutputLost, index, 0, tick};
  if (faults.happens(lost)) disks_.lose_map_output(worker.disk(), lost);
  const Fault rotten{FaultKind::kOutputRotten, index, 0, tick};
  if (faults.happens(rotten)) disks_.rot_map_output(worker.disk(), rotten);
  if (faults.happens({FaultKind::kDrain, index, 0, tick})) worker.drain();
  for (const FaultKind kind : {FaultKind::kCrash, FaultKind::kPowerLoss, FaultKind::kDiskLoss}) {
    const Fault crash{kind, index, 0, tick};
    if (!faults.happens(crash)) continue;
    worker.stop();
    if (kind == FaultKind::kPowerLoss) disks_.lose_power(index, crash);
    if (kind == FaultKind::kDiskLoss) {
      disks_.wipe(worker.disk());
      disks_.add(worker.disk(), {true, disks_.new_inode(), nullptr}, index);
    }
    restart_later(crash, worker, [&worker] { worker.begin(); });
    return;
  }
}

}  // namespace fanfold::sim
