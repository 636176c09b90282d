#include "sim/cluster/client_node.hpp"

#include <algorithm>

#include "common/proto/messages.hpp"
#include "sim/cluster/master_node.hpp"
#include "sim/world/witness.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kRepeat = 1s;

}  // namespace

ClientNode::ClientNode(World& world, Network& network, std::uint32_t index,
                       std::uint32_t clock_rate, const JobPlan& plan)
    : Process(world, index, "client-" + plan.spec.job_name, clock_rate),
      plan_(plan),
      transport_(network.connect(*this, kMasterAddress)) {}

void ClientNode::begin() {
  submit_at_ = now() + plan_.submit_after;
  ask_at_ = submit_at_;
  Process::start();
}

void ClientNode::cancel() {
  if (cancel_asked_) return;
  cancel_asked_ = true;
  cancel_wanted_ = true;
  ask_at_ = std::max(now(), submit_at_);
  wake();
}

void ClientNode::ask_for_workers() {
  static_cast<void>(transport_->send({}, proto::encode(proto::GetCluster{})));
}

Duration ClientNode::run() {
  while (true) {
    const auto frame = transport_->receive(Duration(0));
    if (!frame.ok() || !*frame) break;
    read((*frame)->payload);
  }
  if (finished()) return 60s;
  if (now() >= ask_at_) {
    ask();
    ask_at_ = now() + kRepeat;
  }
  return ask_at_ - now();
}

void ClientNode::ask() {
  if (!unanswered_since_) unanswered_since_ = world().now();
  std::string frame;
  if (job_ == JobId{}) {
    frame = proto::encode(proto::Submit{.spec = plan_.spec});
  } else if (cancel_wanted_) {
    frame = proto::encode(proto::CancelJob{.job = job_});
  } else if (const auto change = change_to_ask_for(); change && !change_asked_) {
    frame = proto::encode(proto::ChangeJob{.job = job_, .change = *change});
  } else {
    frame = proto::encode(proto::GetJob{.job = job_, .follow = true});
  }
  change_asked_ = job_ != JobId{} && !cancel_wanted_ && !change_asked_ && change_to_ask_for();
  static_cast<void>(transport_->send({}, std::move(frame)));
}

std::optional<proto::JobChange> ClientNode::change_to_ask_for() const {
  proto::JobChange change;
  const Instant begin = accepted_ + plan_.pause_after;
  change.to.paused = now() >= begin && now() < begin + plan_.pause_for;
  change.paused = change.to.paused != control_.paused;
  if (plan_.intolerant_after && now() >= accepted_ + *plan_.intolerant_after) {
    change.to.failures_max = 0;
    change.failures_max = control_.failures_max != 0;
  }
  if (!change.paused && !change.failures_max) return std::nullopt;
  return change;
}

void ClientNode::read(const std::string& frame) {
  const auto decoded = proto::decode<proto::ClientReply>(frame);
  if (!decoded.ok()) return;
  unanswered_since_.reset();
  if (const auto* reply = std::get_if<proto::JobReply>(&*decoded)) {
    world().witness->status_shown(reply->status);
    control_ = reply->status.control;
    const bool publishing = reply->status.state == proto::JobState::kPublishing;
    if (publishing &&
        world().faults.happens({FaultKind::kCancelLate, index(), 0, ++publishing_heard_})) {
      cancel();
    }
    if (proto::is_final(reply->status.state) && !end_) end_ = reply->status;
    return;
  }
  if (const auto* cluster = std::get_if<proto::ClusterReply>(&*decoded)) {
    workers_at_rest_ = cluster->workers;
    return;
  }
  const auto* answer = std::get_if<proto::Answer>(&*decoded);
  if (answer == nullptr) return;
  const auto code = static_cast<StatusCode>(answer->code);
  if (job_ == JobId{}) {
    if (code == StatusCode::kOk) {
      job_ = answer->job;
      accepted_ = now();
      control_ = plan_.spec.control;
      ask_at_ = now();
    } else if (code != StatusCode::kUnavailable) {
      refusal_ = answer->message;
    }
  } else if (answer->job == job_ && cancel_wanted_) {
    cancel_wanted_ = false;
  } else if (code == StatusCode::kNotFound) {
    // An accepted job that the master does not know: the end check tells.
    refusal_ = "lost: " + answer->message;
  }
}

}  // namespace fanfold::sim
