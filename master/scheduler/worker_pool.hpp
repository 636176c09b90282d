// The workers: who is there, how many slots each has, what it runs, queues and keeps, and who
// should get the next attempt.  Knows attempts only by id and decides nothing about tasks.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/core/deadlines.hpp"
#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/proto/types.hpp"
#include "master/scheduler/demerits.hpp"

namespace fanfold::master::scheduling {

enum class WorkerState : std::uint8_t {
  kExpected = 0,  // Registered with an earlier master; has not joined this one yet.
  kActive = 1,
  kDraining = 2,  // Finishes what runs; gets nothing new.
  kGone = 3,      // Lost or left; about to be erased.
};
inline constexpr std::size_t kWorkerStates = 4;

/// The one table of legal moves; docs/scheduler.md shows it.
bool is_legal(WorkerState from, WorkerState to);
const char* name_of(WorkerState state);

/// For the next attempt, best first: free slots before queues.
using Candidates = std::set<std::pair<std::uint64_t, WorkerId>>;

/// Those of one host, by its name.
struct HostWorkers {
  Candidates candidates;
  std::uint32_t workers = 0;
};

struct Worker {
  WorkerId id;
  std::string name;
  std::string host;
  bool knows_homes = true;
  bool knows_shares = true;
  std::string place;  // What lies there only workers with the same one can read; empty: nothing.
  std::string host_name;              // Empty: it has none.
  HostWorkers* neighbours = nullptr;  // Of that host; null: it has no name.
  WorkerState state = WorkerState::kExpected;
  std::uint32_t slots = 0;
  Instant heard;
  bool excused = false;         // Had its grace, and was not heard since.
  std::set<AttemptId> running;  // In slots, as far as the master knows.
  std::set<AttemptId> queued;   // Behind them, in this order.
  std::set<AttemptId> lent;     // Out of their slots, to which they return before the queue.
  std::set<AttemptId> voted;    // Out of them for good: they have a result.
  /// Committed map outputs by job; some may have been invalidated since.
  std::map<JobId, std::vector<std::uint32_t>> outputs;
  std::uint32_t faults = 0;  // Infrastructure failures since its last commit.
  bool resting = false;      // After such a failure: nothing new for a while.
  Demerits demerits;
  proto::WorkerStanding standing = proto::WorkerStanding::kGood;
  std::uint32_t exclusions = 0;       // So far.
  std::set<WorkerId> accusers;        // Who could not read from it; while it has demerits.
  std::optional<std::uint64_t> rank;  // As filed among the candidates.
  std::uint32_t slots_counted = 0;    // In those of all that are active.
};

/// Ranks below it have a free slot; ranks from here on count queued attempts per 1024 slots.
inline constexpr std::uint64_t kQueueRank = std::uint64_t{1} << 32;

class WorkerPool {
 public:
  explicit WorkerPool(Duration silence_max) : silence_max_(silence_max) {}

  /// Null when unknown.
  Worker* find(WorkerId worker);
  /// Registered: not there yet.
  Worker& expect(WorkerId worker, std::uint32_t slots);
  /// Expected or already there: active with these slots, unless it drains.
  Worker& join(Instant now, WorkerId worker, std::uint32_t slots);
  /// Once, when it has joined.
  void settle(Worker& worker, const std::string& place, const std::string& host_name);
  void drain(Worker& worker);
  /// It gets and promotes nothing any more; its attempts are the caller's to end before erase().
  void mark_gone(Worker& worker);
  void erase(WorkerId worker);
  void hear(Instant now, Worker& worker);
  /// Silence begins now, for all of them: the master starts.
  void await_all(Instant now);
  /// Silence proves nothing for a time in which nobody listened, nor for `grace` after it, in which
  /// the messages of that time are read.
  void forgive_silence(Instant now, Duration slept, Duration grace);

  /// Puts an attempt into a free slot (true) or behind the slots (false).
  bool add(Instant now, Worker& worker, AttemptId attempt);
  /// The attempt that moved up into the slot, if any.
  std::optional<AttemptId> remove(Instant now, Worker& worker, AttemptId attempt);
  /// A running attempt makes room for another one; it is promoted when a slot is free again.
  void lend(Instant now, Worker& worker, AttemptId attempt);
  /// An attempt is done, and waits for others to be compared with.  What moved up, if anything.
  std::optional<AttemptId> set_aside(Instant now, Worker& worker, AttemptId attempt);
  /// The same for one that another master assigned, for which there is no slot by our books.
  static void hold_aside(Worker& worker, AttemptId attempt) { worker.voted.insert(attempt); }
  /// The worker says that it runs it.  False: no slot is free by our books, they will catch up.
  bool promote(Instant now, Worker& worker, AttemptId attempt);

  void add_output(WorkerId holder, JobId job, std::uint32_t split);
  void forget_outputs(JobId job);

  /// Backs off from a worker that fails for reasons of its own.
  void rest(Instant now, Worker& worker);
  void wake(Worker& worker);
  void note_commit(Instant now, Worker& worker);

  /// It did something wrong: more of that, and it gets less to do, and then nothing for a while.
  void blame(Instant now, Worker& worker, std::uint32_t demerits);
  /// `reader` cannot read what it keeps.
  void accuse(Instant now, Worker& worker, WorkerId reader);
  /// Time has passed for it: exclusions end, demerits fade.
  void review(Instant now, Worker& worker);

