// Tasks of one stage that only workers of certain hosts can run: who is next on each host.
// Knows nothing of workers and decides nothing.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/core/time.hpp"
#include "master/scheduler/event.hpp"
#include "master/scheduler/task.hpp"

namespace fanfold::master::scheduling {

struct HostLane {
  std::string host;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> tasks;  // Ranges, ascending.
  std::uint32_t cursor = 0;         // Tasks from here on were never taken.
  std::deque<std::uint32_t> again;  // Were ready before; some may not be (any more).
  std::uint32_t ready = 0;
  std::uint32_t waiting = 0;  // Ready, or delayed.
  /// Since when no worker of the host could be given anything; nothing: there is one.
  std::optional<Instant> absent{};
};

class HostLanes {
 public:
  HostLanes() = default;
  HostLanes(HostLanes&&) = default;
  HostLanes& operator=(HostLanes&&) = default;
  /// Of all tasks of the stage, in their order; they are ready.
  explicit HostLanes(const std::vector<HostSplits>& hosts);

  bool empty() const { return lanes_.empty(); }
  /// By host.
  std::map<std::string, HostLane, std::less<>>& all() { return lanes_; }
  const std::map<std::string, HostLane, std::less<>>& all() const { return lanes_; }
  /// Null: none of its tasks lies there.
  HostLane* find(std::string_view host);
  const HostLane& at(const std::string& host) const { return lanes_.at(host); }
  /// The lane of a task; null: anybody can run it.
  HostLane* of(std::uint32_t index);
  const HostLane* of(std::uint32_t index) const;
  /// Of all lanes.
  std::uint32_t ready() const { return ready_; }
  /// Since when nobody is there; nothing: somebody is.
  void note_absence(HostLane& lane, std::optional<Instant> since);
  /// Hosts where nobody is.
  const std::set<std::string, std::less<>>& absent_hosts() const { return absent_hosts_; }
  /// Hosts with ready tasks.
  const std::set<std::string, std::less<>>& ready_hosts() const { return ready_hosts_; }

  /// A task changes its state.
  void note(std::uint32_t index, TaskState from, TaskState to);
  /// A ready task is taken.
  void take(std::uint32_t index);
  /// The first that was never taken and may be ready, if its lane has one.
  static std::optional<std::uint32_t> fresh(const HostLane& lane);
  void forget_again();
  std::size_t entries() const;

 private:
  struct Run {
    std::uint32_t end = 0;
    HostLane* lane = nullptr;  // Null: anywhere.
  };

  std::map<std::string, HostLane, std::less<>> lanes_;
  std::vector<Run> runs_;
  std::uint32_t ready_ = 0;
  std::set<std::string, std::less<>> ready_hosts_;
  std::set<std::string, std::less<>> absent_hosts_;
};

}  // namespace fanfold::master::scheduling
