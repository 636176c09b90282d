// The tasks of one stage of one job: their states, who is next, and how far the stage is.
// Refuses illegal moves; knows nothing of workers.

#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/proto/types.hpp"
#include "master/scheduler/durations.hpp"
#include "master/scheduler/host_lanes.hpp"
#include "master/scheduler/preferences.hpp"
#include "master/scheduler/task.hpp"

namespace fanfold::master::scheduling {

class StageTasks {
 public:
  StageTasks(Stage stage, std::size_t count);
  StageTasks(Stage stage, const std::vector<std::uint64_t>& bytes);

  Stage stage() const { return stage_; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(tasks_.size()); }
  Task& at(std::uint32_t index);
  const Task& at(std::uint32_t index) const;
  bool contains(std::uint32_t index) const { return index < tasks_.size(); }

  /// Before any is taken: all of them, in the order in which they are to be.  So many of the first
  /// come before what others prefer.
  void arrange(std::vector<std::uint32_t> order, std::uint32_t urgent);
  /// One of these was never taken.
  bool has_urgent() const;
  /// Before any is taken: only certain workers can run its tasks, or some of them.
  void place(const std::vector<HostSplits>& hosts);
  HostLanes& lanes() { return lanes_; }
  const HostLanes& lanes() const { return lanes_; }
  /// Where the task has to run; empty: anywhere.
  std::string_view place_of(std::uint32_t index) const;

  /// Before any is taken: where the first of its tasks had better run.
  void prefer_hosts(const std::vector<std::vector<std::string>>& hosts,
                    const std::vector<PreferredSplits>& splits);
  /// The same for one task, at any time.
  void prefer_worker(std::uint32_t index, std::optional<WorkerId> worker);
  Preferences& preferences() { return preferences_; }
  const Preferences& preferences() const { return preferences_; }

  /// The only way to change a task's state.
  void move(std::uint32_t index, TaskState to);

  std::uint32_t count(TaskState state) const { return counts_[static_cast<std::size_t>(state)]; }
  std::uint32_t done() const { return count(TaskState::kCommitted); }
  std::uint32_t given_up() const { return count(TaskState::kGivenUp); }
  /// Before any is taken: only the first `count` may be, the others wait for what these make.
  void hold_back_after(std::uint32_t count);
  /// So many may be taken now; what is open stays so.
  void open(std::uint32_t count) { closed_ = std::min(closed_, size() - count); }
  /// This one may be, whatever comes before it in the order; for an arranged stage.
  void open_task(std::uint32_t index);
  std::uint32_t opened() const { return size() - closed_; }
  bool is_open(std::uint32_t index) const { return place_in_order(index) < opened(); }
  /// Ready, and open.
  std::uint32_t ready() const { return count(TaskState::kReady) - closed_; }
  /// Nothing is left to be done: whatever was not given up is committed, and no more will come.
  bool complete() const { return !grows && done() + given_up() == size(); }

  /// More tasks, behind those that there are.
  void append(const std::vector<std::uint64_t>& bytes);

  /// Tasks that nobody has, and the bytes of their input.
  std::uint32_t waiting() const { return count(TaskState::kReady) + count(TaskState::kDelayed); }
  std::uint64_t bytes_waiting() const { return bytes_waiting_; }

  /// The task was handed out `number` times by now, or more often.
  void note_receipt(std::uint32_t index, std::uint32_t number);
  /// Tasks that were handed out once, twice, ...; the last: or more often.
  const std::array<std::uint32_t, 8>& receipts() const { return receipts_; }
  std::uint32_t receipts_most() const { return receipts_most_; }

  /// The task counts for nothing any more: no output, no flow, no attempt that committed.
  void give_up(std::uint32_t index);
  /// The same for all that have not committed.
  void give_up_rest();

  /// Ready tasks of one lane: first those that were ready before, then a fresh one; the first for
  /// which `accepts` says so is taken out of the lane.  Looks at no more than `examined_max`.
  std::optional<std::uint32_t> take_from(HostLane& lane, std::size_t examined_max,
                                         const std::function<bool(std::uint32_t)>& accepts);

  // Ready tasks that anybody can run, and that prefer nobody: first those that were ready before,
  // in the order in which they became so again, then fresh ones by index.
  std::size_t retries() const { return again_.size(); }
  std::uint32_t retry_at(std::size_t position) const { return again_[position]; }
  void take_retry(std::size_t position);
  std::optional<std::uint32_t> fresh();
  std::optional<std::uint32_t> next_fresh() const;
  void take_fresh() { ++cursor_; }
  /// A ready task is taken out of turn.
  void take(std::uint32_t index);

  /// What the last attempt of a task handed over that committed; null: none did.
  const abi::BlockSummary* flow(std::uint32_t index) const;
  void set_flow(std::uint32_t index, const abi::BlockSummary& flow);
  /// Of all tasks; looks at each.
  abi::BlockSummary total_flow() const;

  /// More tasks may come.
  bool grows = false;

  /// Of a task that has committed; of one that is to run again, anywhere.
  void note_place(std::uint32_t index, Ran ran);
  /// Tasks that committed where they had better run, and elsewhere.
  std::uint32_t done_there() const { return done_there_; }
  std::uint32_t done_elsewhere() const { return done_elsewhere_; }

  // Plain sums, kept by whoever starts and ends attempts.
  std::uint32_t running = 0;
  std::uint32_t backups = 0;
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_given_up = 0;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_out = 0;
  Durations durations;
  std::optional<Instant> started;
  std::optional<Instant> finished;
  std::uint32_t hedges = 0;   // Of all time.
  std::uint32_t ballots = 0;  // Tasks of which several are to be live, and one is.
  /// Assigned tasks that are to have one more replica: how many live ones they have on workers that
  /// stay, and the complement of their index, so that of the last ones the first task is the last.
  std::set<std::pair<std::uint32_t, std::uint32_t>> wanting;
  /// Behind the first ones: who was looked at last.
  std::pair<std::uint32_t, std::uint32_t> wanting_seen;
  /// Running attempts without a twin, oldest first: who may need a backup.
  std::set<std::pair<Instant, AttemptId>> alone;

 private:
  Stage stage_;
  std::vector<Task> tasks_;
  std::vector<abi::BlockSummary> flows_;  // Empty until the first one is set.
  std::array<std::uint32_t, kTaskStates> counts_{};
  std::uint64_t bytes_waiting_ = 0;
  std::array<std::uint32_t, 8> receipts_{};
  std::uint32_t receipts_most_ = 0;
  std::uint32_t task_at(std::uint32_t place) const {
    return order_.empty() ? place : order_[place];
  }
  std::uint32_t place_in_order(std::uint32_t index) const {
    return places_.empty() ? index : places_[index];
  }

  std::deque<std::uint32_t> again_;
  // Empty: by their numbers.
  std::vector<std::uint32_t> order_;
  std::vector<std::uint32_t> places_;  // The inverse.
  std::uint32_t cursor_ = 0;           // Tasks from this place on were never taken.
  std::uint32_t urgent_ = 0;           // Of the first.
  std::uint32_t closed_ = 0;           // At the end, not open yet.
  HostLanes lanes_;                    // Empty: anybody can run all of them.
  Preferences preferences_;
  std::uint32_t done_there_ = 0;
  std::uint32_t done_elsewhere_ = 0;
};

}  // namespace fanfold::master::scheduling
