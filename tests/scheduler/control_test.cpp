// What is changed of a job while it runs: limits, priorities, weights, pauses.

#include <algorithm>

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

class ControlTest : public SchedulerTest {
 protected:
  std::size_t live_of(JobId job) const {
    return static_cast<std::size_t>(std::count_if(
        live.begin(), live.end(), [job](const AssignAttempt& one) { return one.task.job == job; }));
  }
  /// After a second: such tasks never wait in a worker's queue.
  void commit_one() {
    wait_with_heartbeats(1s);
    commit(AssignAttempt(live.front()));
  }
};

TEST_F(ControlTest, ALimitHoldsUntilItIsRaised) {
  join(1, 4);
  submit({.maps = 6, .control = {.max_concurrency = 2}});
  EXPECT_EQ(live.size(), 2u);
  commit_one();
  EXPECT_EQ(live.size(), 2u);
  change({.max_concurrency = true, .to = {.max_concurrency = 3}});
  EXPECT_EQ(facts<JobControlled>().size(), 1u);
  EXPECT_EQ(live.size(), 3u);
  change({.max_concurrency = true, .to = {.max_concurrency = 1}});
  EXPECT_TRUE(assigned().empty());
  EXPECT_EQ(live.size(), 3u) << "what runs goes on";
  change({.max_concurrency = true, .to = {.max_concurrency = 0}});
  EXPECT_EQ(live.size(), 4u);
}

TEST_F(ControlTest, ALimitHoldsForBackupsToo) {
  for (std::uint64_t worker = 1; worker <= 4; ++worker) join(worker);
  submit({.maps = 4, .reduces = 1, .control = {.max_concurrency = 1}});
  for (int i = 0; i < 3; ++i) commit_one();
  wait_with_heartbeats(60s);
  EXPECT_EQ(live.size(), 1u);
  change({.max_concurrency = true, .to = {}});
  wait_with_heartbeats(1s);
  EXPECT_EQ(live.size(), 2u);
}

TEST_F(ControlTest, APausedJobGetsNothingAndGoesOnLater) {
  join(1, 2);
  submit({.maps = 4});
  pause();
  EXPECT_TRUE(status().control.paused);
  commit_one();
  commit_one();
  EXPECT_TRUE(live.empty());
  wait_with_heartbeats(60s);
  EXPECT_TRUE(live.empty());
  resume();
  EXPECT_EQ(live.size(), 2u);
  commit_all_maps();
  commit_all_reduces();
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(ControlTest, OthersHaveTheSlotsOfAPausedJob) {
  join(1, 2);
  submit({.job = JobId{1}, .maps = 4});
  submit({.job = JobId{2}, .maps = 4});
  pause(JobId{1});
  commit_one();
  commit_one();
  EXPECT_EQ(live_of(JobId{2}), 2u);
}

TEST_F(ControlTest, APausedJobMakesNothingAgainInTheSlotsOfItsReduces) {
  join(1);
  submit({.maps = 1, .speculate = false});
  wait_with_heartbeats(1s);
  commit(map(0));
  const AssignAttempt reducer = reduce(0);
  pause();
  miss(reducer, {inputs()[0].attempt});
  EXPECT_TRUE(assigned().empty());
  resume();
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task.stage, Stage::kMap);
}

TEST_F(ControlTest, ReducesThatWaitForMapsDoNotCount) {
  join(1, 2);
  submit({.maps = 1, .speculate = false, .control = {.max_concurrency = 1}});
  wait_with_heartbeats(1s);
  commit(map(0));
  miss(reduce(0), {inputs()[0].attempt});
  ASSERT_EQ(assigned().size(), 1u);
  commit(map(0));
  commit(reduce(0));
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(ControlTest, AHigherPriorityIsServedFirst) {
  join(1, 2);
  submit({.job = JobId{1}, .maps = 8});
  submit({.job = JobId{2}, .maps = 8, .control = {.priority = 80}});
  commit_one();
  commit_one();
  EXPECT_EQ(live_of(JobId{2}), 2u);
  change({.priority = true, .to = {.priority = 81}}, JobId{1});
  commit_one();
  commit_one();
  EXPECT_EQ(live_of(JobId{1}), 2u);
}

TEST_F(ControlTest, SlotsAreSharedByWeight) {
  submit({.job = JobId{1}, .maps = 20});
  submit({.job = JobId{2}, .maps = 20, .control = {.weight = 3}});
  join(1, 8);
  EXPECT_EQ(live_of(JobId{1}), 2u);
  EXPECT_EQ(live_of(JobId{2}), 6u);
}

TEST_F(ControlTest, OnlyWhatIsMarkedChanges) {
  submit({.control = {.max_concurrency = 2, .priority = 70, .weight = 5}});
  change({.weight = true, .to = {.weight = 6}});
  EXPECT_EQ(status().control, (proto::JobControl{2, 70, 6, false}));
  change({.weight = true, .to = {.weight = 6}});
  EXPECT_TRUE(last.facts.empty()) << "nothing has changed";
}

TEST_F(ControlTest, ARestartedMasterKnowsIt) {
  join(1, 4);
  submit({.maps = 4, .control = {.max_concurrency = 1}});
  pause();
  restart();
  EXPECT_EQ(status().control, (proto::JobControl{1, 50, 1, true}));
  join(2, 4);
  wait_with_heartbeats(20s);
  EXPECT_TRUE(live.empty());
  resume();
  EXPECT_EQ(live.size(), 1u);
}

TEST_F(ControlTest, AJobThatIsOverOrUnknownIsNotChanged) {
  submit({});
  cancel();
  pause();
  pause(JobId{99});
  EXPECT_TRUE(last.facts.empty());
}

}  // namespace
}  // namespace fanfold::master
