// One job that has not ended: its stages, its live attempts and what happened to its tasks.
// Knows nothing of workers' slots or of other jobs.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/proto/gather.hpp"
#include "common/proto/types.hpp"
#include "master/scheduler/attempt.hpp"
#include "master/scheduler/bad_records.hpp"
#include "master/scheduler/completion.hpp"
#include "master/scheduler/event.hpp"
#include "master/scheduler/home_book.hpp"
#include "master/scheduler/replicas.hpp"
#include "master/scheduler/stage_tasks.hpp"
#include "master/scheduler/task.hpp"

namespace fanfold::master::scheduling {

/// The one table of legal moves; docs/scheduler.md shows it.
bool is_legal(proto::JobState from, proto::JobState to);

/// Who is served next: of the most urgent the one with the smallest share of slots for its weight,
/// then the one whose last turn is longest ago.
struct JobRank {
  std::uint32_t unhurried = 0;  // The opposite of a priority.
  std::uint64_t share = 0;
  std::uint64_t turn = 0;
  JobId job;
  auto operator<=>(const JobRank&) const = default;
};

struct Job {
  explicit Job(const JobSubmitted& submitted);

  StageTasks& stage(Stage which);
  const StageTasks& stage(Stage which) const;
  bool contains(const TaskId& task) const;
  Trouble& trouble_of(const TaskId& task) { return troubles[{task.stage, task.index}]; }
  /// Null when the task never met any.
  Trouble* find_trouble(Stage which, std::uint32_t index);

  void move_to(proto::JobState to);

  /// The stage whose tasks may be assigned now.  Reduces wait for every map; letting them start
  /// (and fetch) earlier would be decided here.  A level of the gather tree waits for the one
  /// before it.
  StageTasks& open_stage();
  const StageTasks& open_stage() const;
  /// Tasks of that stage run several times.  Results are brought together once: all that is read
  /// for it is committed, and its own results are checked against that.
  bool replicates(Stage which) const { return replicas.replicated() && which != Stage::kGather; }
  /// Results that are to be compared, and branches, are left as they are.
  bool may_share() const { return fold_hot && !replicas.replicated(); }
  /// Certain tasks that are open now may wait for certain workers, and never queue.
  bool is_exacting() const { return replicas.replicated() || !open_stage().lanes().empty(); }
  /// The same, or for a while they wait for those that they prefer.
  bool is_choosy() const { return is_exacting() || open_stage().preferences().is_waiting(); }
  /// What reduces give is committed.
  bool reduced() const;
  /// The same, and it is brought together, or has been.
  bool gathers() const { return gather.size() > 0 && reduced(); }
  /// Everything that the output needs is committed.
  bool complete() const { return reduced() && gather.complete(); }
  /// Maps, and bytes of their splits, that the output has in it or would have in it now.
  std::uint32_t maps_covered() const;
  std::uint64_t bytes_covered() const;
  /// Somebody may still want to read the map outputs: not the reduces that read what their shares
  /// have left.
  bool needs_map_outputs() const;

  JobId id;
  std::uint32_t attempts_max = 0;
  bool speculate = true;
  bool restored = false;  // Accepted by an earlier master.
  proto::JobState state = proto::JobState::kRunning;
  Instant accepted;

  std::uint32_t partitions = 1;
  StageTasks sample;
  StageTasks map;
  StageTasks reduce;  // One of each partition, and then the shares of those that are hot.
  proto::GatherTree tree;
  StageTasks gather;  // The inner nodes of the tree.
  std::map<std::pair<Stage, std::uint32_t>, Trouble> troubles;
  AttemptLedger ledger;
  /// Grows when a map that runs again hands over something else: what reduces of an earlier
  /// generation read does not go together with what others read.
  std::uint64_t generation = 0;
  /// Of the list of outputs that reduces are told; 0: all outputs are empty; nothing: what they
  /// were told is not true any more, or they were told nothing yet.
  std::optional<std::uint64_t> list_version;
  std::uint32_t verify_per_million = 0;
  /// Committed maps that are still to be compared with a second run, and how many were.
  std::set<std::uint32_t> audits;
  std::uint32_t audited = 0;
  Completion completion;
  std::vector<proto::Retrier> retry;
  proto::BadRecordPolicy bad_record_policy;
  BadRecordTally bad_records;
  FailureTally failures;
  std::uint64_t items = 0;
  std::uint64_t hot_bytes = 0;
  bool fold_hot = false;
  std::map<std::uint32_t, std::uint64_t> heavy;  // By partition, as maps tell of them.
  bool weighed = false;                          // It was decided what follows from that:
  std::vector<proto::HeavyPartition> hot;
  proto::Shares shares;
  proto::JobControl control;
  proto::ReplicaPolicy replicas;
  /// Of the tasks that have a live attempt, when each is to have several.
  std::map<std::pair<Stage, std::uint32_t>, Ballot> ballots;
  std::uint32_t voted = 0;  // Live attempts that have voted.
  ReplicaTally tally;
  /// Of an open job: since when there are maps from this one on, in the order of both.
  std::vector<std::pair<std::uint32_t, Instant>> arrivals;
  HomeBook homes;
  std::uint32_t publications = 0;  // That failed.
  std::set<AttemptId> attempts;    // Live.
  std::set<AttemptId> starved;     // Of them, reduces that wait for map outputs to be made again.
  std::set<AttemptId> lenders;     // Of those, the ones that have a slot: a map may run in it.
  AttemptId lender_seen;           // The one that was looked at last.
  std::string host_seen;           // Of those with tasks, the one that was looked at last.

  std::uint32_t running = 0;  // Attempts in slots.
  std::uint64_t turn = 0;
  std::optional<JobRank> rank;  // As filed among the jobs with ready tasks, and
  bool choosy = false;          // whether among those that may wait for certain workers.

  std::uint32_t attempts_failed = 0;
  std::uint32_t attempts_lost = 0;
  std::uint32_t attempts_speculative = 0;
  TaskId slowest_task;
  Duration slowest{0};
};

}  // namespace fanfold::master::scheduling
