// What the durable facts say, folded by other code than the scheduler's.  Checkers compare the
// cluster's behaviour with it.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/proto/gather.hpp"
#include "master/scheduler/fact.hpp"

namespace fanfold::sim {

struct ModelTask {
  AttemptId committed;  // None: not committed, or invalidated since.
  WorkerId holder;
  bool output_empty = false;
  std::uint64_t item_failures = 0;  // As its last commit counted them.
  std::uint32_t failures = 0;
  std::uint32_t invalidations = 0;
};

struct ModelJob {
  master::JobSubmitted submitted;
  proto::JobControl control;
  std::uint64_t fed_bytes = 0;
  std::map<TaskId, ModelTask> tasks;  // Those that something happened to.
  /// What it covers, once that is decided: the maps that were committed then.
  std::optional<master::CoverageDecided> decided;
  std::set<std::uint32_t> covered;
  std::set<std::uint32_t> given_up;
  bool publishing = false;
  bool nondeterministic = false;
  std::uint32_t dissents = 0;
  bool no_majority = false;  // Of the replicas of some task.
  proto::Shares shares;
  std::optional<master::JobEnded> ended;

  std::uint32_t committed(Stage stage) const;
  /// Maps that committed once, even if their output was lost since.
  std::uint32_t maps_ever() const;
  std::uint32_t maps() const { return static_cast<std::uint32_t>(submitted.split_bytes.size()); }
  /// How many maps its reduces read.
  std::uint32_t maps_to_read() const {
    return decided ? static_cast<std::uint32_t>(covered.size()) : maps();
  }
  /// All of its reduces that read map outputs are committed.
  bool maps_are_read() const;
  /// One of each partition, and the shares.
  std::uint32_t reduces() const { return submitted.partitions + shares.tasks(); }
  proto::GatherTree tree() const {
    return proto::GatherTree(submitted.partitions, submitted.gather_arity);
  }
  bool covers(std::uint32_t map) const { return !decided || covered.count(map) > 0; }
  bool may_be_partial() const {
    return submitted.completion.rule != proto::CompletionRule::kAll ||
           (submitted.deadline_unix_us != 0 &&
            submitted.on_deadline == proto::OnDeadline::kPartial);
  }
};

struct FactModel {
  std::map<JobId, ModelJob> jobs;
  std::map<AttemptId, TaskId> commits;  // Of every attempt that ever committed.
  std::set<WorkerId> gone;

  void apply(const master::Fact& fact);
  const ModelJob* find(JobId job) const;
  const ModelTask* find(const TaskId& task) const;
};

}  // namespace fanfold::sim
