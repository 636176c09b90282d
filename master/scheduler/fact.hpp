// What must survive a crash of the master: facts, not raw events.  The scheduler's durable state
// changes only by applying facts, live and in recovery.

#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/core/ids.hpp"
#include "common/proto/types.hpp"
#include "master/scheduler/event.hpp"

namespace fanfold::master {

struct JobAccepted {
  JobSubmitted job;
};
/// The first valid attempt wins; it absorbs all later ones.
struct AttemptCommitted {
  TaskId task;
  AttemptId attempt;
  WorkerId worker;
  bool output_empty = false;
  std::uint64_t bytes_out = 0;
  abi::BlockSummary flow;
  std::uint64_t records = 0;
  std::uint64_t bad_records = 0;
  std::uint64_t failures = 0;
  bool preferred = false;  // The task had better run somewhere,
  bool there = false;      // and did.
  std::vector<proto::PartitionBytes> heavy = {};
};
/// A committed map output was lost while still needed: the task runs again.
struct MapOutputInvalidated {
  TaskId task;
  AttemptId attempt;
};
/// Charged to the task's retry budget.
struct TaskFailureCounted {
  TaskId task;
  AttemptId attempt;
  proto::FailureKind kind = proto::FailureKind::kNone;
  std::uint64_t again_unix_us = 0;  // When the task is due again; 0: at once, or never.
  std::uint64_t delay_us = 0;       // How long after its failure that was.
};
struct JobCommitStarted {
  JobId job;
};
struct JobEnded {
  JobId job;
  proto::JobState state = proto::JobState::kFailed;
  std::string reason;
  TaskId failed_task;       // kFailed by a task: the task ...
  AttemptId first_failure;  // ... and the first of its attempts that failed.
  proto::CompletionReason completion = proto::CompletionReason::kNone;
};
/// Its id stands for this worker in the time of later masters too.
struct WorkerRegistered {
  WorkerId worker;
  std::uint32_t slots = 0;
  bool knows_shares = true;
};
/// Lost or left: its attempts have no right to commit any more, and its outputs are gone.
struct WorkerGone {
  WorkerId worker;
};
/// A task ran twice and gave different things.  The end of its job follows.
struct NonDeterminismFound {
  TaskId task;
  AttemptId earlier;
  AttemptId attempt;
  abi::BlockSummary before;
  abi::BlockSummary after;
};
/// A map that has failed as often as it may, of a job that can do without it.
struct TaskGivenUp {
  TaskId task;
  AttemptId first_failure;
  proto::FailureKind kind = proto::FailureKind::kNone;  // Of the last one.
};
/// The job goes on with the maps that are committed now, and with no other ever: what is lost of
/// them is made again, what has not committed is not covered.
struct CoverageDecided {
  JobId job;
  proto::CompletionReason reason = proto::CompletionReason::kNone;
  std::uint32_t covered = 0;
};
/// What of a job may be changed while it runs is so from now on.
struct JobControlled {
  JobId job;
  proto::JobControl control;
};
/// A replica gave something else than the majority, or there is none: then it stands here of each.
struct DissentFound {
  TaskId task;
  AttemptId attempt;
  WorkerId worker;
  std::string worker_name;
  std::uint64_t digest = 0;
  bool decided = false;
  std::uint64_t accepted = 0;  // Digest of the majority.
};
/// An open job has these further maps.  Closed, it will have no others.
struct InputFed {
  JobId job;
  std::vector<std::uint64_t> split_bytes;
  std::uint64_t unix_us = 0;
  bool closed = false;
};

/// The maps are complete, and some partitions have more than others.  Hot ones may get shares.
struct PartitionsWeighed {
  JobId job;
  std::vector<proto::HeavyPartition> heavy;  // The largest first.
  std::vector<std::uint32_t> ends = {};      // Of shares, as proto::Shares takes them.
  bool workers_older = false;                // A worker is there that could not do shares.
};

using Fact = std::variant<JobAccepted, AttemptCommitted, MapOutputInvalidated, TaskFailureCounted,
                          JobCommitStarted, JobEnded, WorkerRegistered, WorkerGone,
                          NonDeterminismFound, TaskGivenUp, CoverageDecided, JobControlled,
                          DissentFound, InputFed, PartitionsWeighed>;

}  // namespace fanfold::master
