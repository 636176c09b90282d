#include "master/events/event_recorder.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "master/events/json_line.hpp"

namespace fanfold::master {
namespace {

/// What a log that has reached its limit may still grow by: lines of stages and of the job's end.
constexpr std::uint64_t kRoomForTheEnd = 1u << 20;
/// Inputs that are named; of more, their number tells.
constexpr std::size_t kInputsNamed = 100;

std::uint64_t microseconds(Duration duration) {
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, count));
}

}  // namespace

std::uint64_t EventRecorder::time_us(Instant instant) const {
  const auto since_origin =
      std::chrono::duration_cast<std::chrono::microseconds>(instant.since_origin).count();
  return static_cast<std::uint64_t>(unix_us_at_origin_ + since_origin);
}

EventRecorder::JobLog* EventRecorder::find(JobId job) {
  const auto found = jobs_.find(job);
  return found == jobs_.end() ? nullptr : &found->second;
}

void EventRecorder::note_buffered(Instant now, JobLog& job, std::size_t before) {
  const std::size_t added = job.buffer.size() - before;
  job.bytes += added;
  buffered_ += added;
  if (!oldest_) oldest_ = now;
}

bool EventRecorder::admits(Instant now, JobLog& job) {
  if (job.bytes < limits_.bytes_per_job) return true;
  ++job.lines_dropped;
  if (job.capped) return false;
  job.capped = true;
  const std::size_t before = job.buffer.size();
  JsonLine(&job.buffer, "log.capped", time_us(now)).number("bytes_max", limits_.bytes_per_job);
  note_buffered(now, job, before);
  return false;
}

void EventRecorder::accepted(Instant now, const Outline& outline) {
  if (sink_ == nullptr) return;
  restore(outline.job, outline.sample, outline.splits, outline.partitions, outline.gathers);
  JobLog& job = jobs_.at(outline.job);
  job.accepted = outline.submitted;
  job.begins = true;
  job.open = outline.spec->open;
  const proto::JobSpec& spec = *outline.spec;
  const std::span<const std::string> inputs(spec.inputs);
  {
    JsonLine line(&job.buffer, "job.submitted", time_us(outline.submitted));
    line.number("version", 1)
        .number("job", outline.job.value)
        .text("name", spec.job_name)
        .text("user", spec.submitted_by)
        .text("plugin", spec.plugin.path)
        .number("inputs_count", inputs.size())
        .texts("inputs", inputs.first(std::min(inputs.size(), kInputsNamed)))
        .text("output", spec.output);
    if (!spec.profile.empty()) line.text("profile", spec.profile);
    if (!spec.traceparent.empty()) line.text("traceparent", spec.traceparent);
  }
  {
    JsonLine line(&job.buffer, "job.planned", time_us(now));
    line.number("maps", outline.splits).number("reduces", outline.partitions);
    if (outline.gathers > 0) line.number("gathers", outline.gathers);
    line.flag("sample", outline.sample)
        .number("input_bytes", outline.input_bytes)
        .number("memory_bytes", spec.memory_bytes)
        .texts("notes", *outline.notes);
  }
  note_buffered(now, job, 0);
}

void EventRecorder::restore(JobId id, bool sample, std::uint32_t splits, std::uint32_t partitions,
                            std::uint32_t gathers) {
  if (sink_ == nullptr) return;
  JobLog& job = jobs_[id];
  job.stage(Stage::kSample).tasks = sample ? 1 : 0;
  job.stage(Stage::kMap).tasks = splits;
  job.stage(Stage::kReduce).tasks = partitions;
  job.stage(Stage::kGather).tasks = gathers;
}

void EventRecorder::restore_shares(JobId id, std::uint32_t shares) {
  if (JobLog* job = find(id)) job->stage(Stage::kReduce).tasks += shares;
}

