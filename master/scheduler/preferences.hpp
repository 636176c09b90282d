// Tasks of one stage that had better run in certain places: who is next for each, and how long the
// others leave them alone.  Knows nothing of slots and decides nothing.
//
// Lists may name tasks that are not ready any more, or that prefer something else by now; whoever
// takes from a list passes over these.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "master/scheduler/event.hpp"
#include "master/scheduler/task.hpp"

namespace fanfold::master::scheduling {

/// Tasks that prefer the same: any of these hosts, or this worker.
struct PreferenceLane {
  std::vector<std::string> hosts;
  WorkerId worker;                  // Without hosts.
  std::deque<std::uint32_t> fresh;  // Never taken.
  std::deque<std::uint32_t> again;  // Were ready before.
  std::uint32_t ready = 0;
  /// Of the hosts, those with workers that could be given something; or the worker could.
  std::set<std::string, std::less<>> present_hosts;
  bool present = false;
};

class Preferences {
 public:
  using Accepts = std::function<bool(std::uint32_t)>;
  using Take = std::optional<std::uint32_t> (Preferences::*)(std::size_t examined_max,
                                                             const Accepts& accepts);

  /// No task prefers anything.
  bool empty() const { return lanes_.empty(); }
  bool prefers(std::uint32_t index) const {
    return index < lane_of_.size() && lane_of_[index] != kNone;
  }
  /// Before any is taken: of the first tasks, in their order; they are ready.
  void prefer_hosts(const std::vector<std::vector<std::string>>& hosts,
                    const std::vector<PreferredSplits>& splits);
  struct Now {
    bool ready = false;
    bool again = false;  // It was ready before.
  };
  /// The task, which is so now, prefers a worker from now on, or nothing.
  void prefer_worker(std::uint32_t index, std::optional<WorkerId> worker, Now now);
  /// Whether the task prefers this worker, or its host.
  bool is_preferred(std::uint32_t index, WorkerId worker, const std::string& host) const;
  /// Tasks with a preference.
  std::uint32_t size() const { return size_; }

  /// Workers of the host could be given something, or none of them any more.  False: no task
  /// prefers it.
  bool note_host(const std::string& host, bool present);
  bool note_worker(WorkerId worker, bool present);
  using LanesAt = std::map<std::string, std::vector<std::uint32_t>, std::less<>>;
  /// Of all hosts that are preferred.
  const LanesAt& hosts() const { return lanes_at_; }

  /// A task that prefers something changes its state.
  void note(std::uint32_t index, TaskState from, TaskState to);
  /// It is ready, and was before, by what an earlier master has written down.
  void note_tried(std::uint32_t index);
  std::uint32_t ready() const { return ready_; }

  // Waiting.  It begins when somebody could be given a task of the stage for the first time.
  void set_wait(Duration wait) { wait_ = wait; }
  Duration wait() const { return wait_; }
  void begin_wait(Instant now);
  bool has_begun_wait() const { return until_.has_value(); }
  void end_wait(Instant now);
  bool is_over() const { return over_; }
  /// While it lasts, until when.
  std::optional<Instant> waits_until() const { return over_ ? std::nullopt : until_; }
  /// It lasts, and ready tasks wait for somebody who is there.
  bool is_waiting() const { return until_ && !over_ && !ready_lanes_.empty(); }

  // Taking.  The first that is ready and accepted; of those that were ready before no more than
  // `examined_max` are looked at.
  /// Lanes with ready tasks whose hosts or worker are there, and from where to look at them.
  const std::set<std::uint32_t>& ready_lanes() const { return ready_lanes_; }
  std::uint32_t lane_seen = 0;
  /// Those with ready tasks that have nobody there.
  const std::set<std::uint32_t>& absent_lanes() const { return absent_lanes_; }
  const PreferenceLane& lane(std::uint32_t lane) const { return lanes_.at(lane); }
  bool wants(WorkerId worker, const std::string& host) const;
  std::optional<std::uint32_t> take(std::uint32_t lane, std::size_t examined_max,
                                    const Accepts& accepts);
  std::optional<std::uint32_t> take_for(WorkerId worker, const std::string& host,
                                        std::size_t examined_max, const Accepts& accepts);
  /// Of those that were ready before: nobody is waited for twice.
  std::optional<std::uint32_t> take_again(std::size_t examined_max, const Accepts& accepts);
  /// Of those that wait for nobody: the wait is over, or nobody is there.
  std::optional<std::uint32_t> take_late(std::size_t examined_max, const Accepts& accepts);

  std::size_t entries() const;

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  std::uint32_t next_lane() const { return static_cast<std::uint32_t>(lanes_.size()); }
  std::uint32_t lane_for(WorkerId worker);
  void file(std::uint32_t lane);
  void count_ready(std::uint32_t lane, bool ready);
  void file_again(std::uint32_t index);
  std::optional<std::uint32_t> take_from(std::deque<std::uint32_t>& list, std::uint32_t lane,
                                         std::size_t examined_max, const Accepts& accepts);

  std::vector<PreferenceLane> lanes_;
  std::vector<std::uint32_t> lane_of_;  // By task, as far as any prefers something.
  std::vector<bool> ready_tasks_;       // Of those that prefer something.
  std::vector<bool> tried_;             // Were ready before: when they are ready, again_ has them.
  std::map<WorkerId, std::uint32_t> lane_of_worker_;
  LanesAt lanes_at_;
  std::deque<std::uint32_t> again_;  // Of all lanes.
  std::uint32_t late_ = 0;           // Tasks before it were taken once, or were not ready.
  std::uint32_t size_ = 0;
  std::uint32_t ready_ = 0;
  std::set<std::uint32_t> ready_lanes_;
  std::set<std::uint32_t> absent_lanes_;  // With ready tasks, but nobody is there.
  Duration wait_{0};
  std::optional<Instant> until_;
  bool over_ = false;
};

}  // namespace fanfold::master::scheduling
