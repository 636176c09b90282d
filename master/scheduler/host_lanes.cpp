#include "master/scheduler/host_lanes.hpp"

#include <algorithm>

namespace fanfold::master::scheduling {
namespace {

bool waits(TaskState state) { return state == TaskState::kReady || state == TaskState::kDelayed; }

}  // namespace

HostLanes::HostLanes(const std::vector<HostSplits>& hosts) {
  std::uint32_t begin = 0;
  for (const HostSplits& one : hosts) {
    const std::uint32_t end = begin + one.count;
    HostLane* lane = nullptr;
    if (!one.host.empty()) {
      lane = &lanes_[one.host];
      lane->host = one.host;
      if (lane->tasks.empty()) lane->cursor = begin;
      lane->tasks.emplace_back(begin, end);
      lane->ready += one.count;
      lane->waiting += one.count;
      ready_ += one.count;
      if (one.count > 0) ready_hosts_.insert(one.host);
    }
    runs_.push_back({end, lane});
    begin = end;
  }
}

HostLane* HostLanes::find(std::string_view host) {
  const auto found = lanes_.find(host);
  return found != lanes_.end() ? &found->second : nullptr;
}

HostLane* HostLanes::of(std::uint32_t index) {
  return const_cast<HostLane*>(static_cast<const HostLanes*>(this)->of(index));
}

const HostLane* HostLanes::of(std::uint32_t index) const {
  const auto run =
      std::upper_bound(runs_.begin(), runs_.end(), index,
                       [](std::uint32_t task, const Run& one) { return task < one.end; });
  return run != runs_.end() ? run->lane : nullptr;
}

void HostLanes::note_absence(HostLane& lane, std::optional<Instant> since) {
  lane.absent = since;
  if (since) {
    absent_hosts_.insert(lane.host);
  } else {
    absent_hosts_.erase(lane.host);
  }
}

void HostLanes::note(std::uint32_t index, TaskState from, TaskState to) {
  HostLane* lane = of(index);
  if (lane == nullptr) return;
  if (waits(from)) --lane->waiting;
  if (waits(to)) ++lane->waiting;
  if (from == TaskState::kReady) {
    --ready_;
    if (--lane->ready == 0) ready_hosts_.erase(lane->host);
  }
  if (to != TaskState::kReady) return;
  ++ready_;
  if (lane->ready++ == 0) ready_hosts_.insert(lane->host);
  if (index < lane->cursor) lane->again.push_back(index);
}

void HostLanes::take(std::uint32_t index) {
  HostLane* lane = of(index);
  if (lane == nullptr) return;
  const auto again = std::find(lane->again.begin(), lane->again.end(), index);
  if (again != lane->again.end()) lane->again.erase(again);
}

std::optional<std::uint32_t> HostLanes::fresh(const HostLane& lane) {
  for (const auto& [begin, end] : lane.tasks) {
    if (lane.cursor < end) return std::max(lane.cursor, begin);
  }
  return std::nullopt;
}

void HostLanes::forget_again() {
  for (auto& [host, lane] : lanes_) lane.again.clear();
}

std::size_t HostLanes::entries() const {
  std::size_t entries = runs_.size() + ready_hosts_.size() + absent_hosts_.size();
  for (const auto& [host, lane] : lanes_) entries += 1 + lane.tasks.size() + lane.again.size();
  return entries;
}

}  // namespace fanfold::master::scheduling
