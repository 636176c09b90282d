// Everything that can happen to the scheduler.  A lost worker is not an error to be returned; it
// is an event to be handled.

#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/proto/types.hpp"

namespace fanfold::master {

/// Neighbouring splits that lie on one host.
struct HostSplits {
  std::string host;  // Empty: anybody can read them.
  std::uint32_t count = 0;
};
/// Neighbouring splits that had better be read on one of the same hosts.
struct PreferredSplits {
  static constexpr std::uint32_t kAnywhere = ~std::uint32_t{0};
  std::uint32_t hosts =
      kAnywhere;  // Which of JobSubmitted::preferred_hosts; or it is all the same.
  std::uint32_t count = 0;
};
/// A job, planned: its splits exist.  What the splits contain is the service's business.
struct JobSubmitted {
  JobId job;
  std::vector<std::uint64_t> split_bytes;  // One map task each; may be empty.
  std::uint32_t partitions = 1;
  bool sample = false;  // A sampling task must commit before any map starts.
  std::uint32_t attempts_max = 4;
  bool speculate = true;
  /// Of a million tasks, how many must give the same on another worker before they commit.
  std::uint32_t verify_per_million = 0;
  /// When its maps count as done, and until when, on the wall clock (0: no deadline).
  proto::CompletionPolicy completion;
  proto::OnDeadline on_deadline = proto::OnDeadline::kFail;
  std::uint64_t deadline_unix_us = 0;
  std::vector<proto::Retrier> retry;
  proto::BadRecordPolicy bad_records;
  proto::JobControl control;
  std::uint64_t items = 0;         // That may fail: JobControl::failures_per_million is of these.
  std::uint32_t gather_arity = 0;  // Of the tree that brings the partitions together; 0: none.
  proto::ReplicaPolicy replicas;
  bool open = false;  // More splits may come.
  /// Where they have to be read, as Worker::place, of all splits in their order; empty: anywhere.
  std::vector<HostSplits> hosts = {};
  std::string sample_host = {};  // The same of the sampling task.
  /// As Worker::host_name; none is empty.  Apart from `preferred`, which may be as long as there
  /// are splits.
  std::vector<std::vector<std::string>> preferred_hosts = {};
  /// Of the first splits, in their order; of the others it makes no difference.
  std::vector<PreferredSplits> preferred = {};
  /// A task waits so long for a slot where it had better run.
  std::uint64_t locality_wait_ms = 0;
  proto::ShuffleMode shuffle_mode = proto::ShuffleMode::kPull;
  bool over_network = false;  // Nothing is opened where it lies.
  /// A partition with less is never hot; or kHotFromUsualBytes.
  std::uint64_t hot_partition_bytes = proto::kNeverHot;
  bool fold_hot = false;  // Its values can be folded before they are reduced.
};
/// More splits of an open job, or the word that there will be no others.
struct InputOffered {
  JobId job;
  std::vector<std::uint64_t> split_bytes;
  std::uint64_t unix_us = 0;  // When it came.
  bool close = false;
};
struct JobCancelled {
  JobId job;
};
/// Of what is marked.  The values are in their ranges.
struct JobChangeWanted {
  JobId job;
  proto::JobChange change;
};
/// New, or known to an earlier master: then what it lists is taken over, and what it does not list
/// any more is gone.
struct WorkerJoined {
  WorkerId worker;
  std::uint32_t slots = 0;
  std::vector<proto::HeldTask> attempts;
  std::vector<proto::HeldOutputs> outputs;
  bool outputs_complete = true;
  std::string name{};  // For people.
  std::string host{};  // Workers of one host may all be wrong in the same way.
  /// What it can read and others cannot is marked with this; empty: nothing.
  std::string place{};
  std::string host_name{};   // Where tasks may prefer to run; empty: it has none.
  bool knows_homes = true;   // What they are told.
  bool knows_shares = true;  // It can fold a part of a hot partition.
};
/// Drains: running attempts go on, nothing new; map outputs stay until WorkerLeft.
struct WorkerDraining {
  WorkerId worker;
};
struct WorkerLeft {
  WorkerId worker;
};
/// Everything the worker holds; reconciled with what the scheduler gave it.
struct HeartbeatReceived {
  WorkerId worker;
  std::vector<proto::AttemptProgress> attempts;
};
struct CommitRequested {
  WorkerId worker;
  AttemptId attempt;
  bool output_empty = false;  // Map: nothing to fetch, so nothing to lose.
  std::uint64_t bytes_out = 0;
  abi::BlockSummary flow;         // Pairs handed over: written by a map, read by a reduce.
  std::uint64_t digest = 0;       // Of all that counts of the result, where it is compared.
  std::uint64_t records = 0;      // Map: that were read.
  std::uint64_t bad_records = 0;  // Of them, skipped or put aside.
  std::uint64_t failures = 0;     // Map: counted by the job itself; kAnyNumber: beyond any limit.
  std::vector<proto::PartitionBytes> heavy = {};  // Map: with more than their even share.
};
struct AttemptFailed {
  WorkerId worker;
  AttemptId attempt;
  proto::FailureKind kind = proto::FailureKind::kNone;
  /// kFetch: the map attempts whose outputs could not be read.
  std::vector<AttemptId> lost_outputs;
  Duration delay{0};  // kGivenBack: the task is not due before so much has passed.
};
/// A reduce attempt waits to be told where its inputs lie: it cannot read the outputs of these map
/// attempts, or has no list of them at all.
struct InputsWanted {
  WorkerId worker;
  AttemptId attempt;
  std::vector<AttemptId> lost;
};
/// The service has published the output, or could not.
struct JobPublished {
  JobId job;
  bool succeeded = false;
  std::string reason;
  bool may_pass = false;  // A full or failing disk: worth another try.
};
/// Time passed; deadlines are examined.
struct Tick {};

using Event = std::variant<JobSubmitted, JobCancelled, WorkerJoined, WorkerDraining, WorkerLeft,
                           HeartbeatReceived, CommitRequested, AttemptFailed, InputsWanted,
                           JobPublished, Tick, JobChangeWanted, InputOffered>;

}  // namespace fanfold::master
