// Everything the scheduler may ask the outside world to do.  Data only.

#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/core/ids.hpp"
#include "common/proto/types.hpp"

namespace fanfold::master {

/// Where reduce input lies: one entry per split whose output is not empty, in order of splits.
struct CommittedOutput {
  std::uint32_t split = 0;
  AttemptId attempt;
  WorkerId worker;
  bool operator==(const CommittedOutput&) const = default;
};
struct AssignAttempt {
  WorkerId worker;
  AttemptId attempt;
  TaskId task;
  std::uint32_t attempt_number = 1;
  bool speculative = false;
  std::uint64_t generation = 0;    // Of what a reduce reads.
  std::uint64_t list_version = 0;  // Reduce: its list was given by ListOutputs before; 0: none.
};
/// From now on the reduces of the job read these.  One list for all: with thousands of reduces of
/// thousands of outputs nothing else is affordable.
struct ListOutputs {
  JobId job;
  std::uint64_t version = 0;  // Grows, over restarts too.
  std::uint64_t generation = 0;
  std::vector<CommittedOutput> outputs;
};
/// The worker waits for the list, and has not got it or has an older one.
struct TellOutputs {
  WorkerId worker;
  JobId job;
};
/// These have committed since each of these workers was told last: segments of its partitions may
/// go to its host before they are reduced.  A hint; it may be lost.  Without outputs: they need not
/// stay there.
struct TellHomes {
  JobId job;
  std::uint64_t segment_bytes_max = 0;  // Larger segments stay where they are; 0: none do.
  std::vector<CommittedOutput> outputs;
  struct Home {
    WorkerId worker;
    std::vector<std::uint32_t> partitions;
  };
  std::vector<Home> homes;
};
/// An attempt that an earlier master assigned goes on under this one: nothing is sent.
struct AdoptAttempt {
  WorkerId worker;
  AttemptId attempt;
  TaskId task;
  std::uint32_t attempt_number = 1;
};
struct CancelAttempt {
  WorkerId worker;
  AttemptId attempt;
};
struct AnswerCommit {
  WorkerId worker;
  AttemptId attempt;
  bool granted = false;
};
struct NoteFailure {
  WorkerId worker;
  AttemptId attempt;
};
/// Publish the committed reduce (and map side) outputs; answer with JobPublished.  Asked again by
/// the first step after a restart that interrupted it.  A map is named by the last of its attempts
/// that committed, even when its run file was lost since: what it staged is still there.
struct PublishJob {
  JobId job;
  std::vector<AttemptId> maps;     // By split.
  std::vector<AttemptId> reduces;  // By partition.
  AttemptId gathered;              // The root of the gather tree; none: there is no tree.
  std::uint32_t audited = 0;       // Maps that gave the same on another worker.
};
/// The job reached a final state: tell the client, remove staging, let workers forget it.  The
/// first step after a restart asks it again for every job that is remembered; it must be harmless.
struct FinishJob {
  JobId job;
  proto::JobState state = proto::JobState::kFailed;
  std::string reason;
  TaskId failed_task;
  AttemptId first_failure;
};
/// Silent too long, or gone: its routes are dropped; should it come back it must say Hello again.
struct ForgetWorker {
  WorkerId worker;
};

using Action =
    std::variant<AssignAttempt, ListOutputs, TellOutputs, TellHomes, AdoptAttempt, CancelAttempt,
                 AnswerCommit, NoteFailure, PublishJob, FinishJob, ForgetWorker>;

}  // namespace fanfold::master
