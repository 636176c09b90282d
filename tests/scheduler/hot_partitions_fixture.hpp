// Jobs whose maps tell of partitions with much more than others.

#pragma once

#include <vector>

#include "common/proto/hot_partitions.hpp"
#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {

using Tasks = std::vector<std::uint32_t>;
using Heavy = std::vector<proto::PartitionBytes>;

class HotPartitions : public SchedulerTest {
 protected:
  /// Each of its maps has 1000 bytes, and says this of them.
  void map_all(const Heavy& heavy) {
    while (!live.empty() && live.front().task.stage == Stage::kMap) {
      commit_heavy(AssignAttempt(live.front()), heavy);
    }
  }
  void commit_heavy(const AssignAttempt& attempt, const Heavy& heavy) {
    step(CommitRequested{.worker = attempt.worker,
                         .attempt = attempt.attempt,
                         .bytes_out = 1000,
                         .flow = {attempt.task.index + 1, 7, 0},
                         .heavy = heavy});
  }
  /// A reduce or share has read all that the job's maps wrote; the others nothing.
  void commit_reading_all(const AssignAttempt& attempt) { commit_flow(attempt, 1 + 2 + 3 + 4, 28); }
  /// On four slots, partition 2 of four has most of it: three shares.
  void share() {
    join(1, 4);
    submit({.maps = 4, .reduces = 4, .hot_bytes = 2000, .fold_hot = true});
    map_all({{2, 700}});
  }
  std::vector<std::uint32_t> assigned_reduces() const {
    std::vector<std::uint32_t> tasks;
    for (const AssignAttempt& one : assigned()) {
      if (one.task.stage == Stage::kReduce) tasks.push_back(one.task.index);
    }
    return tasks;
  }
};

}  // namespace fanfold::master
