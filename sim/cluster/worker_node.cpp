#include "sim/cluster/worker_node.hpp"

#include <algorithm>
#include <utility>

#include "sim/cluster/jobs.hpp"
#include "sim/cluster/master_node.hpp"
#include "sim/doors/transports.hpp"
#include "sim/world/witness.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

constexpr int kTurnsMax = 64;
/// Shorter than in production, as all of simulated time is.
constexpr Duration kFetchPatience = 4s;

}  // namespace

WorkerNode::WorkerNode(World& world, Network& network, Disks& disks, const Config& config,
                       const std::vector<JobPlan>& jobs, std::uint32_t index,
                       std::uint32_t clock_rate, std::function<void(WorkerNode&)> ended)
    : Process(world, index, "w" + std::to_string(index), clock_rate),
      network_(network),
      files_(world, disks, index),
      config_(config),
      jobs_(jobs),
      disk_("/w" + std::to_string(index)),
      ended_(std::move(ended)) {}

WorkerNode::Parts::Parts(WorkerNode& node, const ExecutorOptions& options)
    : scratch(worker::Scratch::borrow(node.files_, node.scratch_path())),
      executors(node, node.world(), node.files_, options),
      fetching(node, node.network_, node.files_, kFetchPatience),
      segments(node.files_, node.scratch_path()) {}

std::string WorkerNode::scratch_path() const { return disk_ + "/worker-" + std::to_string(life_); }

void WorkerNode::begin() {
  ++life_;
  leaving_ = false;
  // As a worker that starts again: another name, and what the dead one left is removed.
  static_cast<void>(files_.remove_tree(disk_ + "/worker-" + std::to_string(life_ - 1)));
  static_cast<void>(files_.make_directories(scratch_path()));
  Process::start();
  parts_ = std::make_unique<Parts>(*this,
                                   executor_options(config_, world().draws, index(), life_, jobs_));
  const std::string address = "sim://" + name() + "/data-" + std::to_string(life_);
  parts_->data = network_.bind(*this, address);
  worker::BodyOptions options;
  options.master = kMasterAddress;
  proto::Hello& hello = options.hello;
  hello.uuid = name() + "-" + std::to_string(life_);
  hello.name = hello.uuid;
  hello.host_id = config_.shared_host != 0 ? "host" : name();
  hello.scratch = scratch_path();
  hello.data_endpoint = address;
  hello.slots = static_cast<std::uint32_t>(config_.slots);
  hello.process = index();
  hello.host = host_of_worker(config_, index());
  hello.host_inputs = config_.hosts != 0;
  // Workers of one name are of one machine; each sees its own disk.
  if (hello.host_inputs && config_.shared_host == 0) hello.host_id = hello.host + "/" + name();
  if (hello.host_inputs) options.host_inputs.host = hello.host;
  parts_->lister.emplace(files_, hello.host);
  world().trace.note(world().now(), "worker.started", {index(), life_});
  witness().worker_started(index(), hello.slots);
  const auto connect = [this] {
    return Result<std::unique_ptr<net::Transport>>(network_.connect(*this, kMasterAddress));
  };
  worker::WorkerDoors doors{*this,   files_, parts_->scratch, parts_->executors, parts_->fetching,
                            silent_, connect};
  doors.lister = &*parts_->lister;
  parts_->body = std::make_unique<worker::WorkerBody>(std::move(options), doors,
                                                      network_.connect(*this, kMasterAddress));
  parts_->body->begin();
}

void WorkerNode::stop() {
  if (!up()) return;
  Process::die();
  parts_.reset();
  world().trace.note(world().now(), "worker.ended", {index()});
  witness().worker_ended(index());
}

void WorkerNode::drain() {
  if (!up()) return;
  leaving_ = true;
  parts_->body->drain();
  wake();
}

void WorkerNode::serve() {
  while (true) {
    const auto frame = parts_->data->receive(Duration(0));
    if (!frame.ok() || !*frame) return;
    const auto message = proto::decode<proto::DataMessage>((*frame)->payload);
    if (!message.ok()) continue;
    const auto* wanted = std::get_if<proto::FetchSegment>(&*message);
    if (wanted == nullptr) continue;
    const proto::Chunk answer = parts_->segments.answer(*wanted);
    static_cast<void>(parts_->data->send((*frame)->peer, proto::encode(answer)));
    parts_->segments.close_all();
  }
}

Duration WorkerNode::run() {
  Duration wait(0);
  for (int i = 0; i < kTurnsMax; ++i) {
    serve();
    parts_->fetching.pump();
    dynamic_cast<TurnWait&>(parts_->body->transport()).begin_turn();
    const Status turned = parts_->body->turn();
    if (!turned.ok() || parts_->body->end()) {
      world().timeline.at(world().now(), [this, life = life_] {
        if (!up() || life != life_) return;
        stop();
        ended_(*this);
      });
      return 60s;
    }
    const std::optional<Duration> waited =
        dynamic_cast<TurnWait&>(parts_->body->transport()).waited();
    if (!waited || *waited == Duration(0) || parts_->fetching.has_ended()) continue;
    wait = *waited;
    break;
  }
  if (const auto deadline = parts_->fetching.next_deadline()) {
    wait = std::min(wait, *deadline - now());
  }
  return std::max(wait, Duration(0));
}

}  // namespace fanfold::sim
