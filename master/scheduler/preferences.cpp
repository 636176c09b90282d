#include "master/scheduler/preferences.hpp"

#include <algorithm>
#include <iterator>

namespace fanfold::master::scheduling {

void Preferences::prefer_hosts(const std::vector<std::vector<std::string>>& hosts,
                               const std::vector<PreferredSplits>& splits) {
  std::map<std::vector<std::string>, std::uint32_t> lanes;
  const auto lane_for_hosts = [&](const std::vector<std::string>& some) {
    const auto [known, fresh] = lanes.try_emplace(some, next_lane());
    if (fresh) {
      lanes_.emplace_back().hosts = some;
      for (const std::string& host : some) lanes_at_[host].push_back(known->second);
    }
    return known->second;
  };
  for (const PreferredSplits& one : splits) {
    const bool anywhere = one.hosts == PreferredSplits::kAnywhere;
    const std::uint32_t lane = anywhere ? kNone : lane_for_hosts(hosts.at(one.hosts));
    for (std::uint32_t i = 0; i < one.count; ++i) {
      const auto index = static_cast<std::uint32_t>(lane_of_.size());
      lane_of_.push_back(lane);
      ready_tasks_.push_back(lane != kNone);
      tried_.push_back(false);
      if (lane == kNone) continue;
      ++size_;
      lanes_[lane].fresh.push_back(index);
      count_ready(lane, true);
    }
  }
}

std::uint32_t Preferences::lane_for(WorkerId worker) {
  const auto [known, fresh] = lane_of_worker_.try_emplace(worker, next_lane());
  if (fresh) lanes_.emplace_back().worker = worker;
  return known->second;
}

void Preferences::prefer_worker(std::uint32_t index, std::optional<WorkerId> worker, Now now) {
  if (index >= lane_of_.size()) {
    if (!worker) return;
    lane_of_.resize(index + 1, kNone);
    ready_tasks_.resize(index + 1, false);
    tried_.resize(index + 1, false);
  }
  if (lane_of_[index] != kNone) {
    if (ready_tasks_[index]) count_ready(lane_of_[index], false);
    --size_;
  }
  lane_of_[index] = worker ? lane_for(*worker) : kNone;
  ready_tasks_[index] = worker && now.ready;
  if (!worker) return;
  ++size_;
  if (!now.ready) return;
  count_ready(lane_of_[index], true);
  if (now.again || tried_[index] || index < late_) return file_again(index);
  lanes_[lane_of_[index]].fresh.push_back(index);
}

void Preferences::file_again(std::uint32_t index) {
  tried_[index] = true;
  lanes_[lane_of_[index]].again.push_back(index);
  again_.push_back(index);
}

bool Preferences::is_preferred(std::uint32_t index, WorkerId worker,
                               const std::string& host) const {
  if (!prefers(index)) return false;
  const PreferenceLane& lane = lanes_[lane_of_[index]];
  if (lane.hosts.empty()) return lane.worker == worker;
  return std::find(lane.hosts.begin(), lane.hosts.end(), host) != lane.hosts.end();
}

bool Preferences::note_host(const std::string& host, bool present) {
  const auto lanes = lanes_at_.find(host);
  if (lanes == lanes_at_.end()) return false;
  for (const std::uint32_t index : lanes->second) {
    PreferenceLane& lane = lanes_[index];
    if (present) {
      lane.present_hosts.insert(host);
    } else {
      lane.present_hosts.erase(host);
    }
    lane.present = !lane.present_hosts.empty();
    file(index);
  }
  return true;
}

bool Preferences::note_worker(WorkerId worker, bool present) {
  const auto lane = lane_of_worker_.find(worker);
  if (lane == lane_of_worker_.end()) return false;
  lanes_[lane->second].present = present;
  file(lane->second);
  return true;
}

void Preferences::file(std::uint32_t index) {
  const PreferenceLane& lane = lanes_[index];
  ready_lanes_.erase(index);
  absent_lanes_.erase(index);
  if (lane.ready > 0) (lane.present ? ready_lanes_ : absent_lanes_).insert(index);
}

void Preferences::count_ready(std::uint32_t index, bool ready) {
  PreferenceLane& lane = lanes_[index];
  ready_ = ready ? ready_ + 1 : ready_ - 1;
  lane.ready = ready ? lane.ready + 1 : lane.ready - 1;
  // Only the first one and the last one change anything.
  if (lane.ready == 0 || (ready && lane.ready == 1)) file(index);
}

void Preferences::note(std::uint32_t index, TaskState from, TaskState to) {
  const std::uint32_t lane = lane_of_[index];
  if (from == TaskState::kReady) count_ready(lane, false);
  ready_tasks_[index] = to == TaskState::kReady;
  if (to != TaskState::kReady) return;
  count_ready(lane, true);
  file_again(index);
}

void Preferences::note_tried(std::uint32_t index) {
  if (prefers(index) && ready_tasks_[index] && !tried_[index]) file_again(index);
}

void Preferences::begin_wait(Instant now) {
  until_ = now + wait_;
  over_ = wait_ <= Duration(0);
}

void Preferences::end_wait(Instant now) {
  until_ = now;
  over_ = true;
}

bool Preferences::wants(WorkerId worker, const std::string& host) const {
  const auto own = lane_of_worker_.find(worker);
  if (own != lane_of_worker_.end() && lanes_[own->second].ready > 0) return true;
  const auto there = lanes_at_.find(host);
  return there != lanes_at_.end() &&
         std::any_of(there->second.begin(), there->second.end(),
                     [this](std::uint32_t lane) { return lanes_[lane].ready > 0; });
}

std::optional<std::uint32_t> Preferences::take_from(std::deque<std::uint32_t>& list,
                                                    std::uint32_t lane, std::size_t examined_max,
                                                    const Accepts& accepts) {
  std::size_t examined = 0;
  for (auto next = list.begin(); next != list.end() && examined < examined_max;) {
    const std::uint32_t index = *next;
    const bool there = lane == kNone ? lane_of_[index] != kNone : lane_of_[index] == lane;
    const bool valid = there && ready_tasks_[index];
    const bool chosen = valid && accepts(index);
    next = !valid || chosen ? list.erase(next) : std::next(next);
    if (chosen) return index;
    if (valid) ++examined;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> Preferences::take(std::uint32_t lane, std::size_t examined_max,
                                               const Accepts& accepts) {
  PreferenceLane& from = lanes_[lane];
  if (from.ready == 0) return std::nullopt;
  if (const auto again = take_from(from.again, lane, examined_max, accepts)) return again;
  return take_from(from.fresh, lane, 1, accepts);
}

std::optional<std::uint32_t> Preferences::take_for(WorkerId worker, const std::string& host,
                                                   std::size_t examined_max,
                                                   const Accepts& accepts) {
  if (const auto own = lane_of_worker_.find(worker); own != lane_of_worker_.end()) {
    if (const auto index = take(own->second, examined_max, accepts)) return index;
  }
  const auto there = lanes_at_.find(host);
  if (there == lanes_at_.end()) return std::nullopt;
  for (const std::uint32_t lane : there->second) {
    if (const auto index = take(lane, examined_max, accepts)) return index;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> Preferences::take_again(std::size_t examined_max,
                                                     const Accepts& accepts) {
  return take_from(again_, kNone, examined_max, accepts);
}

std::optional<std::uint32_t> Preferences::take_late(std::size_t examined_max,
                                                    const Accepts& accepts) {
  if (over_) {
    // Others may have to go elsewhere first, and take_again() looks at these.
    while (late_ < lane_of_.size() && (!ready_tasks_[late_] || tried_[late_])) ++late_;
    if (late_ == lane_of_.size() || !accepts(late_)) return std::nullopt;
    return late_++;
  }
  std::size_t examined = 0;
  for (const std::uint32_t lane : absent_lanes_) {
    if (const auto index = take(lane, examined_max, accepts)) return index;
    if (++examined == examined_max) break;
  }
  return std::nullopt;
}

std::size_t Preferences::entries() const {
  std::size_t entries = lane_of_.size() + lane_of_worker_.size() + lanes_at_.size() +
                        again_.size() + ready_lanes_.size() + absent_lanes_.size();
  for (const PreferenceLane& lane : lanes_) {
    entries += 1 + lane.fresh.size() + lane.again.size() + lane.present_hosts.size();
  }
  return entries;
}

}  // namespace fanfold::master::scheduling
