#include "sim/cluster/master_node.hpp"

#include <string>
#include <utility>

#include "sim/doors/side_work.hpp"
#include "sim/doors/transports.hpp"
#include "sim/world/witness.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kIdle = 60s;
/// A turn that leads to another one at once, again and again, would stop simulated time.
constexpr int kTurnsMax = 64;

}  // namespace

MasterNode::MasterNode(World& world, Network& network, Disks& disks, const Config& config,
                       MasterPast& past, std::uint32_t clock_rate,
                       std::function<void(MasterNode&)> died)
    : Process(world, kMasterProcess, "master", clock_rate),
      network_(network),
      files_(world, disks, kMasterProcess),
      config_(config),
      died_(std::move(died)),
      past_(past) {}

void MasterNode::begin() {
  files_.die_after(std::nullopt);
  ending_ = false;
  Process::start();
  const auto die = [this](const Fault&) { end_later(); };
  auto opened = past_.log.open(*this, die);
  if (!opened.ok()) {
    world().trace.say(world().now(), "master: " + opened.status().message());
    end_later();
    return;
  }
  store_ = std::move(opened->store);
  transport_ = network_.bind(*this, kMasterAddress);
  master::ServiceSettings settings;
  settings.address = kMasterAddress;
  settings.unique = "e" + std::to_string(opened->stored.epoch);
  settings.epoch = opened->stored.epoch;
  settings.state_id = opened->stored.state_id;
  settings.process = static_cast<std::uint32_t>(opened->stored.epoch);
  settings.heartbeat_interval = std::chrono::milliseconds(config_.heartbeat_ms);
  settings.worker_silence_max = std::chrono::milliseconds(config_.silence_ms);
  settings.host_absence_max = std::chrono::milliseconds(config_.absence_ms);
  const SideWorkPlace place{world(), *this, files_, past_.side_work_started, die};
  world().trace.note(world().now(), "master.started", {settings.epoch});
  world().witness->master_started(settings.epoch);
  service_ = std::make_unique<master::MasterService>(
      settings, master::ServiceDoors{*this, files_, *transport_, *store_, silent_,
                                     [place](master::SideWork::Options options) {
                                       return make_side_work(place, std::move(options));
                                     }});
  const Status recovered = service_->recover(opened->stored);
  if (!recovered.ok()) {
    world().witness->master_refused(recovered.message());
    world().trace.say(world().now(), "master: " + recovered.message());
    end_later();
  }
}

std::size_t MasterNode::entries() const { return service_->scheduler().entries(); }
std::vector<proto::WorkerStatus> MasterNode::workers() const {
  return service_->scheduler().workers(now());
}

void MasterNode::stop() {
  if (!up()) return;
  Process::die();
  service_.reset();
  transport_.reset();
  store_.reset();
  world().trace.note(world().now(), "master.ended", {});
  world().witness->master_ended();
}

void MasterNode::end_later() {
  // Whoever says so stands on the stack above what would be destroyed.
  if (std::exchange(ending_, true)) return;
  world().timeline.at(world().now(), [this] {
    if (!ending_ || !up()) return;
    stop();
    died_(*this);
  });
}

Duration MasterNode::run() {
  if (ending_) return kIdle;
  auto& wait = dynamic_cast<TurnWait&>(*transport_);
  for (int i = 0; i < kTurnsMax; ++i) {
    wait.begin_turn();
    const Status turned = service_->turn(kIdle);
    if (!turned.ok()) {
      world().trace.say(world().now(), "master: " + turned.message());
      end_later();
      return kIdle;
    }
    if (ending_) return kIdle;
    if (wait.waited() && *wait.waited() > Duration(0)) return *wait.waited();
  }
  return Duration(0);
}

}  // namespace fanfold::sim
