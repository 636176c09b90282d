// The lines of attempts: many, so each costs its bytes and little more.

#include <algorithm>
#include <chrono>
#include <utility>

#include "master/events/event_recorder.hpp"
#include "master/events/json_line.hpp"

namespace fanfold::master {

void EventRecorder::tell_worker(Instant now, JobLog& job, const Assignment& assignment) {
  if (assignment.hello == nullptr || !job.workers.insert(assignment.worker).second) return;
  JsonLine(&job.buffer, "worker.joined", time_us(now))
      .text("worker", assignment.hello->name)
      .text("host", assignment.hello->host_id)
      .number("process", assignment.hello->process)
      .number("slots", assignment.hello->slots);
}

void EventRecorder::assigned(Instant now, const Assignment& assignment) {
  JobLog* job = find(assignment.task.job);
  if (job == nullptr || over_.contains(assignment.attempt.value)) return;
  if (live_.contains(assignment.attempt.value)) return;
  Live& live = live_[assignment.attempt.value];
  live.task = assignment.task;
  live.number = assignment.number;
  live.worker = assignment.worker;
  live.speculative = assignment.speculative;
  live.known = now;
  if (!assignment.adopted) live.assigned = now;
  if (assignment.hello != nullptr) live.worker_name = assignment.hello->name;

  const std::size_t before = job->buffer.size();
  tell_worker(now, *job, assignment);
  StageCount& stage = job->stage(assignment.task.stage);
  if (!stage.started) {
    stage.started = now;
    JsonLine(&job->buffer, "stage.started", time_us(now))
        .stage(assignment.task.stage)
        .number("tasks", stage.tasks);
  }
  note_buffered(now, *job, before);
  untold_.push_back(assignment.attempt);
  // Rare, and not to be seen from the attempt's end.
  if (assignment.adopted) tell_assignments();
}

std::unordered_map<std::uint64_t, EventRecorder::Live>::node_type EventRecorder::take_live(
    AttemptId attempt) {
  auto node = live_.extract(attempt.value);
  if (node) over_.insert(attempt.value);
  return node;
}

void EventRecorder::tell_assignments() {
  for (const AttemptId attempt : untold_) {
    const auto found = live_.find(attempt.value);
    // It is over already, which says all.
    if (found == live_.end()) continue;
    const Live& live = found->second;
    JobLog* job = find(live.task.job);
    if (job == nullptr || !admits(live.known, *job)) continue;
    const std::size_t before = job->buffer.size();
    {
      JsonLine line(&job->buffer, live.assigned ? "attempt.assigned" : "attempt.adopted",
                    time_us(live.known));
      line.task("task", live.task).number("attempt", live.number);
      line.id(attempt).text("worker", live.worker_name);
      if (live.speculative) line.flag("speculative", true);
    }
    note_buffered(live.known, *job, before);
  }
  untold_.clear();
}

void EventRecorder::running(Instant now, AttemptId attempt) {
  const auto found = live_.find(attempt.value);
  if (found == live_.end() || found->second.started) return;
  // That it was assigned comes before.
  tell_assignments();
  Live& live = found->second;
  live.started = now;
  JobLog* job = find(live.task.job);
  if (job == nullptr || !admits(now, *job)) return;
  const std::size_t before = job->buffer.size();
  JsonLine(&job->buffer, "attempt.started", time_us(now))
      .task("task", live.task)
      .number("attempt", live.number)
      .id(attempt)
      .text("worker", live.worker_name);
  note_buffered(now, *job, before);
}

void EventRecorder::begin_end_line(JsonLine& line, AttemptId attempt, const Live& live,
                                   std::string_view outcome, std::optional<Instant> started) const {
  line.task("task", live.task).number("attempt", live.number);
  line.id(attempt).text("worker", live.worker_name);
  line.text("outcome", outcome);
  if (live.assigned) line.number("assigned", time_us(*live.assigned));
  if (started) line.number("started", time_us(*started));
  if (live.speculative) line.flag("speculative", true);
}

bool EventRecorder::committed(Instant now, const TaskId& task, AttemptId attempt,
                              const proto::AttemptReport& report) {
  JobLog* job = find(task.job);
  if (job == nullptr) return false;
  Live live;
  // In the turn in which its worker came back it is taken over and done with at once.
  live.task = task;
  if (auto node = take_live(attempt)) live = std::move(node.mapped());
  if (admits(now, *job)) {
    const std::size_t before = job->buffer.size();
    Instant started = now + -std::chrono::microseconds(report.wall_us);
    if (live.assigned) started = std::max(started, *live.assigned);
    {
      JsonLine line(&job->buffer, "attempt.ended", time_us(now));
      begin_end_line(line, attempt, live, "committed", started);
      line.number("records_in", report.records_in).number("bytes_in", report.bytes_in);
      line.number("records_out", report.records_out).number("bytes_out", report.bytes_out);
      line.number("peak_rss_bytes", report.peak_rss_bytes);
      if (report.spills > 0) line.number("spills", report.spills);
      if (report.records_skipped > 0) line.number("records_skipped", report.records_skipped);
      if (report.dead_letters > 0) line.number("dead_letters", report.dead_letters);
    }
    note_buffered(now, *job, before);
  }
  return count_done(now, *job, task.stage);
}

void EventRecorder::failed(Instant now, AttemptId attempt, const proto::FailureReport& failure) {
  const auto node = take_live(attempt);
  if (!node) return;
  const Live& live = node.mapped();
  JobLog* job = find(live.task.job);
  if (job == nullptr || !admits(now, *job)) return;
  const std::size_t before = job->buffer.size();
  {
    const bool cancelled = failure.kind == proto::FailureKind::kCancelled;
    const bool lost = failure.kind == proto::FailureKind::kWorkerLost;
    JsonLine line(&job->buffer, "attempt.ended", time_us(now));
    begin_end_line(line, attempt, live,
                   cancelled ? "cancelled"
                   : lost    ? "lost"
                             : "failed",
                   live.started);
    if (!cancelled) {
      line.text("cause", proto::name_of(failure.kind)).text("message", failure.message);
      line.flag("charged", proto::charged_to_task(failure.kind));
    }
    if (!failure.record_file.empty()) {
      line.text("record_file", failure.record_file).number("record_offset", failure.record_offset);
    }
    if (!failure.key.empty()) line.text("key", failure.key);
  }
  note_buffered(now, *job, before);
}

void EventRecorder::end_without_result(Instant now, AttemptId attempt, std::string_view outcome) {
  const auto node = take_live(attempt);
  if (!node) return;
  JobLog* job = find(node.mapped().task.job);
  if (job == nullptr || !admits(now, *job)) return;
  const std::size_t before = job->buffer.size();
  {
    JsonLine line(&job->buffer, "attempt.ended", time_us(now));
    begin_end_line(line, attempt, node.mapped(), outcome, node.mapped().started);
  }
  note_buffered(now, *job, before);
}

}  // namespace fanfold::master
