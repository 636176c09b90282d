// The nouns of the protocol: what a job is, what a task is told, what an attempt reports.
// Plain structs, fixed-width integers.  On the wire fields are only ever appended
// (docs/protocol.md); codec.cpp alone knows how they become bytes.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/io/part_file.hpp"
#include "common/io/piece_reader.hpp"
#include "common/proto/emission.hpp"
#include "common/proto/host_room.hpp"
#include "common/proto/hot_partitions.hpp"
#include "common/proto/job_control.hpp"
#include "common/proto/job_policies.hpp"
#include "common/proto/locality.hpp"
#include "common/proto/memory_curve.hpp"
#include "common/proto/queue_status.hpp"
#include "common/proto/replicas.hpp"
#include "common/proto/shuffle.hpp"
#include "common/proto/stage_status.hpp"
#include "fanfold/abi.hpp"

namespace fanfold::proto {

using Parameters = std::map<std::string, std::string, std::less<>>;

/// Content-addressed file that tasks use: a plugin or a side file.
struct FileReference {
  std::string name;    // Side files: as the user called it.  Plugin: the file's base name.
  std::string path;    // Absolute.
  std::string sha256;  // Hex; checked where the file is used.
};

enum class OnExists : std::uint8_t { kFail = 0, kReplace = 1 };

enum class ShufflePath : std::uint8_t {
  kAuto = 0,     // Files of the same host are opened directly, others are fetched.
  kNetwork = 1,  // Everything through the data servers (--shuffle-over-network).
};

/// When the maps of a job count as done; docs/patterns/completion.md has the rules.
enum class CompletionRule : std::uint8_t {
  kAll = 0,           // Each must succeed.
  kAllCompleted = 1,  // Each must succeed, or fail for good.
  kMinSuccessful = 2,
  kQuorum = 3,
  kFirst = 4,
};
struct CompletionPolicy {
  CompletionRule rule = CompletionRule::kAll;
  std::uint32_t count = 0;        // kMinSuccessful, kQuorum.  A quorum of 0: a majority.
  std::uint32_t per_million = 0;  // kMinSuccessful without a count: of all maps.
  bool operator==(const CompletionPolicy&) const = default;
};

/// When the deadline of a job has passed: it fails, or goes on with the maps that have committed.
enum class OnDeadline : std::uint8_t { kFail = 0, kPartial = 1 };

/// What a user submits, complete: the client has described the plugin and filled in defaults.
struct JobSpec {
  std::string job_name;
  FileReference plugin;
  std::vector<std::string>
      inputs;          // Absolute paths, directories or globs, "TAG=" before tagged ones.
  std::string output;  // Absolute.
  Parameters parameters;
  std::vector<FileReference> side_files;
  std::uint32_t partitions = 0;  // 0: auto.
  OnExists on_exists = OnExists::kFail;
  abi::OutputFormat output_format = abi::OutputFormat::kText;
  io::PartCompression output_compression = io::PartCompression::kNone;
  ShufflePath shuffle = ShufflePath::kAuto;

  // Copied from the plugin's JobInfo.
  abi::RecordFormat format = abi::RecordFormat::kLines;
  std::uint64_t fixed_length = 0;
  bool csv_header = false;
  abi::Partitioning partitioning = abi::Partitioning::kHash;
  std::string key_order;
  std::vector<std::string> input_tags;

