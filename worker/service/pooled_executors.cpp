#include "worker/service/pooled_executors.hpp"

#include <utility>

namespace fanfold::worker {

void PooledExecutors::start(Instant now, ExecutorTask task) {
  const proto::FileReference& plugin = task.assignment.spec.plugin;
  // The executor, which user code has not reached yet, loads nothing with another digest.
  if (const Status allowed = plugins_ ? plugins_->check(plugin.name, plugin.sha256) : Status();
      !allowed.ok()) {
    AttemptResult& result = refused_.emplace_back();
    result.attempt = task.assignment.attempt;
    result.outcome.failure.kind = proto::FailureKind::kPlugin;
    result.outcome.failure.message = allowed.message();
    return;
  }
  task.plugin_is_listed = plugins_.has_value();
  pool_.start(now, std::move(task));
}

Result<std::vector<AttemptEnded>> PooledExecutors::take_ended(Instant now) {
  FANFOLD_RETURN_IF_ERROR(pool_.pump(now));
  for (AttemptResult& result : pool_.take_results()) stacks_->add(std::move(result));
  for (AttemptResult& result : std::exchange(refused_, {})) stacks_->add(std::move(result));
  std::vector<AttemptEnded> all;
  for (AttemptResult& result : stacks_->take()) {
    AttemptEnded ended;
    ended.attempt = result.attempt;
    ended.succeeded = result.outcome.succeeded;
    ended.report = std::move(result.outcome.report);
    ended.failure = std::move(result.outcome.failure);
    ended.log_text = std::move(result.log_text);
    ended.log_bytes = result.log_bytes;
    all.push_back(std::move(ended));
  }
  return all;
}

ProgressSeen PooledExecutors::progress() const {
  ProgressSeen seen;
  for (const AttemptPulse& pulse : pool_.pulses()) {
    seen.entries.push_back({pulse.attempt, pulse.records, pulse.bytes, pulse.beat});
  }
  return seen;
}

std::vector<int> PooledExecutors::descriptors() const {
  std::vector<int> watched = pool_.descriptors();
  watched.push_back(stacks_->descriptor());
  return watched;
}

}  // namespace fanfold::worker
