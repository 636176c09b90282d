// Submissions that were refused, for their copies: a client repeats what it has heard no answer to,
// and ends with the first.  A copy that was accepted would be a job that nobody follows.
//
// One thread.

#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>

#include "common/core/status.hpp"

namespace fanfold::master {

class Refusals {
 public:
  /// Of the submission with this id of its client; empty: it had none.  kUnavailable is no end: who
  /// waits for a worker or another master may ask again.
  void add(const std::string& client_id, const Status& why) {
    if (client_id.empty() || why.code() == StatusCode::kUnavailable) return;
    if (!why_.emplace(client_id, why).second) return;
    ids_.push_back(client_id);
    if (ids_.size() <= kKept) return;
    why_.erase(ids_.front());
    ids_.pop_front();
  }

  /// Null: not refused, or that was long ago.  Valid until the next add().
  const Status* find(const std::string& client_id) const {
    const auto found = why_.find(client_id);
    return found == why_.end() ? nullptr : &found->second;
  }

 private:
  /// Copies are on their way for some seconds; so many are not refused in that time.
  static constexpr std::size_t kKept = 4096;

  std::map<std::string, Status> why_;
  std::deque<std::string> ids_;  // From the oldest.
};

}  // namespace fanfold::master
