#include "worker/service/worker_measures.hpp"

namespace fanfold::worker {

WorkerFigures::OfStage& WorkerMeasures::of(Stage which) {
  return figures_.stages.at(static_cast<std::size_t>(which) - 1);
}

void WorkerMeasures::started(AttemptId attempt, Stage stage) {
  const MutexLock lock(mutex_);
  // One whose record was isolated starts again and is the same attempt.
  if (!running_.emplace(attempt, stage).second) return;
  ++of(stage).running;
  // So is one that lost an input.
  if (without_input_.erase(attempt) == 0) ++of(stage).started;
}

void WorkerMeasures::ended(const AttemptEnded& ended) {
  const MutexLock lock(mutex_);
  const auto running = running_.find(ended.attempt);
  if (running == running_.end()) return;
  WorkerFigures::OfStage& stage = of(running->second);
  running_.erase(running);
  --stage.running;
  if (!ended.succeeded) {
    ++figures_.failures[ended.failure.kind];
    return;
  }
  ++stage.finished;
  stage.records_in += ended.report.records_in;
  stage.records_out += ended.report.records_out;
  stage.bytes_in += ended.report.bytes_in;
  stage.bytes_out += ended.report.bytes_out;
  stage.spills += ended.report.spills;
  stage.seconds += static_cast<double>(ended.report.wall_us) / 1e6;
}

void WorkerMeasures::lost_input(AttemptId attempt) {
  const MutexLock lock(mutex_);
  const auto running = running_.find(attempt);
  if (running == running_.end()) return;
  --of(running->second).running;
  running_.erase(running);
  without_input_.insert(attempt);
}

void WorkerMeasures::dropped(AttemptId attempt) {
  const MutexLock lock(mutex_);
  if (without_input_.erase(attempt) > 0) ++figures_.failures[proto::FailureKind::kFetch];
}

void WorkerMeasures::waiting(std::size_t attempts) {
  const MutexLock lock(mutex_);
  figures_.waiting = attempts;
}

void WorkerMeasures::record_isolated() {
  const MutexLock lock(mutex_);
  ++figures_.records_isolated;
}

void WorkerMeasures::inputs_lost(std::size_t outputs) {
  const MutexLock lock(mutex_);
  figures_.inputs_lost += outputs;
}

void WorkerMeasures::welcomed() {
  const MutexLock lock(mutex_);
  ++figures_.welcomes;
  figures_.connected = true;
}

void WorkerMeasures::master_lost() {
  const MutexLock lock(mutex_);
  figures_.connected = false;
}

void WorkerMeasures::draining() {
  const MutexLock lock(mutex_);
  figures_.draining = true;
}

void WorkerMeasures::frame_damaged(std::uint64_t frames) {
  const MutexLock lock(mutex_);
  figures_.frames_damaged += frames;
}

void WorkerMeasures::frames_dropped(std::uint64_t frames) {
  const MutexLock lock(mutex_);
  figures_.frames_dropped += frames;
}

void WorkerMeasures::resent(const proto::WorkerMessage& message) {
  const MutexLock lock(mutex_);
  WorkerFigures::Resends& resends = figures_.resends;
  if (std::holds_alternative<proto::Hello>(message)) ++resends.hellos;
  if (std::holds_alternative<proto::CommitRequest>(message)) ++resends.commits;
  if (std::holds_alternative<proto::AttemptFailed>(message)) ++resends.failures;
  if (std::holds_alternative<proto::InputsWanted>(message)) ++resends.inputs_wanted;
}

void WorkerMeasures::refused() {
  const MutexLock lock(mutex_);
  ++figures_.refusals;
}

void WorkerMeasures::files(const BlobCache::Figures& so_far) {
  MutexLock lock(mutex_);
  figures_.files = so_far;
}

void WorkerMeasures::early(const EarlyFigures& so_far) {
  MutexLock lock(mutex_);
  figures_.early = so_far;
}

WorkerFigures WorkerMeasures::figures() const {
  const MutexLock lock(mutex_);
  return figures_;
}

}  // namespace fanfold::worker
