// The order of the fields of each message on the wire, beside those of the structs in them
// (fields.hpp).

#pragma once

#include "common/proto/fields.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::proto {

// Messages whose senders may be of another version: `protocol` stays the first field for ever.
template <class Archive>
void serialize(Archive& archive, Submit& m) {
  archive(m.protocol, m.spec);
}
template <class Archive>
void serialize(Archive& archive, GetJob& m) {
  archive(m.protocol, m.job, m.follow);
}
template <class Archive>
void serialize(Archive& archive, ListJobs& m) {
  archive(m.protocol);
}
template <class Archive>
void serialize(Archive& archive, CancelJob& m) {
  archive(m.protocol, m.job, Since{7, m.state_id});
}
template <class Archive>
void serialize(Archive& archive, ChangeJob& m) {
  archive(m.protocol, m.job, m.change);
}
template <class Archive>
void serialize(Archive& archive, Feed& m) {
  archive(m.protocol, m.job, m.feeder, m.offset, m.bytes, m.close, m.state_id);
}
template <class Archive>
void serialize(Archive& archive, FeedReply& m) {
  archive(m.job, m.feeder, m.offset, m.size, m.close, m.taken, m.code, m.message, m.state_id);
}
template <class Archive>
void serialize(Archive& archive, PutBlob& m) {
  archive(m.protocol, m.sha256, m.size, m.offset, m.bytes);
}
template <class Archive>
void serialize(Archive& archive, BlobReply& m) {
  archive(m.sha256, m.offset, m.taken, m.kept, CheckedCode{m.code}, m.message);
}
template <class Archive>
void serialize(Archive& archive, GetBlob& m) {
  archive(m.worker, m.sha256, m.offset, m.damaged);
}
template <class Archive>
void serialize(Archive& archive, BlobPart& m) {
  archive(m.sha256, m.offset, m.size, m.bytes, CheckedCode{m.code}, m.message);
}
template <class Archive>
void serialize(Archive& archive, GetLogs& m) {
  archive(m.protocol, m.job, m.one_task, m.task, m.attempt_number);
}
template <class Archive>
void serialize(Archive& archive, GetCluster& m) {
  archive(m.protocol);
}
template <class Archive>
void serialize(Archive& archive, StopCluster& m) {
  archive(m.protocol);
}
template <class Archive>
void serialize(Archive& archive, GetEvents& m) {
  archive(m.protocol, m.job, m.offset, m.task, m.attempt_number);
}
template <class Archive>
void serialize(Archive& archive, GetOutput& m) {
  archive(m.protocol, m.job, m.attempt, m.offset);
}
template <class Archive>
void serialize(Archive& archive, Output& m) {
  archive(m.attempt, m.offset, m.left_out, m.bytes, m.ended);
}
template <class Archive>
void serialize(Archive& archive, OutputPart& m) {
  archive(m.worker, m.attempt, m.offset, m.left_out, m.bytes);
}
template <class Archive>
void serialize(Archive& archive, ReadOutput& m) {
  archive(m.attempt, m.offset);
}
template <class Archive>
void serialize(Archive& archive, PeerKeys& m) {
  archive(m.version, m.keys);
}
template <class Archive>
void serialize(Archive& archive, HostFilesListed& m) {
  archive(m.worker, m.request, CheckedCode{m.code}, m.message, m.files, m.left_out,
          m.left_out_first);
}
template <class Archive>
void serialize(Archive& archive, ListHostFiles& m) {
  archive(m.request, m.patterns, m.look_above);
}
template <class Archive>
void serialize(Archive& archive, ListInputs& m) {
  archive(m.protocol, m.inputs, m.look_above);
}
template <class Archive>
void serialize(Archive& archive, InputsListed& m) {
  archive(m.inputs, CheckedCode{m.code}, m.message, m.files, m.notes);
}
template <class Archive>
void serialize(Archive& archive, Hello& m) {
  archive(m.protocol, m.uuid, m.name, m.host_id, m.scratch, m.data_endpoint, m.slots, m.process,
          m.attempts, m.outputs, m.outputs_complete, Since{7, m.host}, Since{7, m.host_inputs},
          Since{7, m.state_id});
}

template <class Archive>
void serialize(Archive& archive, Answer& m) {
  archive(CheckedCode{m.code}, m.message, m.job);
}
template <class Archive>
void serialize(Archive& archive, JobReply& m) {
  archive(m.status, Since{7, m.state_id});
}
template <class Archive>
void serialize(Archive& archive, JobList& m) {
  archive(m.jobs);
}
template <class Archive>
void serialize(Archive& archive, LogEntry& e) {
  archive(e.task, e.attempt, e.attempt_number, e.worker, e.outcome, e.text, e.failure, e.bytes);
}
template <class Archive>
void serialize(Archive& archive, Logs& m) {
  archive(m.entries);
}
template <class Archive>
void serialize(Archive& archive, ClusterReply& m) {
  archive(m.address, m.process, m.uptime_ms, m.workers, m.jobs_running);
}
template <class Archive>
void serialize(Archive& archive, Events& m) {
  archive(m.job, m.offset, m.bytes, m.ended);
}

template <class Archive>
void serialize(Archive& archive, Heartbeat& m) {
  archive(m.worker, m.epoch, m.attempts, m.newest, m.peers, Since{7, m.room});
}
template <class Archive>
void serialize(Archive& archive, CommitRequest& m) {
  archive(m.worker, m.attempt, m.report, m.log_text, m.log_bytes);
}
template <class Archive>
void serialize(Archive& archive, AttemptFailed& m) {
  archive(m.worker, m.attempt, m.failure, m.log_text, m.log_bytes);
}
template <class Archive>
void serialize(Archive& archive, Bye& m) {
  archive(m.worker, m.finished);
}
template <class Archive>
void serialize(Archive& archive, WorkersDied& m) {
  archive(m.uuids);
}
template <class Archive>
void serialize(Archive& archive, InputsWanted& m) {
  archive(m.worker, m.attempt, m.lost, m.message);
}

template <class Archive>
void serialize(Archive& archive, Welcome& m) {
  archive(m.worker, m.epoch, m.heartbeat_ms, m.silence_ms, Since{7, m.state_id});
}
template <class Archive>
void serialize(Archive&, Unknown&) {}
template <class Archive>
void serialize(Archive& archive, HeartbeatEcho& m) {
  archive(m.epoch);
}
template <class Archive>
void serialize(Archive& archive, Assign& m) {
  archive(m.assignment);
}
template <class Archive>
void serialize(Archive& archive, CancelAttempt& m) {
  archive(m.attempt);
}
template <class Archive>
void serialize(Archive& archive, CommitAnswer& m) {
  archive(m.attempt, m.granted);
}
template <class Archive>
void serialize(Archive& archive, FailureNoted& m) {
  archive(m.attempt);
}
template <class Archive>
void serialize(Archive& archive, ForgetJob& m) {
  archive(m.job);
}
template <class Archive>
void serialize(Archive&, Goodbye&) {}
template <class Archive>
void serialize(Archive& archive, ListPage& m) {
  archive(m.job, m.version, m.generation, m.page, m.pages, m.packed);
}

template <class Archive>
void serialize(Archive& archive, FetchSegment& m) {
  archive(m.request, m.job, m.attempt, m.partition, m.offset, m.length);
}
template <class Archive>
void serialize(Archive& archive, Chunk& m) {
  archive(m.request, CheckedCode{m.code}, m.message, m.segment, m.offset, m.checksum, m.bytes);
}

}  // namespace fanfold::proto
