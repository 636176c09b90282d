// Frames that wait for one peer, bounded in bytes, oldest first.

#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include "common/core/limits.hpp"

namespace fanfold::net {

class Outbox {
 public:
  /// False when full: the frame is dropped and whoever cares repeats it.
  [[nodiscard]] bool put(std::string payload) {
    if (bytes_ + payload.size() > limits::kOutboxBytes) return false;
    bytes_ += payload.size();
    frames_.push_back(std::move(payload));
    return true;
  }
  bool empty() const { return frames_.empty(); }
  const std::string& front() const { return frames_.front(); }
  void pop() {
    bytes_ -= frames_.front().size();
    frames_.pop_front();
  }
  void clear() {
    bytes_ = 0;
    frames_.clear();
  }

 private:
  std::deque<std::string> frames_;
  std::size_t bytes_ = 0;
};

}  // namespace fanfold::net
