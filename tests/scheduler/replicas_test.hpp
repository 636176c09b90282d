// The fixture of tests of --replicas: who gives what.

#pragma once

#include <algorithm>
#include <set>

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {

using proto::AcceptRule;

class ReplicasTest : public SchedulerTest {
 protected:
  static constexpr std::uint64_t kRight = 11;
  static constexpr std::uint64_t kWrong = 66;

  void submit_replicated(std::uint32_t replicas, AcceptRule accept, std::uint32_t maps = 1) {
    submit({.maps = maps, .reduces = 1, .replicas = {replicas, accept, 0, 0}});
  }
  void join_all(std::uint64_t workers, std::uint32_t slots = 1) {
    for (std::uint64_t i = 1; i <= workers; ++i) join(i, slots);
  }
  /// The live attempt of a task on a worker.
  AssignAttempt on(std::uint64_t worker, Stage stage = Stage::kMap, std::uint32_t index = 0) const {
    const TaskId task{kJob, stage, index};
    const auto it = std::find_if(live.begin(), live.end(), [&](const AssignAttempt& one) {
      return one.worker.value == worker && one.task == task;
    });
    if (it != live.end()) return *it;
    ADD_FAILURE() << "nothing of it on worker " << worker;
    return {};
  }
  std::size_t granted() const {
    const auto answers = actions<AnswerCommit>();
    return static_cast<std::size_t>(std::count_if(
        answers.begin(), answers.end(), [](const AnswerCommit& one) { return one.granted; }));
  }
  proto::ReplicaStatus replicas() const { return status().replicas; }
  /// All of them give what is right, again and again, but those of one worker.  A map hands over
  /// what `reduces` read.
  void vote(std::uint32_t reduces, std::uint64_t slow = 0) {
    while (true) {
      const auto it = std::find_if(live.begin(), live.end(), [&](const AssignAttempt& one) {
        return one.worker.value != slow && voted_.count(one.attempt) == 0;
      });
      if (it == live.end()) return;
      const AssignAttempt one = *it;
      voted_.insert(one.attempt);
      give(one, one.task.stage == Stage::kMap ? reduces * kRight : kRight);
    }
  }
  /// Of two workers the second is busy; twenty jobs wait for it with what the first gave, which has
  /// one slot left.
  void let_jobs_wait_for_a_busy_worker() {
    join(1, 2);
    join(2);
    submit({.job = {50}, .maps = 1, .reduces = 1});
    submit({.job = {51}, .maps = 1, .reduces = 1});
    for (std::uint64_t id = 1; id <= 20; ++id) {
      submit({.job = {id}, .maps = 1, .reduces = 1, .replicas = {2, AcceptRule::kAll, 0, 0}});
      give(map(0, {id}), kRight);
    }
  }
  void join_on(std::uint64_t worker, const char* host) {
    WorkerJoined joined{{worker}, 1, {}, {}, true};
    joined.host = host;
    step(joined);
  }

  std::set<AttemptId> voted_;
};

}  // namespace fanfold::master
