#include "master/service/followers.hpp"

#include <algorithm>
#include <utility>

#include "common/core/limits.hpp"

namespace fanfold::master {

bool Followers::add(JobId job, const net::PeerId& peer, Instant now) {
  Following& following = jobs_[job];
  auto& peers = following.peers;
  if (std::find(peers.begin(), peers.end(), peer) != peers.end()) return true;
  if (peers.size() == limits::kFollowersPerJob) return false;
  if (peers.empty()) following.next = now + interval_;
  peers.push_back(peer);
  return true;
}

void Followers::remove(const net::PeerId& peer) {
  for (auto entry = jobs_.begin(); entry != jobs_.end();) {
    std::erase(entry->second.peers, peer);
    entry = entry->second.peers.empty() ? jobs_.erase(entry) : std::next(entry);
  }
}

void Followers::touch(JobId job) {
  const auto found = jobs_.find(job);
  if (found != jobs_.end()) found->second.touched = true;
}

void Followers::finish(JobId job) {
  const auto found = jobs_.find(job);
  if (found != jobs_.end()) found->second.finished = true;
}

std::vector<Followers::Due> Followers::take_due(Instant now) {
  std::vector<Due> due;
  for (auto entry = jobs_.begin(); entry != jobs_.end();) {
    Following& following = entry->second;
    if (following.finished) {
      due.push_back({.job = entry->first, .peers = std::move(following.peers)});
      entry = jobs_.erase(entry);
      continue;
    }
    if (following.touched && following.next <= now) {
      due.push_back({.job = entry->first, .peers = following.peers});
      following.touched = false;
      following.next = now + interval_;
    }
    ++entry;
  }
  return due;
}

std::optional<Instant> Followers::next_due() const {
  std::optional<Instant> next;
  for (const auto& [job, following] : jobs_) {
    if (following.finished) return Instant{};
    if (following.touched && (!next || following.next < *next)) next = following.next;
  }
  return next;
}

}  // namespace fanfold::master
