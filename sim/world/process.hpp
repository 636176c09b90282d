// A simulated process: a clock that runs a little fast or slow, turns when it is woken, pauses, and
// death.  What it does in a turn is its descendant's.

#pragma once

#include <cstdint>
#include <string>

#include "common/core/clock.hpp"
#include "sim/world/world.hpp"

namespace fanfold::sim {

class Process : public Clock {
 public:
  /// `rate`: how far its clock goes in 1000 units of real time.
  Process(World& world, std::uint32_t index, std::string name, std::uint32_t rate)
      : world_(world),
        index_(index),
        name_(std::move(name)),
        rate_(rate),
        witness_(world.witness) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  std::uint32_t index() const { return index_; }
  const std::string& name() const { return name_; }

  /// By its own clock.
  Instant now() const override;

  bool up() const { return up_; }
  /// Another one each time that it is started.
  std::uint64_t life() const { return life_; }
  /// Who looks on at what this life of it does: whoever did so when it began.
  Witness& witness() const { return *witness_; }
  bool paused() const { return world_.now() < paused_until_; }
  /// It will take a turn soon.
  void wake();
  /// It does nothing for so long, and does not know it.
  void pause(Duration time);
  /// It takes no turn for so long, but what it sends meanwhile is only late: a slow disk.
  void be_busy(Duration time);
  Instant busy_until() const { return busy_until_; }

 protected:
  /// Deals with everything there is; in how long, by its own clock, there will be more.
  virtual Duration run() = 0;

  void start();
  void die();
  World& world() { return world_; }
  /// A span of its own clock, in real time; never shorter.
  Duration real(Duration own) const;

 private:
  void wake_at(Instant when);
  void take_turn(std::uint64_t life);

  World& world_;
  const std::uint32_t index_;
  const std::string name_;
  const std::uint32_t rate_;
  bool up_ = false;
  std::uint64_t life_ = 0;  // A turn that was planned before it died must not happen.
  std::uint64_t wakes_ = 0;
  Witness* witness_;
  Instant paused_until_;
  Instant busy_until_;
  Instant turn_at_;  // Of the earliest planned turn, while there is one.
  bool turn_planned_ = false;
};

}  // namespace fanfold::sim