  /// Whether it may be given something, were there room.
  static bool may_start(const Worker& worker) {
    return worker.state == WorkerState::kActive && !worker.resting &&
           worker.standing != proto::WorkerStanding::kExcluded;
  }
  /// Whether it may be the home of a partition.
  static bool may_be_home(const Worker& worker) { return worker.knows_homes && may_start(worker); }
  /// At most so many of those that may, each as often as it has slots, side by side with others.
  std::vector<WorkerId> homes(std::uint32_t most) const;
  std::size_t homes_possible() const;
  /// Those that work are on several hosts.
  bool spans_hosts() const;
  bool has_free_slot() const;
  static bool has_free_slot(const Worker& worker);
  /// The worker with the most free slots that is not to be avoided; null: none.
  Worker* free_worker(const std::vector<WorkerId>& avoid) { return free_worker(avoid, {}); }
  /// And is on none of these hosts.
  Worker* free_worker(const std::vector<WorkerId>& avoid, const std::vector<std::string>& hosts);
  /// The first of the best with free slots that is accepted; looks at no more than `examined_max`.
  Worker* free_worker_if(std::size_t examined_max, const std::function<bool(Worker&)>& accepts);
  /// With the most free slots on a host of this name, and not to be avoided.
  Worker* free_worker_on(std::string_view host_name, const std::vector<WorkerId>& avoid);
  /// Somebody on a host of this name could be given something, now or later.
  bool anybody_on(std::string_view host_name) const;
  /// The same of one worker.
  bool is_candidate(WorkerId worker) const;
  /// Workers that could be given something and can be no more, or the other way round, since the
  /// last call; with the names of their hosts.
  std::vector<std::pair<WorkerId, std::string>> take_shifts() { return std::exchange(shifts_, {}); }
  /// The same at this place.
  Worker* free_worker_at(std::string_view place, const std::vector<WorkerId>& avoid);
  /// Of those without a free slot the one with the shortest queue, if it may queue that many per
  /// slot. `passed_over`: those that get nothing in advance.
  Worker* queue_worker(std::uint32_t per_slot,
                       const std::function<bool(const Worker&)>& passed_over);
  /// Somebody who is not to be avoided could run something, sooner or later.
  bool anybody_but(const std::vector<WorkerId>& avoid) const;
  bool anybody_at(std::string_view place, const std::vector<WorkerId>& avoid) const;
  /// Somebody there is active.
  bool is_present(std::string_view place) const { return active_at_.count(place) > 0; }
  /// Where a slot is free.
  const std::set<std::string, std::less<>>& free_places() const { return free_places_; }

  /// Of active workers.
  std::uint32_t slots() const { return slots_; }
  /// Of those that have not come back yet.
  std::uint32_t slots_expected() const;
  /// Whoever is there, or is expected.
  bool all_know_shares() const;
  /// Those that could be given something, now or later.
  std::uint32_t active() const { return static_cast<std::uint32_t>(active_.size()); }
  std::size_t expected() const { return expected_.size(); }
  /// Whether somebody who holds outputs of the job has not come back yet.
  bool expects_holder(JobId job) const;
  const std::map<WorkerId, Worker>& all() const { return workers_; }

  const Deadlines<WorkerId>& silences() const { return silences_; }
  const Deadlines<WorkerId>& rests() const { return rests_; }
  const Deadlines<WorkerId>& stalls() const { return stalls_; }
  /// When a worker that is not in good standing is to be reviewed.
  const Deadlines<WorkerId>& reviews() const { return reviews_; }

 private:
  void move(Worker& worker, WorkerState to);
  void file(Worker& worker);
  void count_slots(Worker& worker);
  void file_at_place(const Worker& worker, std::optional<std::uint64_t> rank);
  void file_on_host(Worker& worker, std::optional<std::uint64_t> rank);
  void count_active(const Worker& worker, bool active);
  void set_standing(Instant now, Worker& worker, proto::WorkerStanding standing);
  /// Fewer workers are left: so many may not be excluded any more.
  void end_surplus_exclusions();
  void watch_queue(Instant now, const Worker& worker);

  const Duration silence_max_;
  std::uint32_t slots_ = 0;
  std::map<WorkerId, Worker> workers_;
  std::set<WorkerId> expected_;
  std::set<WorkerId> active_;
  std::set<WorkerId> excluded_;  // Of them.
  Candidates candidates_;
  // Of those that have a place, by that.
  std::map<std::string, Candidates, std::less<>> candidates_at_;
  std::set<std::string, std::less<>> free_places_;
  std::map<std::string, std::uint32_t, std::less<>> active_at_;  // How many; none with 0.
  std::map<std::string, HostWorkers, std::less<>> hosts_;        // By name.
  std::vector<std::pair<WorkerId, std::string>> shifts_;
  Deadlines<WorkerId> silences_;
  Deadlines<WorkerId> rests_;
  Deadlines<WorkerId> reviews_;
  Deadlines<WorkerId> stalls_;  // Of workers with a queue: when it will have stood too long.
};

}  // namespace fanfold::master::scheduling
