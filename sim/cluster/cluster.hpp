// A whole simulated cluster and the course of one run: jobs under faults, then healing, then rest.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/cluster/client_node.hpp"
#include "sim/cluster/config.hpp"
#include "sim/cluster/master_node.hpp"
#include "sim/cluster/worker_node.hpp"
#include "sim/world/witness.hpp"

namespace fanfold::sim {

class Cluster {
 public:
  /// `world` and its witness outlive the cluster.
  Cluster(World& world, const Config& config);

  /// Calls `step_done` after every event, until it says false or the run is over.
  enum class Ending : std::uint8_t { kRested, kStoppedByCheck, kOutOfTime };
  Ending run(const std::function<bool()>& step_done);

  const Config& config() const { return config_; }
  const std::vector<JobPlan>& jobs() const { return jobs_; }
  Disks& disks() { return disks_; }
  Network& network() { return network_; }
  const FactLog& log() const { return past_.log; }
  const std::vector<std::unique_ptr<WorkerNode>>& workers() const { return workers_; }
  /// The newest one is up and takes its turns.
  bool master_acts() const { return masters_.back()->up() && !masters_.back()->paused(); }
  /// Null: it is not up, or there is or was another one.
  const MasterNode* only_master() const {
    return masters_.size() == 1 && masters_.back()->up() ? masters_.back().get() : nullptr;
  }
  const std::vector<std::unique_ptr<ClientNode>>& clients() const { return clients_; }
  /// When faults ended; nothing but the jobs' own failures stands in their way after it.
  std::optional<Instant> healed_at() const { return healed_at_; }

 private:
  void tick();
  void add_master();
  std::vector<std::unique_ptr<ClientNode>> clients_of(const std::vector<JobPlan>& jobs);
  /// A master of another state begins, where workers know of one that is gone.
  void lose_state(Witness* onlooker);
  void strike_master(std::uint64_t tick);
  void strike_worker(WorkerNode& worker, std::uint64_t tick);
  void strike_links(std::uint32_t a, std::uint32_t b, std::uint64_t tick);
  void restart_later(const Fault& fault, Process& process, std::function<void()> begin);
  void heal();
  bool all_finished() const;
  std::uint32_t clock_rate(std::uint32_t process) const;
  Duration time_to_finish() const;

  World& world_;
  const Config config_;
  Disks disks_;
  Network network_;
  const std::vector<JobPlan> jobs_;
  const std::vector<JobPlan> earlier_jobs_;
  NoWitness nobody_;  // Of what was before.
  MasterPast past_;
  std::vector<std::unique_ptr<MasterNode>> masters_;  // The last one is it.
  std::vector<std::unique_ptr<WorkerNode>> workers_;
  std::vector<std::unique_ptr<ClientNode>> clients_;
  std::vector<std::unique_ptr<ClientNode>> earlier_clients_;
  std::uint64_t ticks_ = 0;
  std::uint64_t falls_ = 0;  // Of processes, by themselves.
  std::optional<Instant> healed_at_;
  std::optional<Instant> finished_at_;
  bool asked_ = false;  // How the master sees the cluster at rest.
};

}  // namespace fanfold::sim
