// What a worker did wrong lately, as a number that fades: it halves with each half-life.  Whole
// numbers only.

#pragma once

#include <cstdint>

#include "common/core/time.hpp"
#include "master/scheduler/policy.hpp"

namespace fanfold::master::scheduling {

class Demerits {
 public:
  void add(Instant now, std::uint32_t points) {
    fade(now);
    points_ += points;
  }
  void take(Instant now, std::uint32_t points) {
    fade(now);
    points_ -= points < points_ ? points : points_;
  }
  /// No more than `points` from now on.
  void cap(Instant now, std::uint32_t points) {
    fade(now);
    if (points_ > points) points_ = points;
  }
  std::uint32_t at(Instant now) const {
    Demerits later = *this;
    later.fade(now);
    return later.points_;
  }

 private:
  void fade(Instant now) {
    if (points_ == 0) since_ = now;
    while (points_ > 0 && now - since_ >= kDemeritHalfLife) {
      points_ /= 2;
      since_ = since_ + kDemeritHalfLife;
    }
  }

  std::uint32_t points_ = 0;
  Instant since_;  // The last halving.
};

}  // namespace fanfold::master::scheduling
