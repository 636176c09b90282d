#include "worker/shuffle/fetches.hpp"

#include <utility>

#include "common/core/check.hpp"

namespace fanfold::worker {

void Fetches::begin(Instant now, FetchRequest request) {
  const AttemptId attempt = request.attempt;
  const auto [task, added] = tasks_.try_emplace(attempt);
  FANFOLD_CHECK(added);
  task->second = std::make_unique<FetchTask>(files_, links_, std::move(request));
  task->second->start(now);
  end_if_done(attempt);
}

void Fetches::stop(AttemptId attempt) {
  if (tasks_.erase(attempt) == 0) return;
  FetchOutcome outcome;
  outcome.attempt = attempt;
  outcome.failure.kind = proto::FailureKind::kCancelled;
  outcome.failure.message = "the attempt was cancelled";
  ended_.push_back(std::move(outcome));
}

void Fetches::read(Instant now, const net::Frame& frame) {
  auto reply = links_.read(now, frame);
  if (!reply) return;
  const AttemptId attempt = reply->asker.task;
  const auto task = tasks_.find(attempt);
  FANFOLD_CHECK(task != tasks_.end());
  task->second->take(now, *std::move(reply));
  end_if_done(attempt);
}

void Fetches::look_after(Instant now) {
  const std::vector<DataLinks::Address> silent = links_.look_after(now);
  if (silent.empty() && broken_.ok()) return;
  std::vector<AttemptId> attempts;
  for (auto& [attempt, task] : tasks_) {
    for (const DataLinks::Address& address : silent) task->note_silent(address);
    if (!broken_.ok()) task->note_broken(broken_);
    attempts.push_back(attempt);
  }
  for (const AttemptId attempt : attempts) end_if_done(attempt);
}

void Fetches::end_if_done(AttemptId attempt) {
  const auto task = tasks_.find(attempt);
  if (!task->second->ended()) return;
  ended_.push_back(task->second->outcome());
  tasks_.erase(task);
}

}  // namespace fanfold::worker
