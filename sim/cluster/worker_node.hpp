// The production worker body as a simulated process, with its data server and fetcher.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/log/log.hpp"
#include "sim/cluster/config.hpp"
#include "sim/cluster/jobs.hpp"
#include "sim/doors/fetching.hpp"
#include "sim/doors/host_files.hpp"
#include "sim/doors/network.hpp"
#include "sim/doors/scripted_executors.hpp"
#include "worker/service/worker_body.hpp"
#include "worker/shuffle/segment_store.hpp"

namespace fanfold::sim {

class WorkerNode final : public Process {
 public:
  /// `ended`: it was let go, or could not go on.
  WorkerNode(World& world, Network& network, Disks& disks, const Config& config,
             const std::vector<JobPlan>& jobs, std::uint32_t index, std::uint32_t clock_rate,
             std::function<void(WorkerNode&)> ended);
  ~WorkerNode() override { stop(); }

  void begin();
  void stop();
  void drain();
  /// By some master, in this life.
  bool welcomed() const { return parts_ && parts_->body->welcomed(); }
  bool leaving() const { return leaving_ && up(); }
  const std::string& disk() const { return disk_; }
  std::size_t running() const { return parts_ ? parts_->executors.running() : 0; }

 protected:
  Duration run() override;

 private:
  /// What dies with the process.
  struct Parts {
    Parts(WorkerNode& node, const ExecutorOptions& options);
    worker::Scratch scratch;
    ScriptedExecutors executors;
    Fetching fetching;
    worker::SegmentStore segments;
    std::optional<ScriptedHostLister> lister;
    std::unique_ptr<net::BoundTransport> data;
    std::unique_ptr<worker::WorkerBody> body;
  };

  void serve();
  std::string scratch_path() const;

  Network& network_;
  DiskView files_;
  const Config config_;
  const std::vector<JobPlan>& jobs_;
  const std::string disk_;
  const std::function<void(WorkerNode&)> ended_;
  std::uint64_t life_ = 0;
  bool leaving_ = false;
  Log silent_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace fanfold::sim
