// The lines of jobs that do without some of their maps, compare results, or are changed while they
// run.

#include <cstdio>

#include "master/events/event_recorder.hpp"
#include "master/events/json_line.hpp"

namespace fanfold::master {
namespace {

std::string hexadecimal(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

void EventRecorder::given_up(Instant now, const TaskId& task, AttemptId first_failure,
                             proto::FailureKind kind) {
  JobLog* job = find(task.job);
  if (job == nullptr || !admits(now, *job)) return;
  const std::size_t before = job->buffer.size();
  JsonLine(&job->buffer, "task.given_up", time_us(now))
      .task("task", task)
      .id(first_failure)
      .text("cause", proto::name_of(kind));
  note_buffered(now, *job, before);
}

void EventRecorder::coverage_decided(Instant now, JobId id, proto::CompletionReason reason,
                                     std::uint32_t covered) {
  JobLog* job = find(id);
  if (job == nullptr) return;
  StageCount& maps = job->stage(Stage::kMap);
  const std::uint32_t all = maps.tasks;
  const std::size_t before = job->buffer.size();
  JsonLine(&job->buffer, "coverage.decided", time_us(now))
      .text("completion", proto::name_of(reason))
      .number("covered", covered)
      .number("maps", all);
  note_buffered(now, *job, before);
  restore_coverage(id, covered);
  // That it ended was told when the last of all committed.
  if (covered < all) end_stage(now, *job, Stage::kMap);
}

void EventRecorder::dissented(Instant now, const Dissent& dissent) {
  JobLog* job = find(dissent.task.job);
  if (job == nullptr || !admits(now, *job)) return;
  const std::size_t before = job->buffer.size();
  {
    JsonLine line(&job->buffer, "result.dissented", time_us(now));
    line.task("task", dissent.task).id(dissent.attempt).text("worker", dissent.worker);
    line.text("digest", hexadecimal(dissent.digest));
    // Without a majority nobody knows who is right.
    if (dissent.accepted) line.text("accepted", hexadecimal(*dissent.accepted));
  }
  note_buffered(now, *job, before);
}

void EventRecorder::controlled(Instant now, JobId id, const proto::JobControl& control) {
  JobLog* job = find(id);
  if (job == nullptr || !admits(now, *job)) return;
  const std::size_t before = job->buffer.size();
  {
    JsonLine line(&job->buffer, "job.changed", time_us(now));
    line.number("max_concurrency", control.max_concurrency)
        .number("priority", control.priority)
        .number("weight", control.weight)
        .number("paused", control.paused ? 1 : 0);
    if (control.failures_max != proto::kAnyNumber)
      line.number("failures_max", control.failures_max);
    if (control.failures_per_million != proto::kWhole) {
      line.number("failures_per_million", control.failures_per_million);
    }
  }
  note_buffered(now, *job, before);
}

void EventRecorder::fed(Instant now, JobId id, std::uint32_t splits, bool closed) {
  JobLog* job = find(id);
  if (job == nullptr) return;
  restore_fed(id, splits, closed);
  if (admits(now, *job)) {
    const std::size_t before = job->buffer.size();
    JsonLine(&job->buffer, "input.fed", time_us(now)).number("maps", splits).flag("closed", closed);
    note_buffered(now, *job, before);
  }
  const StageCount& maps = job->stage(Stage::kMap);
  if (closed && maps.tasks > 0 && maps.done == maps.tasks) end_stage(now, *job, Stage::kMap);
}

void EventRecorder::restore_open(JobId id) {
  if (JobLog* job = find(id)) job->open = true;
}

void EventRecorder::restore_fed(JobId id, std::uint32_t splits, bool closed) {
  JobLog* job = find(id);
  if (job == nullptr) return;
  job->stage(Stage::kMap).tasks += splits;
  if (closed) job->open = false;
}

void EventRecorder::restore_coverage(JobId id, std::uint32_t covered) {
  JobLog* job = find(id);
  if (job != nullptr) job->stage(Stage::kMap).tasks = covered;
}

}  // namespace fanfold::master
