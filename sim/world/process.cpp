#include "sim/world/process.hpp"

#include <algorithm>
#include <chrono>

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

/// From the arrival of something to the turn that deals with it.
constexpr Duration kReaction = 300us;
constexpr std::int64_t kRateOne = 1000;
/// Nobody's clock begins at zero.
constexpr Duration kClockStart = 1h;

}  // namespace

Instant Process::now() const {
  const std::int64_t since = world_.now().since_origin.count();
  // Each clock has an origin of its own, as two hosts have.
  const Duration origin = kClockStart * (index_ + 1);
  return Instant{origin + Duration(since * static_cast<std::int64_t>(rate_) / kRateOne)};
}

Duration Process::real(Duration own) const {
  return Duration(own.count() * kRateOne / static_cast<std::int64_t>(rate_) + 1);
}

void Process::start() {
  up_ = true;
  ++life_;
  witness_ = world_.witness;
  turn_planned_ = false;
  paused_until_ = Instant{};
  busy_until_ = Instant{};
  wake();
}

void Process::die() {
  up_ = false;
  ++life_;
  turn_planned_ = false;
}

void Process::wake() {
  if (!up_) return;
  const std::uint64_t jitter = world_.draws.between(Stream::kScheduler, {index_, ++wakes_}, 0,
                                                    static_cast<std::uint64_t>(kReaction.count()));
  wake_at(world_.now() + Duration(static_cast<std::int64_t>(jitter)));
}

void Process::wake_at(Instant when) {
  if (turn_planned_ && turn_at_ <= when) return;
  turn_planned_ = true;
  turn_at_ = when;
  world_.timeline.at(when, [this, life = life_] { take_turn(life); });
}

void Process::take_turn(std::uint64_t life) {
  // Somebody else's, or one that an earlier turn replaced.
  if (life != life_ || !turn_planned_ || turn_at_ > world_.now()) return;
  turn_planned_ = false;
  const Instant free = std::max(paused_until_, busy_until_);
  if (world_.now() < free) {
    wake_at(free);
    return;
  }
  const Duration wait = run();
  if (up_ && life == life_) wake_at(world_.now() + std::max(real(wait), Duration(1)));
}

void Process::pause(Duration time) {
  paused_until_ = std::max(paused_until_, world_.now() + time);
  wake();
}

void Process::be_busy(Duration time) { busy_until_ = std::max(busy_until_, world_.now()) + time; }

}  // namespace fanfold::sim
