// The simulated disk does what every file system must do.

#include <gtest/gtest.h>

#include "sim/doors/disk_view.hpp"
#include "sim/world/witness.hpp"
#include "tests/io/file_system_conformance.hpp"

namespace fanfold::sim {
namespace {

class Nobody final : public Witness {
 public:
  void facts_stored(std::span<const master::Fact> /*facts*/, std::uint64_t /*epoch*/) override {}
  void frame_sent(std::uint32_t /*from*/, std::uint32_t /*to*/,
                  std::string_view /*frame*/) override {}
  void frame_arrived(std::uint32_t /*from*/, std::uint32_t /*to*/,
                     std::string_view /*frame*/) override {}
  void master_started(std::uint64_t /*epoch*/) override {}
  void master_ended() override {}
  void master_refused(const std::string& /*why*/) override {}
  void worker_started(std::uint32_t /*process*/, std::uint32_t /*slots*/) override {}
  void worker_ended(std::uint32_t /*process*/) override {}
  void attempt_started(std::uint32_t /*process*/,
                       const proto::TaskAssignment& /*assignment*/) override {}
  void attempt_ended(std::uint32_t /*process*/, AttemptId /*attempt*/,
                     bool /*succeeded*/) override {}
  void output_written(AttemptId /*writer*/, std::uint32_t /*partition*/,
                      std::uint64_t /*content*/) override {}
  void output_read(AttemptId /*reader*/, const proto::MapOutput& /*output*/,
                   std::uint64_t /*content*/) override {}
  void path_changed(const std::string& /*path*/) override {}
  void status_shown(const proto::JobStatus& /*status*/) override {}
};

class SimulatedWorld final : public io::FileSystemWorld {
 public:
  SimulatedWorld() {
    world_.witness = &nobody_;
    disks_.add(root(), {true, disks_.new_inode(), nullptr}, 0);
  }
  io::FileSystem& files() override { return view_; }
  std::string root() override { return "/disk"; }

 private:
  Nobody nobody_;
  World world_{1, FaultRates{}, std::nullopt, nullptr};
  Disks disks_{world_};
  DiskView view_{world_, disks_, 0};
};

}  // namespace
}  // namespace fanfold::sim

namespace fanfold::io {

INSTANTIATE_TEST_SUITE_P(Simulated, FileSystemConformance,
                         testing::Values([] { return std::make_unique<sim::SimulatedWorld>(); }));

}  // namespace fanfold::io