void EventRecorder::weighed(Instant now, JobId id, const Weighed& weighed) {
  JobLog* job = find(id);
  if (job == nullptr) return;
  job->stage(Stage::kReduce).tasks += static_cast<std::uint32_t>(weighed.ends.size());
  std::vector<std::uint64_t> partitions;
  std::vector<std::uint64_t> bytes;
  std::vector<std::uint64_t> shares;
  for (const proto::HeavyPartition& one : weighed.heavy) {
    if (!one.hot) break;
    partitions.push_back(one.partition);
    bytes.push_back(one.bytes);
    shares.push_back(one.shares);
  }
  const std::vector<std::uint64_t> ends(weighed.ends.begin(), weighed.ends.end());
  const std::size_t before = job->buffer.size();
  JsonLine(&job->buffer, "partitions.hot", time_us(now))
      .number("shares", ends.size())
      .numbers("partitions", partitions)
      .numbers("partition_bytes", bytes)
      .numbers("partition_shares", shares)
      .numbers("share_ends", ends)
      .texts("notes", weighed.notes);
  note_buffered(now, *job, before);
}

void EventRecorder::restore_done(const TaskId& task, bool done) {
  JobLog* job = find(task.job);
  if (job == nullptr) return;
  StageCount& stage = job->stage(task.stage);
  stage.done = done ? stage.done + 1 : stage.done - 1;
}

void EventRecorder::resumed(Instant now, JobId id) {
  JobLog* job = find(id);
  if (job == nullptr) return;
  job->bytes = sink_->size(id);
  job->accepted = now;
  JsonLine(&job->buffer, "job.resumed", time_us(now)).number("job", id.value);
  note_buffered(now, *job, 0);
}

bool EventRecorder::count_done(Instant now, JobLog& job, Stage which) {
  StageCount& stage = job.stage(which);
  ++stage.done;
  if (stage.done != stage.tasks || (which == Stage::kMap && job.open)) return false;
  end_stage(now, job, which);
  return true;
}

void EventRecorder::keys_measured(Instant now, JobId id, const proto::Emission& emission) {
  JobLog* job = find(id);
  // Nothing new since it was told.
  if (job == nullptr || emission.bytes == job->emission_told) return;
  job->emission_told = emission.bytes;
  const std::size_t before = job->buffer.size();
  JsonLine(&job->buffer, "keys.measured", time_us(now))
      .number("bytes", emission.bytes)
      .numbers("partition_bytes", emission.partition_bytes)
      .hot_keys("keys", emission.hot_keys);
  note_buffered(now, *job, before);
}

void EventRecorder::end_stage(Instant now, JobLog& job, Stage which) {
  const StageCount& stage = job.stage(which);
  const std::size_t before = job.buffer.size();
  {
    JsonLine line(&job.buffer, "stage.ended", time_us(now));
    line.stage(which).number("tasks", stage.tasks);
    if (stage.started) line.number("elapsed_us", microseconds(now - *stage.started));
  }
  note_buffered(now, job, before);
}

void EventRecorder::output_invalidated(Instant now, const TaskId& task, AttemptId attempt) {
  JobLog* job = find(task.job);
  if (job == nullptr) return;
  --job->stage(task.stage).done;
  if (!admits(now, *job)) return;
  const std::size_t before = job->buffer.size();
  JsonLine(&job->buffer, "output.invalidated", time_us(now)).task("task", task).id(attempt);
  note_buffered(now, *job, before);
}

void EventRecorder::publication_started(Instant now, JobId id) {
  JobLog* job = find(id);
  // It may be tried again for a while, on a disk that is full: that is told once for each time.
  if (job == nullptr || job->bytes > limits_.bytes_per_job + kRoomForTheEnd) return;
  const std::size_t before = job->buffer.size();
  JsonLine(&job->buffer, "publication.started", time_us(now));
  note_buffered(now, *job, before);
}

void EventRecorder::publication_ended(Instant now, JobId id, const Status& outcome) {
  JobLog* job = find(id);
  if (job == nullptr || job->bytes > limits_.bytes_per_job + kRoomForTheEnd) return;
  const std::size_t before = job->buffer.size();
  {
    JsonLine line(&job->buffer, "publication.ended", time_us(now));
    line.flag("succeeded", outcome.ok());
    if (!outcome.ok()) line.text("reason", outcome.message());
  }
  note_buffered(now, *job, before);
}

