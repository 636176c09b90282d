#include "common/net/any_server.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/core/check.hpp"

namespace fanfold::net {
namespace {

constexpr Duration kRetryFirst = std::chrono::milliseconds(100);
constexpr Duration kRetryMost = std::chrono::seconds(5);

}  // namespace

ServerGuess::ServerGuess(ServerKeys servers) : servers_(std::move(servers)), keys_(servers_()) {
  FANFOLD_CHECK(!keys_.empty());
  key_ = keys_.front();
}

bool ServerGuess::note_wrong() {
  if (outdated()) return true;
  ++wrong_;
  const auto tried = std::find(keys_.begin(), keys_.end(), key_);
  key_ = keys_[static_cast<std::size_t>(tried - keys_.begin() + 1) % keys_.size()];
  if (wrong_ % keys_.size() != 0) return true;
  ++rounds_;
  return false;
}

bool ServerGuess::outdated() {
  std::vector<security::PublicKey> now = servers_();
  FANFOLD_CHECK(!now.empty());
  if (now == keys_) return false;
  keys_ = std::move(now);
  note_right();
  if (std::find(keys_.begin(), keys_.end(), key_) != keys_.end()) return false;
  key_ = keys_.front();
  return true;
}

Duration ServerGuess::retry_after() const {
  Duration pause = kRetryFirst;
  for (std::size_t i = 1; i < rounds_ && pause < kRetryMost; ++i) pause *= 2;
  return std::min(pause, kRetryMost);
}

}  // namespace fanfold::net
