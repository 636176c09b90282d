// The order of fields on the wire, one line per struct: this file and message_fields.hpp ARE the
// format.  Append only, and say since when: Since{7, m.room}.  Templates over the archive;
// codec.cpp alone instantiates them.

#pragma once

#include "common/io/run_file.hpp"
#include "common/proto/field_marks.hpp"
#include "common/proto/host_files.hpp"
#include "common/proto/known.hpp"
#include "common/proto/shuffle_fields.hpp"
#include "common/proto/stored.hpp"
#include "common/proto/types.hpp"

namespace fanfold {

template <class Archive, class Tag>
void serialize(Archive& archive, Id<Tag>& id) {
  archive(id.value);
}
template <class Archive>
void serialize(Archive& archive, TaskId& t) {
  archive(t.job, proto::Checked{t.stage}, t.index);
}

namespace abi {
template <class Archive>
void serialize(Archive& archive, BlockSummary& s) {
  archive(s.records, s.sum, s.exclusive_or);
}
}  // namespace abi

namespace io {
template <class Archive>
void serialize(Archive& archive, Piece& p) {
  archive(p.path, p.tag, p.begin, p.end, proto::Checked{p.compression}, p.quoted_at_begin,
          p.version);
}
template <class Archive>
void serialize(Archive& archive, PartInfo& p) {
  archive(p.name, p.bytes, p.records, p.checksum);
}
template <class Archive>
void serialize(Archive& archive, Segment& s) {
  archive(s.partition, s.offset, s.stored_bytes, s.raw_bytes, s.largest_block, s.summary);
}
}  // namespace io

namespace proto {

template <class Archive>
void serialize(Archive& archive, FileReference& f) {
  archive(f.name, f.path, f.sha256);
}
template <class Archive>
void serialize(Archive& archive, CompletionPolicy& p) {
  archive(Checked{p.rule}, p.count, p.per_million);
}
template <class Archive>
void serialize(Archive& archive, Retrier& r) {
  archive(r.errors, r.interval_ms, r.attempts_max, r.backoff_per_mille, r.delay_ms_max,
          Checked{r.jitter});
}
template <class Archive>
void serialize(Archive& archive, BadRecordPolicy& p) {
  archive(Checked{p.what}, p.records_max, p.per_million);
}
template <class Archive>
void serialize(Archive& archive, JobControl& c) {
  archive(c.max_concurrency, c.priority, c.weight, c.paused, c.failures_max,
          c.failures_per_million);
}
template <class Archive>
void serialize(Archive& archive, JobChange& c) {
  archive(c.max_concurrency, c.priority, c.weight, c.paused, c.to, c.failures_max,
          c.failures_per_million);
}
template <class Archive>
void serialize(Archive& archive, GatherPolicy& p) {
  archive(Checked{p.how}, p.arity);
}
template <class Archive>
void serialize(Archive& archive, ReplicaPolicy& p) {
  archive(p.replicas, Checked{p.accept}, p.hedge_per_mille, p.hedge_ms);
}
template <class Archive>
void serialize(Archive& archive, Dissenter& d) {
  archive(d.worker, d.name, d.results);
}
template <class Archive>
void serialize(Archive& archive, ReplicaStatus& s) {
  archive(s.policy, s.started, s.discarded, s.stopped, s.hedges, s.hedges_won, s.waiting,
          s.dissents, s.dissenters, s.votes);
}
template <class Archive>
void serialize(Archive& archive, Preference& p) {
  archive(p.pattern, p.hosts);
}
template <class Archive>
void serialize(Archive& archive, LocalityStatus& s) {
  archive(s.maps, s.there, s.elsewhere, s.wait_ms);
}
template <class Archive>
void serialize(Archive& archive, JobSpec& s) {
  archive(s.job_name, s.plugin, s.inputs, s.output, s.parameters, s.side_files, s.partitions,
          Checked{s.on_exists}, Checked{s.output_format}, Checked{s.output_compression},
          Checked{s.shuffle});
  archive(Checked{s.format}, s.fixed_length, s.csv_header, Checked{s.partitioning}, s.key_order,
          s.input_tags);
  archive(s.split_bytes, s.memory_bytes, s.attempts_max, s.task_timeout_ms, s.stall_timeout_ms,
          s.record_bytes_max, s.speculate, s.client_id, s.submitted_by, s.verify_per_million);
  archive(s.completion, s.deadline_ms, Checked{s.on_deadline}, s.retry, s.traceparent,
          s.bad_records, s.control, s.profile, s.measure_keys, s.items,
          Since{7, s.gather, kGathering}, Since{7, s.replicas, "replicas and hedges of tasks"},
          Since{7, s.open, kFeeding}, Since{7, s.prefer, kPreferring}, Since{7, s.locality_wait_ms},
          Since{7, Checked{s.shuffle_mode}}, Since{7, s.hot_partition_bytes}, Since{7, s.fold_hot});
}
template <class Archive>
void serialize(Archive& archive, Split& s) {
  archive(s.pieces, s.bytes);
}
template <class Archive>
void serialize(Archive& archive, MapOutput& o) {
  archive(o.split, o.attempt, o.holder);
}
template <class Archive>
void serialize(Archive& archive, Holder& h) {
  archive(h.worker, h.host_id, h.scratch, h.data_endpoint);
}
template <class Archive>
void serialize(Archive& archive, GatherInput& g) {
  archive(g.attempt, g.file);
}
template <class Archive>
void serialize(Archive& archive, PartitionBytes& p) {
  archive(p.partition, p.bytes);
}
template <class Archive>
void serialize(Archive& archive, HeavyPartition& p) {
  archive(p.partition, p.bytes, p.hot, p.shares);
}
template <class Archive>
void serialize(Archive& archive, PartitionShare& s) {
  archive(s.partition, s.splits_begin, s.splits_end);
}
template <class Archive>
void serialize(Archive& archive, TaskAssignment& a) {
  archive(a.attempt, a.task, a.attempt_number, a.spec, a.partitions, a.staging, a.split,
          a.splitters, a.generation, a.list_version, Since{7, a.gather_inputs, kGathering},
          Since{7, a.branch, kGathering}, Since{7, a.share, kSharing});
}
template <class Archive>
void serialize(Archive& archive, MemoryCurve& c) {
  archive(c.resident_bytes, c.step_ms, c.peak_bytes, c.budget_bytes);
}
template <class Archive>
void serialize(Archive& archive, FailureReport& f) {
  archive(Checked{f.kind}, f.message, f.stack, f.record_file, f.record_offset, f.log_tail, f.worker,
          f.lost_outputs, f.key, f.record_to_blame, Since{7, f.memory}, Since{7, f.delay_ms});
}
template <class Archive>
void serialize(Archive& archive, HotKey& k) {
  archive(k.key, k.hash, k.partition, k.bytes);
}
template <class Archive>
void serialize(Archive& archive, Emission& e) {
  archive(e.bytes, e.partition_bytes, e.hot_keys);
}
template <class Archive>
void serialize(Archive& archive, AttemptReport& r) {
  archive(r.records_in, r.bytes_in, r.records_out, r.bytes_out, r.spills, r.wall_us,
          r.peak_rss_bytes, r.counters, r.files, r.splitters, r.output_empty, r.emitted, r.flow,
          r.records_mapped, r.records_skipped, r.dead_letters, r.emission, r.failures,
          Since{7, r.fetched}, Since{7, r.heavy_partitions});
}
template <class Archive>
void serialize(Archive& archive, HeldTask& h) {
  archive(h.attempt, h.task, h.attempt_number, h.generation, h.running, Since{7, h.finished});
}
template <class Archive>
void serialize(Archive& archive, HeldOutputs& h) {
  archive(h.job, h.attempts);
}
template <class Archive>
void serialize(Archive& archive, AttemptProgress& p) {
  archive(p.attempt, p.records, p.bytes, p.running);
}
template <class Archive>
void serialize(Archive& archive, StageStatus& s) {
  archive(Checked{s.stage}, s.tasks, s.running, s.done, s.bytes_total, s.bytes_done, s.records_in,
          s.records_out, s.bytes_out, s.elapsed_ms);
}
template <class Archive>
void serialize(Archive& archive, CompletionStatus& s) {
  archive(s.policy, s.deadline_ms, Checked{s.on_deadline}, Checked{s.reason}, s.decided, s.maps,
          s.maps_covered, s.maps_failed, s.maps_dropped, s.bytes, s.bytes_covered);
  archive(s.attempts_stopped, s.attempts_stopping, s.stop_us, s.results_discarded);
}
template <class Archive>
void serialize(Archive& archive, QueueStatus& q) {
  archive(q.open, q.waiting, q.bytes_waiting, q.delayed, q.oldest_ms, q.received, q.received_most);
}
template <class Archive>
void serialize(Archive& archive, JobStatus& s) {
  archive(s.job, s.job_name, s.output, s.submitted_by, Checked{s.state}, s.stages,
          s.failed_attempts, s.lost_attempts, s.speculative_attempts, s.elapsed_ms);
  archive(s.counters, s.notes, s.slowest_task, s.slowest_task_ms, s.reason, s.first_cause,
          s.failed_task, s.failed_attempt, s.output_bytes, s.output_records, s.output_files,
          s.completion, s.records_skipped, s.dead_letters, s.control, s.emission,
          Since{7, s.replicas}, Since{7, s.queue}, Since{7, s.locality}, Since{7, s.shuffle},
          Since{7, s.hot_partitions});
}
template <class Archive>
void serialize(Archive& archive, HostRoom& r) {
  archive(r.memory_bytes, r.memory_bytes_free, r.executor_bytes, r.scratch_bytes,
          r.scratch_bytes_free);
}
template <class Archive>
void serialize(Archive& archive, WorkerStatus& w) {
  archive(w.worker, w.name, w.process, w.slots, w.busy, w.draining, w.silent_ms,
          Checked{w.standing}, w.demerits, w.excluded_ms, Since{7, w.room});
}
template <class Archive>
void serialize(Archive& archive, HostFile& f) {
  archive(f.pattern, f.path, f.size, Checked{f.compression}, f.modified_ns);
}

}  // namespace proto
}  // namespace fanfold
