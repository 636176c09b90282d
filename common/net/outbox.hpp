// Frames that wait for one peer, bounded in bytes, oldest first.

#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <utility>

#include "common/core/limits.hpp"
#include "common/core/status.hpp"

namespace fanfold::net {

class Outbox {
 public:
  /// kUnavailable when full: the frame is dropped and whoever cares repeats it.
  Status put(std::string payload) {
    if (bytes_ + payload.size() > limits::kOutboxBytes) {
      return Status(StatusCode::kUnavailable,
                    "the peer does not read: " + std::to_string(bytes_) + " bytes wait for it");
    }
    bytes_ += payload.size();
    frames_.push_back(std::move(payload));
    return Status();
  }
  bool empty() const { return frames_.empty(); }
  std::size_t size() const { return frames_.size(); }
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
