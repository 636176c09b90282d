// Simulated time: what happens next.  Events of one moment happen in the order in which they were
// planned.

#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "common/core/time.hpp"

namespace fanfold::sim {

class Timeline {
 public:
  using What = std::function<void()>;

  Instant now() const { return now_; }
  void at(Instant when, What what) {
    events_.push({when < now_ ? now_ : when, ++planned_, std::move(what)});
  }
  void after(Duration delay, What what) { at(now_ + delay, std::move(what)); }

  bool empty() const { return events_.empty(); }
  Instant next() const { return events_.top().when; }
  std::uint64_t happened() const { return happened_; }

  /// Time goes on to the next event, and it happens.
  void step() {
    // priority_queue gives no other way to move out of it; the top is popped at once.
    What what = std::move(const_cast<Event&>(events_.top()).what);
    now_ = events_.top().when;
    events_.pop();
    ++happened_;
    what();
  }

 private:
  struct Event {
    Instant when;
    std::uint64_t order = 0;
    What what;
    bool operator<(const Event& other) const {
      return std::pair(when, order) > std::pair(other.when, other.order);
    }
  };

  Instant now_;
  std::uint64_t planned_ = 0;
  std::uint64_t happened_ = 0;
  std::priority_queue<Event> events_;
};

}  // namespace fanfold::sim