  // Limits; 0 means the default.
  std::uint64_t split_bytes = 0;
  std::uint64_t memory_bytes = 0;  // Per executor.
  std::uint32_t attempts_max = 0;
  std::uint64_t task_timeout_ms = 0;   // Wall time per attempt; 0: none.
  std::uint64_t stall_timeout_ms = 0;  // No progress.
  std::uint32_t record_bytes_max = 0;
  bool speculate = true;
  std::string client_id;     // Submitting the same id twice gives the same job.
  std::string submitted_by;  // User name, for `list`.
  /// Of a million tasks, how many run a second time, elsewhere, and must give the same (0: none).
  std::uint32_t verify_per_million = 0;
  CompletionPolicy completion;
  std::uint64_t deadline_ms = 0;  // From when the master hears of the job; 0: none.
  OnDeadline on_deadline = OnDeadline::kFail;
  std::vector<Retrier> retry;  // The first that fits counts.  Empty: attempts_max alone.
  std::string traceparent;     // Of the W3C: what the job is a part of; empty: of nothing.
  BadRecordPolicy bad_records;
  JobControl control;  // At first.
  /// Directory to which executors add where they spend their time (common/profile); empty: nobody
  /// wants to know.
  std::string profile;
  bool measure_keys = true;  // Maps tell which keys most of what they emit belongs to.
  std::uint64_t items = 0;   // That may fail, each by itself; 0: the job has none such.
  GatherPolicy gather;
  ReplicaPolicy replicas;
  bool open = false;               // More input may come while it runs, until somebody closes it.
  std::vector<Preference> prefer;  // The first that matches a file counts.
  std::uint64_t locality_wait_ms = 0;
  ShuffleMode shuffle_mode = ShuffleMode::kPull;
  /// A partition with less is never hot; or kHotFromUsualBytes.
  std::uint64_t hot_partition_bytes = 0;
  bool fold_hot = false;  // Reduces of hot partitions may be shared: values can be folded.
};

/// One map task's share of the input.
struct Split {
  std::vector<io::Piece> pieces;
  std::uint64_t bytes = 0;
};

/// Where a committed map output lies.  The file is <scratch>/<job>/<attempt>/output.run.
struct MapOutput {
  std::uint32_t split = 0;
  AttemptId attempt;
  std::uint32_t holder = 0;  // Index into OutputList::holders.
};

struct Holder {
  WorkerId worker;
  std::string host_id;  // Equal host ids share a file system: open directly.
  std::string scratch;
  std::string data_endpoint;
};

/// What the reduces of a job read.
struct OutputList {
  std::vector<Holder> holders;
  std::vector<MapOutput> outputs;  // Ascending splits; empty outputs are left out.
};

/// What a committed attempt left for a gather task, in <staging>/<attempt>/.
struct GatherInput {
  AttemptId attempt;
  io::PartInfo file;
};

/// Everything an attempt needs, but for where a reduce reads.  Small enough for one control frame.
struct TaskAssignment {
  AttemptId attempt;
  TaskId task;
  std::uint32_t attempt_number = 1;  // Of this task, from 1.
  JobSpec spec;
  std::uint32_t partitions = 1;        // Decided: never 0.
  std::string staging;                 // Directory of the job beside its output.
  Split split;                         // Sample and map.
  std::vector<std::string> splitters;  // Map of a kRange job.
  std::uint64_t generation = 0;        // Of the map outputs: grows when one comes out different.
  /// Reduce: the list of outputs to read, or a newer one of the same generation; 0: there are none.
  std::uint64_t list_version = 0;
  /// Gather: in the order of partitions.  Reduce of a hot partition: what its shares have left.
  std::vector<GatherInput> gather_inputs;
  /// Map of a job that gathers by reducing: the partition that all it emits goes to.
  std::uint32_t branch = 0;
  PartitionShare share;  // Reduce: it folds this, for the reduce of the partition.

