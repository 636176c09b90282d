#include "worker/agent/machine.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "common/core/check.hpp"

namespace fanfold::worker::agency {
namespace {

using namespace std::chrono_literals;

/// A service that calls this much later than it was asked to was paused, and its executors with it.
constexpr Duration kPauseNoticed = 1s;

/// Each heartbeat has every attempt stopped that is not dead yet, and each that is dead hastens
/// one: many that die together would have ever more of them told of each other.
constexpr Duration kHasteMin = 20ms;

/// How an attempt ended is told again at the usual interval so often, then at growing ones, up to
/// so many times the usual one: a result that waits to be compared may wait for long, beside many.
constexpr std::uint32_t kToldOften = 4;
constexpr std::uint32_t kToldSeldomMax = 8;

}  // namespace

Machine::Machine(AgentOptions options) : options_(std::move(options)), died_(options_.died) {
  FANFOLD_CHECK(options_.resend > Duration(0));
}

void Machine::step(Instant now, const Event& event, std::vector<Action>* actions) {
  FANFOLD_CHECK(now >= now_);
  if (exited_) return;
  now_ = now;
  actions_ = actions;
  if (!begun_) {
    begun_ = true;
    heard_ = now;
    say_hello();
  }
  if (awaited_ && now > *awaited_ + kPauseNoticed) forgive_pause();
  std::visit([this](const auto& value) { on(value); }, event);
  if (!exited_) pass_time();
  if (!exited_) start_queued();
  if (!exited_) pass_drain();
  awaited_ = next_deadline();
  actions_ = nullptr;
}

void Machine::say_hello() {
  proto::Hello hello = options_.hello;
  hello.state_id = state_id_;
  for (const auto& [id, held] : held_) {
    // A cancelled one only has to die yet.
    if (held.kill_kind == proto::FailureKind::kCancelled) continue;
    hello.attempts.push_back(
        {id, held.task, held.number, held.generation, !held.waits(), !held.unfinished()});
  }
  hello.outputs = past_.kept(limits::kOutputsListed, &hello.outputs_complete);
  // Before Hello: what the dead leave free may go to us at once.
  if (!died_.empty()) send(proto::WorkersDied{died_});
  send(std::move(hello), std::exchange(hello_said_, true));
  hello_due_ = now_ + options_.resend;
}

void Machine::lose_master() {
  welcome_ = false;
  say_hello();
}

void Machine::begin_anew() {
  exited_ = true;
  if (draining_) return act(Exit{});
  act(BeginAnew{});
}

void Machine::send_heartbeat() {
  proto::Heartbeat heartbeat;
  heartbeat.worker = worker_;
  heartbeat.epoch = epoch_;
  heartbeat.newest = newest_;
  heartbeat.attempts.reserve(held_.size());
  // Also what is cancelled and only has to die yet: until then it may write.
  for (const auto& [id, held] : held_) {
    heartbeat.attempts.push_back({id, held.records, held.bytes, !held.waits()});
  }
  send(std::move(heartbeat));
  if (draining_) send_bye();
  heartbeat_due_ = now_ + heartbeat_interval_;
}

void Machine::hasten_heartbeat() {
  const Instant soonest = hastened_ ? std::max(now_, *hastened_ + kHasteMin) : now_;
  if (heartbeat_due_ <= soonest) return;
  heartbeat_due_ = soonest;
  hastened_ = soonest;
}

void Machine::resend(HeldAttempt& held) {
  if (held.unfinished()) return want_inputs(held);
  const std::uint32_t seldom = held.told < kToldOften ? 1 : held.told - kToldOften + 2;
  deadlines_.set(held.id, now_ + options_.resend * std::min(seldom, kToldSeldomMax));
  // Without a welcome there is no name to sign with; the welcome brings us back here.
  if (!welcome_) return;
  const bool again = held.told++ > 0;
  // After that it has been heard, and its text was taken, or nobody listens.
  const std::string log_text = held.told <= kToldOften ? held.log_text : "";
  if (held.phase == AttemptPhase::kCommitting) {
    proto::CommitRequest request;
    request.worker = worker_;
    request.attempt = held.id;
    request.report = held.report;
    request.log_text = log_text;
    request.log_bytes = held.log_bytes;
    send(std::move(request), again);
  } else {
    proto::AttemptFailed failed;
    failed.worker = worker_;
    failed.attempt = held.id;
    failed.failure = held.failure;
    failed.log_text = log_text;
    failed.log_bytes = held.log_bytes;
    send(std::move(failed), again);
  }
}

void Machine::forgive_pause() {
  heard_ = now_;
  // The answers to what ended last may lie in the socket still.
  if (quiet_since_) quiet_since_ = now_;
  for (auto& [id, held] : held_) {
    if (held.phase != AttemptPhase::kRunning) continue;
    held.progressed = now_;
    watch(held);
  }
}

void Machine::pass_time() {
  while (const std::optional<AttemptId> due = deadlines_.due(now_)) {
    pass_deadline(*find(*due));
  }
  if (now_ >= heard_ + silence_max_) {
    heard_ = now_;
    act(Reconnect{});
    lose_master();
  }
  if (!welcome_ && now_ >= hello_due_) say_hello();
  if (welcome_ && now_ >= heartbeat_due_) send_heartbeat();
}

std::optional<Instant> Machine::next_deadline() const {
  if (exited_) return std::nullopt;
  Instant next = welcome_ ? heartbeat_due_ : hello_due_;
  next = std::min(next, heard_ + silence_max_);
  if (const std::optional<Instant> first = deadlines_.first()) next = std::min(next, *first);
  if (quiet_since_) next = std::min(next, *quiet_since_ + limits::kWorkerSilence);
  return next;
}

std::vector<AttemptId> Machine::started() const {
  std::vector<AttemptId> ids;
  for (const auto& [id, held] : held_) {
    if (held.phase == AttemptPhase::kRunning) ids.push_back(id);
  }
  return ids;
}

}  // namespace fanfold::worker::agency
