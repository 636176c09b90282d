// The production master service as a simulated process: its store and its disk outlive it.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "common/log/log.hpp"
#include "master/service/service.hpp"
#include "sim/cluster/config.hpp"
#include "sim/doors/disk_view.hpp"
#include "sim/doors/fact_log.hpp"
#include "sim/doors/network.hpp"

namespace fanfold::sim {

inline constexpr const char* kMasterAddress = "sim://master";
inline constexpr std::uint32_t kMasterProcess = 0;

/// What outlives a master, and what two of them share.
struct MasterPast {
  explicit MasterPast(World& world) : log(world) {}
  FactLog log;
  std::uint64_t side_work_started = 0;
};

class MasterNode final : public Process {
 public:
  /// `died` is called when it ends by itself or by a fault that strikes inside of it.
  MasterNode(World& world, Network& network, Disks& disks, const Config& config, MasterPast& past,
             std::uint32_t clock_rate, std::function<void(MasterNode&)> died);
  ~MasterNode() override { stop(); }

  void begin();
  /// At once and without a farewell.
  void stop();

  /// Of its scheduler; while it is up.
  std::size_t entries() const;
  std::vector<proto::WorkerStatus> workers() const;

 protected:
  Duration run() override;

 private:
  void end_later();

  Network& network_;
  DiskView files_;
  const Config config_;
  const std::function<void(MasterNode&)> died_;
  MasterPast& past_;
  bool ending_ = false;
  Log silent_;
  std::unique_ptr<master::Store> store_;
  std::unique_ptr<net::BoundTransport> transport_;
  std::unique_ptr<master::MasterService> service_;
};

}  // namespace fanfold::sim