void EventRecorder::ended(Instant now, const proto::JobStatus& status) {
  JobLog* job = find(status.job);
  if (job == nullptr) return;
  keys_measured(now, status.job, status.emission);
  const std::size_t before = job->buffer.size();
  {
    JsonLine line(&job->buffer, "job.ended", time_us(now));
    line.number("job", status.job.value).text("state", proto::name_of(status.state));
    line.text("reason", status.reason);
    if (status.completion.reason != proto::CompletionReason::kNone) {
      line.text("completion", proto::name_of(status.completion.reason));
    }
    line.number("elapsed_us", microseconds(now - job->accepted));
    line.number("failed_attempts", status.failed_attempts);
    line.number("lost_attempts", status.lost_attempts);
    line.number("speculative_attempts", status.speculative_attempts);
    line.number("output_bytes", status.output_bytes);
    line.number("output_records", status.output_records);
    line.number("output_files", status.output_files);
    line.counters("counters", status.counters);
    if (status.first_cause.kind != proto::FailureKind::kNone) {
      line.task("failed_task", status.failed_task);
      line.text("cause", proto::name_of(status.first_cause.kind));
      line.text("message", status.first_cause.message);
    }
    if (job->lines_dropped > 0) line.number("lines_dropped", job->lines_dropped);
  }
  note_buffered(now, *job, before);
  flush(status.job, *job);
  std::erase_if(live_, [&](const auto& one) { return one.second.task.job == status.job; });
  sink_->end(status.job);
  jobs_.erase(status.job);
}

void EventRecorder::complete(Instant now, const std::vector<proto::JobStatus>& ended_jobs) {
  if (sink_ == nullptr) return;
  constexpr std::uint64_t kTail = 64 * 1024;  // The last line has no more.
  bool newer_is_kept = false;
  for (const proto::JobStatus& status : ended_jobs) {
    const std::uint64_t size = sink_->size(status.job);
    // Newer ones took the room of its log.
    if (size == 0 && newer_is_kept) return;
    newer_is_kept = size > 0;
    if (size > 0) {
      const auto tail = sink_->read(status.job, size - std::min(size, kTail), kTail);
      if (!tail.ok() || tail->find(R"({"event":"job.ended")") != std::string::npos) continue;
    }
    JobLog& job = jobs_[status.job];
    job.bytes = size;
    job.begins = size == 0;
    job.accepted = now + -std::chrono::milliseconds(status.elapsed_ms);
    ended(now, status);
  }
}

std::optional<Instant> EventRecorder::next_due() const {
  if (!oldest_) return std::nullopt;
  return *oldest_ + limits_.delay;
}

void EventRecorder::end_turn(Instant now) {
  over_.clear();
  const std::optional<Instant> due = next_due();
  if (due && (*due <= now || buffered_ >= limits_.bytes_buffered)) flush();
}

void EventRecorder::flush() {
  tell_assignments();
  for (auto& [id, job] : jobs_) flush(id, job);
  buffered_ = 0;
  oldest_.reset();
}

void EventRecorder::flush(JobId id, JobLog& job) {
  if (job.buffer.empty()) return;
  // Not before: until its acceptance is durable the id may be somebody else's.
  Status written = job.begins ? sink_->begin(id) : Status();
  job.begins = job.begins && !written.ok();
  if (written.ok()) written = sink_->append(id, job.buffer);
  if (!written.ok()) {
    // The lines are lost: keeping them would make a full disk a full memory.
    job.lines_dropped +=
        static_cast<std::uint64_t>(std::count(job.buffer.begin(), job.buffer.end(), '\n'));
    job.bytes -= job.buffer.size();
    if (!job.failing) {
      log_.warn("events.not_written", {{"job", id.value}, {"reason", written.message()}});
    }
  }
  job.failing = !written.ok();
  buffered_ -= std::min(buffered_, job.buffer.size());
  job.buffer.clear();
}

Result<EventRecorder::Part> EventRecorder::read(JobId id, std::uint64_t offset,
                                                std::size_t bytes_max) {
  if (sink_ == nullptr) {
    return Status(StatusCode::kNotFound,
                  "this master keeps no event logs: start it with --state DIR or --events DIR");
  }
  JobLog* job = find(id);
  if (job != nullptr) {
    tell_assignments();
    flush(id, *job);
  }
  Result<std::string> bytes = sink_->read(id, offset, bytes_max);
  if (!bytes.ok() && bytes.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kNotFound, "the event log of job " + std::to_string(id.value) +
                                             " is not kept any more: newer ones took its room");
  }
  FANFOLD_RETURN_IF_ERROR(bytes.status());
  Part part;
  part.bytes = *std::move(bytes);
  part.ended = job == nullptr && part.bytes.size() < bytes_max;
  return part;
}

}  // namespace fanfold::master
