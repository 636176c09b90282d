#include "sim/cluster/client_node.hpp"

#include <algorithm>

#include "common/proto/messages.hpp"
#include "sim/cluster/master_node.hpp"
#include "sim/doors/task_work.hpp"
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
      transport_(network.connect(*this, kMasterAddress)) {
  for (const FeedPlan& feeder : plan.feeders) feeders_.push_back({.plan = &feeder});
}

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
    proto::Submit submission{.spec = plan_.spec};
    submission.spec.client_id.append(refused_for_now_, '+');
    frame = proto::encode(submission);
  } else if (cancel_wanted_) {
    frame = proto::encode(proto::CancelJob{.job = job_});
  } else if (const auto change = change_to_ask_for(); change && !change_asked_) {
    frame = proto::encode(proto::ChangeJob{.job = job_, .change = *change});
  } else {
    frame = proto::encode(proto::GetJob{.job = job_, .follow = true});
  }
  change_asked_ = job_ != JobId{} && !cancel_wanted_ && !change_asked_ && change_to_ask_for();
  static_cast<void>(transport_->send({}, std::move(frame)));
  if (job_ != JobId{} && !cancel_asked_) feed();
}

std::string ClientNode::bytes_of(const std::vector<std::uint64_t>& batch) {
  std::string bytes;
  for (const std::uint64_t number : batch) bytes += line_of(number);
  return bytes;
}

bool ClientNode::all_fed() const {
  return std::all_of(feeders_.begin(), feeders_.end(), [](const Feeder& feeder) {
    return feeder.next == feeder.plan->batches.size();
  });
}

void ClientNode::feed() {
  constexpr std::uint32_t kPatience = 2;
  if (!plan_.spec.open || closed_ || feed_refusal_) return;
  for (Feeder& feeder : feeders_) {
    const auto& batches = feeder.plan->batches;
    const bool last = feeder.next + 1 == batches.size();
    if (last && feeder.plan->gives_up && feeder.sent == kPatience) {
      uncertain_.insert(batches.back().begin(), batches.back().end());
      ++feeder.next;
    }
    if (feeder.next == batches.size()) continue;
    ++feeder.sent;
    static_cast<void>(
        transport_->send({}, proto::encode(proto::Feed{.job = job_,
                                                       .feeder = feeder.plan->name,
                                                       .offset = feeder.offset,
                                                       .bytes = bytes_of(batches[feeder.next])})));
  }
  if (!all_fed()) return;
  static_cast<void>(transport_->send(
      {}, proto::encode(proto::Feed{.job = job_, .feeder = "closer", .bytes = {}, .close = true})));
}

void ClientNode::read(const proto::FeedReply& reply) {
  const auto code = static_cast<StatusCode>(reply.code);
  // A disk that failed may work again, as a person finds out by trying.
  const bool later = code == StatusCode::kExhausted || code == StatusCode::kUnavailable ||
                     code == StatusCode::kIoError || code == StatusCode::kNoSpace;
  if (reply.job != job_ || later) return;
  if (reply.close) {
    closed_ = closed_ || code == StatusCode::kOk;
    if (code != StatusCode::kOk && !feed_refusal_) feed_refusal_ = reply.message;
    return;
  }
  for (Feeder& feeder : feeders_) {
    if (feeder.plan->name != reply.feeder || feeder.next == feeder.plan->batches.size()) continue;
    const std::vector<std::uint64_t>& batch = feeder.plan->batches[feeder.next];
    const std::uint64_t size = batch.size() * kLineBytes;
    // What answers an earlier batch says nothing of this one.
    if (reply.offset != feeder.offset || reply.size != size) continue;
    if (code != StatusCode::kOk) {
      feed_refusal_ = reply.message;
      continue;
    }
    acknowledged_.insert(batch.begin(), batch.end());
    feeder.offset += size;
    ++feeder.next;
    feeder.sent = 0;
    ask_at_ = now();
  }
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
    // What was taken for the answer may have been that of a submission sent twice, and whoever has
    // cancelled an open job never closes it.
    const bool goes_on = !end_ && !publishing && plan_.spec.open;
    if (cancel_asked_ && goes_on) cancel_wanted_ = true;
    return;
  }
  if (const auto* cluster = std::get_if<proto::ClusterReply>(&*decoded)) {
    workers_at_rest_ = cluster->workers;
    return;
  }
  if (const auto* fed = std::get_if<proto::FeedReply>(&*decoded)) return read(*fed);
  const auto* answer = std::get_if<proto::Answer>(&*decoded);
  if (answer == nullptr) return;
  const auto code = static_cast<StatusCode>(answer->code);
  if (job_ == JobId{}) {
    if (code == StatusCode::kOk) {
      job_ = answer->job;
      accepted_ = now();
      control_ = plan_.spec.control;
      ask_at_ = now();
    } else if (answer->message.find(": no worker is known of a host") != std::string::npos) {
      // Once more, when its workers are there: that is another submission.
      ++refused_for_now_;
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