  /// Reduce: which one it reads.
  std::uint32_t partition() const { return share.is_share() ? share.partition : task.index; }
};

/// Why an attempt ended without a result: decides who pays (docs/architecture.md).
enum class FailureKind : std::uint8_t {
  kNone = 0,
  // Charged to the task.
  kException = 1,
  kSignal = 2,
  kExit = 3,
  kTimeout = 4,
  kStalled = 5,
  kOutOfMemory = 6,
  kInput = 7,             // Missing, unreadable or malformed input.
  kPlugin = 8,            // Does not load, or is not what was submitted.
  kNonDeterministic = 9,  // The task ran again and gave something else.
  kGivenBack = 10,        // Its own code wants it to be tried later: FailureReport::delay_ms.
  // Charged to the infrastructure.
  kWorkerLost = 20,
  kFetch = 21,  // A map output could not be read: see FailureReport::lost_outputs.
  kNoSpace = 22,
  kIo = 23,
  kSpawn = 24,
  kDrained = 25,
  // Charged to nobody.
  kCancelled = 40,
};

bool charged_to_task(FailureKind kind);
/// "exception", "signal", ...
const char* name_of(FailureKind kind);
/// As a Retry calls it: "Task.Exception", ...; empty for what no task pays for.
const char* error_name(FailureKind kind);

/// The one clear cause of a failed attempt.
struct FailureReport {
  FailureKind kind = FailureKind::kNone;
  std::string message;             // Exception text, "SIGSEGV at address 0x0", "exit status 3" ...
  std::vector<std::string> stack;  // Symbolised, innermost first.
  std::string record_file;         // Empty when not in a record.
  std::uint64_t record_offset = 0;
  std::string log_tail;                 // Last lines that user code wrote.
  std::string worker;                   // Name of the worker, e.g. "host/3".
  std::vector<MapOutput> lost_outputs;  // kFetch: what could not be read.
  std::string key;                      // Reduce: as text, cut; empty when not at a key.
  bool record_to_blame = false;         // A task that passes over the record may get further.
  MemoryCurve memory = {};
  std::uint64_t delay_ms = 0;  // kGivenBack: the task is not tried before so much has passed.
};

/// What a finished attempt asks to commit.
struct AttemptReport {
  std::uint64_t records_in = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t records_out = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t spills = 0;
  std::uint64_t wall_us = 0;
  std::uint64_t peak_rss_bytes = 0;
  std::map<std::string, std::int64_t> counters;
  std::vector<io::PartInfo> files;     // In <staging>/<attempt>/: parts and named outputs.
  std::vector<std::string> splitters;  // Sample.
  bool output_empty = false;           // Map: no run file was kept.
  std::uint64_t emitted = 0;           // Map: pairs, before any combining.
  abi::BlockSummary flow;              // Pairs handed over: flow_of() of what was written or read.
  // Map: these three are the records that were read.
  std::uint64_t records_mapped = 0;
  std::uint64_t records_skipped = 0;
  std::uint64_t dead_letters = 0;
  Emission emission;           // Map.
  std::uint64_t failures = 0;  // Map: failures.hpp; kAnyNumber: never to be tolerated.
  FetchedBytes fetched;        // Reduce.
  /// Map: partitions with much more than their even share of what it wrote, the largest first.
  std::vector<PartitionBytes> heavy_partitions;
  static constexpr std::size_t kHeavyTold = 8;
};

/// What a worker that registers holds: an attempt that has not been answered for.
struct HeldTask {
  AttemptId attempt;
  TaskId task;
  std::uint32_t attempt_number = 1;
  std::uint64_t generation = 0;  // Of the assignment.
  bool running = false;          // False: it waits for a slot or for its inputs.
  bool finished = false;  // It has ended, well or badly, and waits for an answer, in no slot.
};

/// Committed map outputs that a worker keeps for a job.
struct HeldOutputs {
  JobId job;
  std::vector<AttemptId> attempts;  // Ascending.
};

/// A running attempt in a heartbeat.
struct AttemptProgress {
  AttemptId attempt;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  bool running = false;  // False: waits for a slot of its worker.
};

enum class JobState : std::uint8_t {
  kRunning = 1,
  kPublishing = 2,
  kSucceeded = 3,
  kFailed = 4,
  kCancelled = 5,
  kPartial = 6,  // Published without some of its input: never called a success.
};

bool is_final(JobState state);
const char* name_of(JobState state);

/// Why a job went on from its maps, or ended.
enum class CompletionReason : std::uint8_t {
  kNone = 0,  // Not yet, or for another reason (JobStatus::reason).
  kAllCompleted = 1,
  kMinSuccessfulReached = 2,
  kQuorumReached = 3,
  kFirstSuccessful = 4,
  kDeadlineExceeded = 5,
  kFailureToleranceExceeded = 6,
  kCancelled = 7,
};

/// "ALL_COMPLETED", ...; empty for kNone.
const char* name_of(CompletionReason reason);
/// "all", "min-successful", ...
const char* name_of(CompletionRule rule);
const char* name_of(OnDeadline what);
/// "fail", "skip", "dead-letter".
const char* name_of(OnBadRecord what);

/// What of its input a job covers, and what became of the rest.
struct CompletionStatus {
  CompletionPolicy policy;
  std::uint64_t deadline_ms = 0;
  OnDeadline on_deadline = OnDeadline::kFail;
  CompletionReason reason = CompletionReason::kNone;
  bool decided = false;  // Which maps are covered does not change any more.
  std::uint32_t maps = 0;
  std::uint32_t maps_covered = 0;  // Committed.
  std::uint32_t maps_failed = 0;   // Given up: they failed as often as they may.
  std::uint32_t maps_dropped = 0;  // Not needed any more, or too late.
  std::uint64_t bytes = 0;         // Of the input.
  std::uint64_t bytes_covered = 0;
  std::uint32_t attempts_stopped = 0;   // When it was decided.
  std::uint32_t attempts_stopping = 0;  // Of them, not heard of as dead yet.
  std::uint64_t stop_us = 0;            // Until the last that was heard of was dead.
  std::uint32_t results_discarded = 0;  // Of attempts that were stopped: they came too late.
};

struct JobStatus {
  JobId job;
  std::string job_name;
  std::string output;
  std::string submitted_by;
  JobState state = JobState::kRunning;
  std::vector<StageStatus> stages;
  std::uint32_t failed_attempts = 0;  // Charged to tasks.
  std::uint32_t lost_attempts = 0;    // Charged to the infrastructure.
  std::uint32_t speculative_attempts = 0;
  std::uint64_t elapsed_ms = 0;
  std::map<std::string, std::int64_t> counters;
  std::vector<std::string> notes;  // Why this many reducers, warnings of the planner, ...
  TaskId slowest_task;
  std::uint64_t slowest_task_ms = 0;
  // Final states.
  std::string reason;         // One line.
  FailureReport first_cause;  // kFailed by a task.
  TaskId failed_task;
  AttemptId failed_attempt;
  std::uint64_t output_bytes = 0;
  std::uint64_t output_records = 0;
  std::uint32_t output_files = 0;
  CompletionStatus completion;
  std::uint64_t records_skipped = 0;
  std::uint64_t dead_letters = 0;
  JobControl control;
  Emission emission;  // Of the maps that committed.
  ReplicaStatus replicas;
  QueueStatus queue;
  LocalityStatus locality;
  ShuffleStatus shuffle;
  std::vector<HeavyPartition> hot_partitions;  // Those that are hot, the largest first.
};

/// How far a worker is trusted with new attempts; what it did lately decides.
enum class WorkerStanding : std::uint8_t {
  kGood = 1,
  kProbation = 2,  // One attempt at a time, and only when nobody better is free.
  kExcluded = 3,   // None, for a while.
};

const char* name_of(WorkerStanding standing);

struct WorkerStatus {
  WorkerId worker;
  std::string name;
  std::uint32_t process = 0;
  std::uint32_t slots = 0;
  std::uint32_t busy = 0;
  bool draining = false;
  std::uint64_t silent_ms = 0;
  WorkerStanding standing = WorkerStanding::kGood;
  std::uint32_t demerits = 0;     // For its own failures lately; they fade.
  std::uint64_t excluded_ms = 0;  // That its exclusion lasts yet.
  HostRoom room;                  // As it said last.
};

}  // namespace fanfold::proto
