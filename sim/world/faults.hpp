// Decides which faults happen.  A free run draws each by its rate and keeps a tape of those that
// happened; a scripted run lets exactly the listed ones happen.  How bad a fault is (how long, how
// many bytes) is drawn from the seed and the fault itself, so it is the same in both.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "common/core/time.hpp"
#include "sim/world/draws.hpp"
#include "sim/world/fault.hpp"

namespace fanfold::sim {

/// Of a million occasions.
using FaultRates = std::array<std::uint32_t, kFaultKinds>;

class Faults {
 public:
  /// `script`: only these happen.
  Faults(const Draws& draws, const FaultRates& rates, std::optional<std::set<Fault>> script)
      : draws_(draws), rates_(rates), script_(std::move(script)) {}

  bool happens(const Fault& fault);
  bool possible(FaultKind kind) const {
    return !healed_ && (script_ || rates_[static_cast<std::size_t>(kind)] > 0);
  }

  /// From here on nothing bad happens any more.
  void heal() { healed_ = true; }
  bool healed() const { return healed_; }

  /// How bad: uniform in [low, high]; `aspect` tells several questions about one fault apart.
  std::uint64_t measure(const Fault& fault, std::uint64_t aspect, std::uint64_t low,
                        std::uint64_t high) const;
  Duration measure(const Fault& fault, std::uint64_t aspect, Duration low, Duration high) const {
    return Duration(
        static_cast<std::int64_t>(measure(fault, aspect, static_cast<std::uint64_t>(low.count()),
                                          static_cast<std::uint64_t>(high.count()))));
  }

  /// From now on occasions are listed too: those that came after the last fault that happened.
  void list_occasions() { listing_ = true; }
  const std::vector<Fault>& occasions() const { return occasions_; }

  /// What happened so far, in order.
  const std::vector<Fault>& tape() const { return tape_; }

 private:
  const Draws& draws_;
  const FaultRates rates_;
  const std::optional<std::set<Fault>> script_;
  std::vector<Fault> tape_;
  bool listing_ = false;
  std::vector<Fault> occasions_;
  bool healed_ = false;
};

}  // namespace fanfold::sim
