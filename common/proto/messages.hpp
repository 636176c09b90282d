// Every message, with its permanent tag.  docs/protocol.md has a row for each.
// Append fields at the end, each with the version it came with (fields.hpp); a message that came
// with one says so: kSince = 7.  Never reorder, reuse or renumber; retire a tag with a tombstone
// comment.  versions.hpp has what is for peers of the version before.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/run_file.hpp"
#include "common/proto/blobs.hpp"
#include "common/proto/host_files.hpp"
#include "common/proto/shuffle.hpp"
#include "common/proto/types.hpp"

namespace fanfold::proto {

// ---- client -> master ----------------------------------------------------------------------
struct Submit {
  static constexpr std::uint16_t kTag = 1;
  std::uint32_t protocol = kProtocolVersion;
  JobSpec spec;
};
/// Answered by JobReply now, and again whenever `follow` is set and the status changes.
struct GetJob {
  static constexpr std::uint16_t kTag = 2;
  std::uint32_t protocol = kProtocolVersion;
  JobId job;
  bool follow = false;
};
struct ListJobs {
  static constexpr std::uint16_t kTag = 3;
  std::uint32_t protocol = kProtocolVersion;
};
struct CancelJob {
  static constexpr std::uint16_t kTag = 4;
  std::uint32_t protocol = kProtocolVersion;
  JobId job;
  std::uint64_t state_id = 0;  // Of the master that the job is of; 0: of any.
};
struct GetLogs {
  static constexpr std::uint16_t kTag = 5;
  std::uint32_t protocol = kProtocolVersion;
  JobId job;
  bool one_task = false;
  TaskId task;
  std::uint32_t attempt_number = 0;  // 0: all attempts.
};
struct GetCluster {
  static constexpr std::uint16_t kTag = 6;
  std::uint32_t protocol = kProtocolVersion;
};
/// Cancels what runs, lets the workers go, ends the master.
struct StopCluster {
  static constexpr std::uint16_t kTag = 7;
  std::uint32_t protocol = kProtocolVersion;
};
/// Asks for a part of a job's event log; a follower asks for the next one.  With an attempt: of the
/// capsule that it left when it failed.
struct GetEvents {
  static constexpr std::uint16_t kTag = 8;
  std::uint32_t protocol = kProtocolVersion;
  JobId job;
  std::uint64_t offset = 0;  // In bytes.
  TaskId task = {};
  std::uint32_t attempt_number = 0;  // 0: the log.
};
/// Asks for what an attempt has written from byte `offset` on, while it runs or later.
struct GetOutput {
  static constexpr std::uint16_t kTag = 9;
  std::uint32_t protocol = kProtocolVersion;
  JobId job;
  AttemptId attempt;
  std::uint64_t offset = 0;
};
/// What is marked is so from now on; saying it twice changes nothing.
struct ChangeJob {
  static constexpr std::uint16_t kTag = 10;
  std::uint32_t protocol = kProtocolVersion;
  JobId job;
  JobChange change;
};
/// More records for an open job, or the word that there will be none.  A feeder sends one batch at
/// a time, again and again until it is answered; what comes again is no second batch.
struct Feed {
  static constexpr std::uint16_t kTag = 11;
  static constexpr std::uint32_t kSince = 7;
  static constexpr const char* kFeature = "feeding of jobs";
  std::uint32_t protocol = kProtocolVersion;
  JobId job;
  std::string feeder;        // Names who sends; several may feed a job.
  std::uint64_t offset = 0;  // Bytes that the job has of this feeder before this batch.
  std::string bytes;         // Whole records.  Empty, and not `close`: how much does the job have?
  bool close = false;        // Without records.
  std::uint64_t state_id = 0;  // As in CancelJob.
};

// ---- master -> client ----------------------------------------------------------------------
/// kOk, or why the request was refused.
struct Answer {
  static constexpr std::uint16_t kTag = 20;
  std::uint8_t code = 0;  // StatusCode
  std::string message;
  JobId job;  // Submit and CancelJob.
};
struct JobReply {
  static constexpr std::uint16_t kTag = 21;
  JobStatus status;
  std::uint64_t state_id = 0;  // As in Welcome.
};
struct JobList {
  static constexpr std::uint16_t kTag = 22;
  std::vector<JobStatus> jobs;
};
struct LogEntry {
  TaskId task;
  AttemptId attempt;
  std::uint32_t attempt_number = 0;
  std::string worker;
  std::string outcome;  // "committed", "running", or the failure's name.
  std::string text;
  FailureReport failure;    // kNone unless it failed.
  std::uint64_t bytes = 0;  // That it wrote in all: `text` may be the end of them.
};
struct Logs {
  static constexpr std::uint16_t kTag = 23;
  std::vector<LogEntry> entries;
};
struct ClusterReply {
  static constexpr std::uint16_t kTag = 24;
  std::string address;
  std::uint32_t process = 0;
  std::uint64_t uptime_ms = 0;
  std::vector<WorkerStatus> workers;
  std::uint32_t jobs_running = 0;
};
/// Whole lines, unless the part is as large as a part may be.
struct Events {
  static constexpr std::uint16_t kTag = 25;
  JobId job;
  std::uint64_t offset = 0;  // As in the request.
  std::string bytes;
  bool ended = false;  // Nothing will follow.
};

/// What an attempt wrote: as much as fits into a part, or nothing (yet).
struct Output {
  static constexpr std::uint16_t kTag = 26;
  AttemptId attempt;
  std::uint64_t offset = 0;    // As in the request.
  std::uint64_t left_out = 0;  // Bytes from there on that nobody has any more; `bytes` follow them.
  std::string bytes;
  bool ended = false;  // The attempt is over, and this is all.
};
/// Of a Feed: kOk when its records are the job's, durably.  kExhausted: there is no room yet.
struct FeedReply {
  static constexpr std::uint16_t kTag = 27;
  static constexpr std::uint32_t kSince = 7;
  static constexpr const char* kFeature = "feeding of jobs";
  // What it answers: replies to what was sent before may come late.
  JobId job;
  std::string feeder;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  // Of the bytes.
  bool close = false;
  std::uint64_t taken = 0;  // Bytes that the job has of this feeder.
  std::uint8_t code = 0;    // StatusCode
  std::string message;
  std::uint64_t state_id = 0;  // As in Welcome.
};

// ---- worker -> master ----------------------------------------------------------------------
struct Hello {
  static constexpr std::uint16_t kTag = 40;
  std::uint32_t protocol = kProtocolVersion;
  std::string uuid;  // Of this worker process: a restarted worker is another worker.
  std::string name;  // Shown to people.
  std::string host_id;
  std::string scratch;
  std::string data_endpoint;
  std::uint32_t slots = 0;
  std::uint32_t process = 0;
  /// What a restarted master takes over, or has dropped.
  std::vector<HeldTask> attempts;
  std::vector<HeldOutputs> outputs;
  bool outputs_complete = true;  // False: there are more than a frame holds.
  std::string host = {};         // Its name in "host://NAME/path".
  bool host_inputs = false;      // Some of its host's files may be read by that name.
  std::uint64_t state_id = 0;    // Of the master that welcomed it before; 0: none has.
};
/// Lists every attempt that the worker holds; the master reconciles: what it misses it assigns
/// again, what it does not know it cancels.
struct Heartbeat {
  static constexpr std::uint16_t kTag = 41;
  WorkerId worker;
  std::uint64_t epoch = 0;
  std::vector<AttemptProgress> attempts;
  /// The newest attempt that the worker was told of, to run or to stop it.  What is newer and not
  /// listed may be on its way to the worker.
  AttemptId newest;
  /// Of the PeerKeys that the worker goes by; 0: none.
  std::uint64_t peers = 0;
  HostRoom room = {};
};
/// Sent until answered by CommitAnswer.
struct CommitRequest {
  static constexpr std::uint16_t kTag = 42;
  WorkerId worker;
  AttemptId attempt;
  AttemptReport report;
  std::string log_text;
  std::uint64_t log_bytes = 0;  // All that it wrote; of very much, the middle is not in the text.
};
/// Sent until answered by FailureNoted.
struct AttemptFailed {
  static constexpr std::uint16_t kTag = 43;
  WorkerId worker;
  AttemptId attempt;
  FailureReport failure;
  std::string log_text;
  std::uint64_t log_bytes = 0;
};
/// No new work, please; sent again by heartbeat time until Goodbye.
struct Bye {
  static constexpr std::uint16_t kTag = 44;
  WorkerId worker;
  bool finished = false;  // True: nothing runs any more and map outputs are about to go.
};
/// Workers of the same host whose processes are gone, and their files with them: whoever said this
/// holds the locks that they held.  Sent with Hello until the first Welcome.
struct WorkersDied {
  static constexpr std::uint16_t kTag = 45;
  std::vector<std::string> uuids;
};
/// A reduce attempt was told of a list of map outputs that has not come, or cannot read some of
/// them.  It keeps what it has, goes on with the others, and says this until a list has what it
/// needs.
struct InputsWanted {
  static constexpr std::uint16_t kTag = 46;
  WorkerId worker;
  AttemptId attempt;
  std::vector<AttemptId> lost;  // Map attempts whose outputs it cannot read; of very many, some.
  std::string message;          // Why the first of them cannot be read.
};

/// Answers ReadOutput.
struct OutputPart {
  static constexpr std::uint16_t kTag = 47;
  WorkerId worker;
  AttemptId attempt;
  std::uint64_t offset = 0;  // These three as in Output.
  std::uint64_t left_out = 0;
  std::string bytes;
};

// ---- master -> worker ----------------------------------------------------------------------
struct Welcome {
  static constexpr std::uint16_t kTag = 60;
  WorkerId worker;  // None: it holds what another state knows of, and has to begin anew.
  std::uint64_t epoch = 0;
  std::uint64_t heartbeat_ms = 0;
  std::uint64_t silence_ms = 0;
  /// Of the state directory, made with it: ids mean nothing to a master that has another one.
  std::uint64_t state_id = 0;
};
/// The worker's uuid is not known (any more), or was known to an earlier master: say Hello again.
struct Unknown {
  static constexpr std::uint16_t kTag = 61;
};
struct HeartbeatEcho {
  static constexpr std::uint16_t kTag = 62;
  std::uint64_t epoch = 0;
};
struct Assign {
  static constexpr std::uint16_t kTag = 63;
  TaskAssignment assignment;
};
struct CancelAttempt {
  static constexpr std::uint16_t kTag = 64;
  AttemptId attempt;
};
struct CommitAnswer {
  static constexpr std::uint16_t kTag = 65;
  AttemptId attempt;
  bool granted = false;  // False: another attempt won, or the job is over; drop the output.
};
struct FailureNoted {
  static constexpr std::uint16_t kTag = 66;
  AttemptId attempt;
};
/// The job is over: drop its map outputs, plugins and logs.
struct ForgetJob {
  static constexpr std::uint16_t kTag = 67;
  JobId job;
};
struct Goodbye {
  static constexpr std::uint16_t kTag = 68;
};
// 69 was NewInputs, which named what a single reduce attempt should read.
/// A part of the list of a job's map outputs, packed (output_list.hpp).  The pages of one version
/// make one list.  What an attempt of another generation has does not go together with it: that
/// attempt is about to be cancelled.
struct ListPage {
  static constexpr std::uint16_t kTag = 70;
  JobId job;
  std::uint64_t version = 0;  // Grows, over restarts of the master too.
  std::uint64_t generation = 0;
  std::uint32_t page = 0;
  std::uint32_t pages = 0;
  std::string packed;
};
/// Somebody wants to read what an attempt has written from byte `offset` on.
struct ReadOutput {
  static constexpr std::uint16_t kTag = 71;
  AttemptId attempt;
  std::uint64_t offset = 0;
};
/// Whose keys other workers have: they may fetch from this one's data server, nobody else.
struct PeerKeys {
  static constexpr std::uint16_t kTag = 72;
  std::uint64_t version = 0;
  std::string keys;  // 32 bytes each, one after the other.
};

// ---- worker <-> worker (data plane) --------------------------------------------------------
/// Credit in bytes: the server sends at most `length` bytes for it, in one Chunk.
struct FetchSegment {
  static constexpr std::uint16_t kTag = 80;
  std::uint64_t request = 0;  // Chosen by the fetcher, echoed.
  JobId job;
  AttemptId attempt;
  std::uint32_t partition = 0;
  std::uint64_t offset = 0;  // Within the segment's stored bytes.
  std::uint32_t length = 0;
};
struct Chunk {
  static constexpr std::uint16_t kTag = 81;
  std::uint64_t request = 0;
  std::uint8_t code = 0;  // StatusCode; kNotFound: this output is gone.
  std::string message;
  io::Segment segment;  // As in the index.
  std::uint64_t offset = 0;
  std::uint64_t checksum = 0;  // XXH3 of bytes.
  std::string bytes;
};

using ClientMessage =
    std::variant<Submit, GetJob, ListJobs, CancelJob, GetLogs, GetCluster, StopCluster, GetEvents,
                 GetOutput, ChangeJob, Feed, PutBlob, ListInputs>;
using ClientReply = std::variant<Answer, JobReply, JobList, Logs, ClusterReply, Events, Output,
                                 FeedReply, BlobReply, InputsListed>;
using WorkerMessage = std::variant<Hello, Heartbeat, CommitRequest, AttemptFailed, Bye, WorkersDied,
                                   InputsWanted, OutputPart, GetBlob, HostFilesListed>;
using MasterMessage = std::variant<Welcome, Unknown, HeartbeatEcho, Assign, CancelAttempt,
                                   CommitAnswer, FailureNoted, ForgetJob, Goodbye, ListPage,
                                   ReadOutput, PeerKeys, BlobPart, ListHostFiles, HomeOutputs>;
/// What arrives at the master's socket.
using MasterInput = std::variant<Submit, GetJob, ListJobs, CancelJob, GetLogs, GetCluster,
                                 StopCluster, GetEvents, GetOutput, ChangeJob, Feed, PutBlob,
                                 ListInputs, Hello, Heartbeat, CommitRequest, AttemptFailed, Bye,
                                 WorkersDied, InputsWanted, OutputPart, GetBlob, HostFilesListed>;
using DataMessage = std::variant<FetchSegment, Chunk>;

/// Frames are: tag (2 bytes, little endian), fields.  Encoding cannot fail.  In this version, or
/// in that which the message itself names, when this build speaks it.
template <class Message>
std::string encode(const Message& message);

/// Total: any bytes give a message or kCorruption; lengths are checked before allocation.
/// `protocol`: the sender's, kProtocolBefore or kProtocolVersion; a frame that names one itself is
/// believed.  kInvalidArgument: it names one that this build does not speak; the message has all
/// numbers.  One specialisation for each variant above.
template <class Variant>
Result<Variant> decode(std::string_view frame, std::uint32_t protocol = kProtocolVersion);

}  // namespace fanfold::proto
