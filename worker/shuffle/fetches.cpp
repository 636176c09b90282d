#include "worker/shuffle/fetches.hpp"

#include <utility>

#include "common/core/check.hpp"

namespace fanfold::worker {

void Fetches::begin(Instant now, FetchRequest request) {
  const FetchId id{request.attempt, request.round};
  const auto [task, added] = tasks_.try_emplace(id);
  FANFOLD_CHECK(added);
  task->second = std::make_unique<FetchTask>(files_, links_, holders_talking_, std::move(request));
  task->second->start(now);
  tell(id);
}

void Fetches::stop(AttemptId attempt) {
  auto task = tasks_.lower_bound(FetchId{attempt, 0});
  while (task != tasks_.end() && task->first.attempt == attempt) {
    FetchOutcome outcome;
    outcome.attempt = attempt;
    outcome.round = task->first.round;
    outcome.ended = true;
    outcome.failure.kind = proto::FailureKind::kCancelled;
    outcome.failure.message = "the attempt was cancelled";
    outcomes_.push_back(std::move(outcome));
    task = tasks_.erase(task);
  }
}

void Fetches::read(Instant now, const net::Frame& frame) {
  auto reply = links_.read(now, frame);
  if (!reply) return;
  const FetchId id = reply->asker.task;
  const auto task = tasks_.find(id);
  FANFOLD_CHECK(task != tasks_.end());
  task->second->take(now, *std::move(reply));
  tell(id);
}

void Fetches::look_after(Instant now) {
  const DataLinks::Silence silence = links_.look_after(now);
  if (silence.given_up.empty() && !silence.more_quiet && broken_.ok()) return;
  std::vector<FetchId> ids;
  for (auto& [id, task] : tasks_) {
    for (const DataLinks::Address& address : silence.given_up) task->note_silent(now, address);
    if (silence.more_quiet) task->note_quiet(now);
    if (!broken_.ok()) task->note_broken(broken_);
    ids.push_back(id);
  }
  for (const FetchId& id : ids) tell(id);
}

/// What the task has to say, if anything.
void Fetches::tell(const FetchId& id) {
  const auto task = tasks_.find(id);
  const bool ended = task->second->ended();
  if (!ended && !task->second->has_lost()) return;
  outcomes_.push_back(task->second->outcome());
  if (ended) tasks_.erase(task);
}

}  // namespace fanfold::worker
