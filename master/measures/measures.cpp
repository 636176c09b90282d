#include "master/measures/measures.hpp"

#include <algorithm>
#include <chrono>

namespace fanfold::master {
namespace {

double seconds(Duration duration) {
  return std::max(0.0, std::chrono::duration<double>(duration).count());
}

/// Below it a ratio to the median says nothing.
constexpr std::uint32_t kTasksToCompare = 3;

}  // namespace

const char* name_of(AttemptKind kind) {
  switch (kind) {
    case AttemptKind::kFirst:
      return "first";
    case AttemptKind::kAgain:
      return "again";
    case AttemptKind::kSpeculative:
      return "speculative";
  }
  return "unknown";
}

const char* name_of(AttemptOutcome outcome) {
  switch (outcome) {
    case AttemptOutcome::kCommitted:
      return "committed";
    case AttemptOutcome::kFailed:
      return "failed";
    case AttemptOutcome::kLost:
      return "lost";
    case AttemptOutcome::kCancelled:
      return "cancelled";
    case AttemptOutcome::kAbandoned:
      return "abandoned";
  }
  return "unknown";
}

const char* name_of(Refusal refusal) {
  switch (refusal) {
    case Refusal::kStranger:
      return "stranger";
    case Refusal::kRevoked:
      return "revoked";
    case Refusal::kRole:
      return "role";
    case Refusal::kVersion:
      return "version";
    case Refusal::kWorker:
      return "worker";
  }
  return "unknown";
}

const char* name_of(Resend resend) {
  switch (resend) {
    case Resend::kAssignment:
      return "assignment";
    case Resend::kCancellation:
      return "cancellation";
    case Resend::kOutputs:
      return "outputs";
    case Resend::kKeys:
      return "keys";
  }
  return "unknown";
}

void Measures::job_accepted(Instant /*now*/, JobId job, std::uint32_t splits,
                            std::uint32_t partitions, std::uint32_t gathers) {
  if (!on_) return;
  ++totals_.jobs_accepted;
  JobMeasures& measures = jobs_[job];
  measures.stage(Stage::kMap).tasks = splits;
  measures.stage(Stage::kReduce).tasks = partitions;
  measures.stage(Stage::kGather).tasks = gathers;
  totals_.stage(Stage::kMap).tasks.add(splits);
  totals_.stage(Stage::kReduce).tasks.add(partitions);
  if (gathers > 0) totals_.stage(Stage::kGather).tasks.add(gathers);
}

void Measures::job_fed(JobId job, std::uint32_t splits) {
  const auto found = jobs_.find(job);
  if (found != jobs_.end()) found->second.stage(Stage::kMap).tasks += splits;
}

void Measures::job_shared(JobId job, std::uint32_t shares) {
  const auto found = jobs_.find(job);
  if (found != jobs_.end()) found->second.stage(Stage::kReduce).tasks += shares;
}

void Measures::job_ended(Instant now, const proto::JobStatus& status) {
  if (!on_) return;
  ++totals_.jobs_ended[status.state];
  totals_.job_seconds.add(static_cast<double>(status.elapsed_ms) / 1000);
  totals_.output_bytes += status.output_bytes;
  totals_.output_records += status.output_records;
  totals_.maps_there += status.locality.there;
  totals_.maps_elsewhere += status.locality.elsewhere;
  const auto found = jobs_.find(status.job);
  if (found == jobs_.end()) return;
  JobMeasures& job = found->second;
  if (status.state == proto::JobState::kSucceeded && job.mapped) {
    totals_.gather_seconds.add(seconds(now - *job.mapped));
  }
  for (const Stage which : {Stage::kMap, Stage::kReduce, Stage::kGather}) {
    const StageOfJob& stage = job.stage(which);
    const double median = seconds(stage.durations.median());
    if (stage.durations.count() < kTasksToCompare || median == 0) continue;
    // The median is known to an eighth, and a longest task is never shorter.
    totals_.stage(which).straggling.add(std::max(1.0, seconds(stage.longest) / median));
  }
  jobs_.erase(found);
  std::erase_if(live_, [&](const auto& one) { return one.second.task.job == status.job; });
}

void Measures::assigned(Instant now, const Assignment& assignment) {
  if (!on_) return;
  const Live fresh{.task = assignment.task, .assigned = now};
  if (!live_.try_emplace(assignment.attempt.value, fresh).second) {
    return resent(Resend::kAssignment);
  }
  const AttemptKind kind = assignment.speculative  ? AttemptKind::kSpeculative
                           : assignment.number > 1 ? AttemptKind::kAgain
                                                   : AttemptKind::kFirst;
  ++totals_.stage(assignment.task.stage).assigned[static_cast<std::size_t>(kind)];
}

std::optional<Measures::Live> Measures::take_live(AttemptId attempt) {
  const auto node = live_.extract(attempt.value);
  if (!node) return std::nullopt;
  return node.mapped();
}

void Measures::committed(Instant now, const TaskId& task, AttemptId attempt,
                         const proto::AttemptReport& report) {
  if (!on_) return;
  StageTotals& stage = totals_.stage(task.stage);
  const Duration ran = std::chrono::microseconds(report.wall_us);
  ++stage.ended[static_cast<std::size_t>(AttemptOutcome::kCommitted)];
  stage.records_in += report.records_in;
  stage.records_out += report.records_out;
  stage.bytes_in += report.bytes_in;
  stage.bytes_out += report.bytes_out;
  stage.spills += report.spills;
  stage.records_skipped += report.records_skipped;
  stage.dead_letters += report.dead_letters;
  stage.ran.add(seconds(ran));
  if (const std::optional<Live> live = take_live(attempt)) {
    stage.waited.add(seconds(now - live->assigned - ran));
  }
  const auto found = jobs_.find(task.job);
  if (found == jobs_.end()) return;
  StageOfJob& of_job = found->second.stage(task.stage);
  of_job.durations.add(ran);
  of_job.longest = std::max(of_job.longest, ran);
  if (++of_job.done == of_job.tasks && task.stage == Stage::kMap) found->second.mapped = now;
}

void Measures::failed(AttemptId attempt, proto::FailureKind kind) {
  if (kind == proto::FailureKind::kCancelled) return cancelled(attempt);
  const bool lost = kind == proto::FailureKind::kWorkerLost;
  if (!live_.contains(attempt.value)) return;
  ++totals_.failures[kind];
  end(attempt, lost ? AttemptOutcome::kLost : AttemptOutcome::kFailed);
}

void Measures::end(AttemptId attempt, AttemptOutcome outcome) {
  const std::optional<Live> live = take_live(attempt);
  if (live) ++totals_.stage(live->task.stage).ended[static_cast<std::size_t>(outcome)];
}

void Measures::output_invalidated(const TaskId& task) {
  if (!on_) return;
  ++totals_.outputs_invalidated;
  const auto found = jobs_.find(task.job);
  if (found != jobs_.end()) --found->second.stage(task.stage).done;
}

void Measures::turn(const Turn& turn) {
  if (!on_) return;
  totals_.frames += turn.frames;
  totals_.facts += turn.facts;
  totals_.turn_seconds.add(seconds(turn.took));
}

}  // namespace fanfold::master
