// What clients are shown.  Reads only; costs as much as what runs, never as much as what there is.

#include <algorithm>
#include <utility>

#include "master/scheduler/machine.hpp"

namespace fanfold::master::scheduling {
namespace {

std::uint64_t milliseconds(Duration duration) {
  return duration > Duration(0) ? static_cast<std::uint64_t>(duration.count() / 1'000'000) : 0;
}

proto::StageStatus describe(const StageTasks& stage, Instant now) {
  proto::StageStatus status;
  status.stage = stage.stage();
  // What the job does without is in its completion.
  status.tasks = stage.size() - stage.given_up();
  status.running = stage.running;
  status.done = stage.done();
  status.bytes_total = stage.bytes_total - stage.bytes_given_up;
  status.bytes_done = stage.bytes_done;
  status.bytes_out = stage.bytes_out;
  if (stage.started) {
    const bool over = stage.complete() && stage.finished;
    status.elapsed_ms = milliseconds((over ? *stage.finished : now) - *stage.started);
  }
  return status;
}

}  // namespace

proto::JobStatus Machine::summarise(const Job& job, Instant now) const {
  proto::JobStatus status;
  status.job = job.id;
  status.state = job.state;
  for (const StageTasks* stage : {&job.sample, &job.map, &job.reduce, &job.gather}) {
    const bool optional = stage->stage() == Stage::kSample || stage->stage() == Stage::kGather;
    if (optional && stage->size() == 0) continue;
    status.stages.push_back(describe(*stage, now));
  }
  for (const AttemptId id : job.attempts) {
    const Attempt& attempt = attempts_.at(id);
    // Of several attempts of a task the oldest stands for all.
    if (attempt.task.stage == Stage::kSample || attempt.speculative || attempt.further) continue;
    for (proto::StageStatus& stage : status.stages) {
      if (stage.stage != attempt.task.stage) continue;
      // How much a reduce task is to read is known to nobody before it has read it.
      const bool map = stage.stage == Stage::kMap;
      stage.bytes_done +=
          map ? std::min(attempt.bytes, job.map.at(attempt.task.index).bytes) : attempt.bytes;
    }
  }
  status.failed_attempts = job.attempts_failed;
  status.lost_attempts = job.attempts_lost;
  status.speculative_attempts = job.attempts_speculative;
  status.elapsed_ms = milliseconds(now - job.accepted);
  status.slowest_task = job.slowest_task;
  status.slowest_task_ms = milliseconds(job.slowest);
  status.completion = describe_completion(job);
  status.control = job.control;
  status.replicas = describe_replicas(job);
  status.queue = describe_queue(job, now);
  describe_locality(job, &status);
  status.hot_partitions = job.hot;
  describe_absences(job, now, &status);
  return status;
}

proto::QueueStatus Machine::describe_queue(const Job& job, Instant now) {
  proto::QueueStatus queue;
  queue.open = job.map.grows;
  queue.waiting = job.map.waiting();
  queue.bytes_waiting = job.map.bytes_waiting();
  queue.delayed = job.map.count(TaskState::kDelayed);
  queue.oldest_ms = milliseconds(longest_wait(job, now));
  const auto& receipts = job.map.receipts();
  queue.received.assign(receipts.begin(), receipts.end());
  while (!queue.received.empty() && queue.received.back() == 0) queue.received.pop_back();
  queue.received_most = job.map.receipts_most();
  return queue;
}

std::optional<proto::QueueStatus> Machine::queue(JobId id, Instant now) const {
  const auto job = jobs_.find(id);
  if (job == jobs_.end()) return std::nullopt;
  return describe_queue(job->second, now);
}

std::optional<proto::JobStatus> Machine::job_status(JobId id, Instant now) const {
  if (const auto job = jobs_.find(id); job != jobs_.end()) return summarise(job->second, now);
  if (const auto ended = ended_.find(id); ended != ended_.end()) return ended->second;
  return std::nullopt;
}

std::vector<JobId> Machine::jobs() const {
  std::vector<JobId> ids;
  ids.reserve(jobs_.size() + ended_.size());
  for (const auto& [id, job] : jobs_) ids.push_back(id);
  for (const auto& [id, status] : ended_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::vector<proto::WorkerStatus> Machine::workers(Instant now) const {
  std::vector<proto::WorkerStatus> list;
  for (const auto& [id, worker] : pool_.all()) {
    if (worker.state == WorkerState::kExpected) continue;
    proto::WorkerStatus status;
    status.worker = id;
    status.slots = worker.slots;
    status.busy = static_cast<std::uint32_t>(worker.running.size());
    status.draining = worker.state == WorkerState::kDraining;
    status.silent_ms = milliseconds(now - worker.heard);
    status.standing = worker.standing;
    status.demerits = worker.demerits.at(now);
    if (worker.standing == proto::WorkerStanding::kExcluded) {
      status.excluded_ms = milliseconds(*pool_.reviews().find(id) - now);
    }
    list.push_back(std::move(status));
  }
  return list;
}

}  // namespace fanfold::master::scheduling
