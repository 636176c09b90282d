// Jobs whose results become one in a tree.

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

class Gather : public SchedulerTest {
 protected:
  /// Three gather tasks over seven parts, and the root.
  void reduce_seven_parts() {
    submit({.maps = 1, .reduces = 7, .gather_arity = 3});
    commit_all_maps();
    commit_all_reduces();
  }
};

TEST_F(Gather, BeginsWhenEveryReduceIsCommitted) {
  join(1, 8);
  submit({.maps = 1, .reduces = 3, .gather_arity = 2});
  commit_all_maps();
  commit(reduce(0));
  commit(reduce(2));
  EXPECT_TRUE(assigned().empty());
  commit(reduce(1));
  ASSERT_EQ(assigned().size(), 2u);
  EXPECT_EQ(assigned()[0].task, (TaskId{kJob, Stage::kGather, 0}));
  EXPECT_EQ(assigned()[1].task, (TaskId{kJob, Stage::kGather, 1}));
  EXPECT_TRUE(actions<PublishJob>().empty());
}

TEST_F(Gather, WaitsWithALevelForTheOneBeforeIt) {
  join(1, 8);
  reduce_seven_parts();
  EXPECT_EQ(live.size(), 3u);
  commit(gather(0));
  commit(gather(2));
  EXPECT_EQ(live.size(), 1u);
  commit(gather(1));
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task, (TaskId{kJob, Stage::kGather, 3}));
  EXPECT_EQ(stage_status(Stage::kGather).done, 3u);
  EXPECT_EQ(stage_status(Stage::kGather).tasks, 4u);
}

TEST_F(Gather, PublishesWhatTheRootMade) {
  join(1, 8);
  reduce_seven_parts();
  for (const std::uint32_t task : {0, 1, 2}) commit(gather(task));
  const AssignAttempt root = gather(3);
  commit(root);
  ASSERT_EQ(actions<PublishJob>().size(), 1u);
  EXPECT_EQ(actions<PublishJob>()[0].gathered, root.attempt);
  EXPECT_EQ(actions<PublishJob>()[0].reduces.size(), 7u);
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(Gather, PublishesAtOnceWhatIsOnePart) {
  join(1, 2);
  submit({.maps = 1, .reduces = 1, .gather_arity = 2});
  commit_all_maps();
  commit(reduce(0));
  ASSERT_EQ(actions<PublishJob>().size(), 1u);
  EXPECT_EQ(actions<PublishJob>()[0].gathered, AttemptId{});
}

TEST_F(Gather, RunsTasksOfALostWorkerElsewhere) {
  join(1, 2);
  join(2, 2);
  reduce_seven_parts();
  leave(1);
  EXPECT_EQ(live_on(1), 0u);
  while (!live.empty()) commit(AssignAttempt(live.front()));
  EXPECT_EQ(status().state, JobState::kPublishing);
  EXPECT_EQ(stage_status(Stage::kReduce).tasks, 7u);
}

TEST_F(Gather, MakesNoMapOutputAgainForWhatIsReduced) {
  join(1, 8);
  reduce_seven_parts();
  leave(1);
  EXPECT_TRUE(facts<MapOutputInvalidated>().empty());
  join(2, 8);
  ASSERT_EQ(assigned().size(), 3u);
  EXPECT_EQ(assigned()[0].task.stage, Stage::kGather);
}

TEST_F(Gather, GoesOnUnderTheNextMaster) {
  join(1, 8);
  reduce_seven_parts();
  commit(gather(0));
  const AssignAttempt running = gather(1);
  restart();
  join_with(1, 8, {running});
  EXPECT_EQ(actions<AdoptAttempt>().size(), 1u);
  // What was committed stays, and what is above waits.
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task, (TaskId{kJob, Stage::kGather, 2}));
  commit(assigned()[0]);
  commit(running);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task, (TaskId{kJob, Stage::kGather, 3}));
}

TEST_F(Gather, AdoptsNobodyWhoClaimsATaskThatIsNotOpen) {
  join(1, 8);
  reduce_seven_parts();
  AssignAttempt root = gather(0);
  restart();
  root.task.index = 3;
  join_with(1, 8, {root});
  EXPECT_TRUE(actions<AdoptAttempt>().empty());
  EXPECT_EQ(assigned().size(), 3u);
}

TEST_F(Gather, StopsMapsThatRunAgainForNobody) {
  join(1, 1);
  submit({.maps = 1, .reduces = 2, .attempts_max = 1, .speculate = false, .gather_arity = 2});
  join(2, 3);
  drain(1);
  commit(map(0));
  leave(1);
  const AssignAttempt again = map(0);
  EXPECT_EQ(again.worker, WorkerId{2});
  commit(reduce(0));
  EXPECT_TRUE(actions<CancelAttempt>().empty());
  commit(reduce(1));
  ASSERT_EQ(actions<CancelAttempt>().size(), 1u);
  EXPECT_EQ(actions<CancelAttempt>()[0].attempt, again.attempt);
  EXPECT_EQ(gather(0).worker, WorkerId{2});
  fail(again, FailureKind::kException);
  EXPECT_EQ(status().state, JobState::kRunning);
  restart();
  join_with(2, 3, {again});
  EXPECT_TRUE(actions<AdoptAttempt>().empty());
  EXPECT_EQ(live.size(), 1u);
  EXPECT_EQ(live.front().task.stage, Stage::kGather);
}

TEST_F(Gather, WaitsForNoComparisonOfAMapThatNobodyRunsAgain) {
  join(1, 1);
  submit({.maps = 1, .reduces = 2, .verify_per_million = 1'000'000, .gather_arity = 2});
  join(2, 3);
  drain(1);
  commit(map(0));
  leave(1);
  commit(reduce(0));
  commit(reduce(1));
  restart();
  join_with(2, 3, {});
  commit(gather(0));
  EXPECT_EQ(actions<PublishJob>().size(), 1u);
}

TEST_F(Gather, CoversMapsWhoseOutputsWereLostSince) {
  join(1, 1);
  submit({.maps = 1, .reduces = 2, .gather_arity = 2});
  join(2, 3);
  drain(1);
  commit(map(0));
  leave(1);
  commit(reduce(0));
  EXPECT_EQ(status().completion.maps_covered, 0u);
  commit(reduce(1));
  EXPECT_EQ(status().completion.maps_covered, 1u);
  EXPECT_EQ(status().completion.bytes_covered, status().completion.bytes);
}

TEST_F(Gather, ComparesTheRootWithNobody) {
  join(1, 8);
  join(2, 8);
  reduce_seven_parts();
  wait_with_heartbeats(10ms);
  for (const std::uint32_t task : {0, 1, 2}) commit(gather(task));
  wait_with_heartbeats(60s);
  EXPECT_EQ(live.size(), 1u);
}

TEST_F(Gather, TriesDamagedInputsOnAnotherHostAndNoLonger) {
  join(1, 8);
  join(2, 8);
  submit({.maps = 1, .reduces = 2, .gather_arity = 2});
  commit_all_maps();
  commit_all_reduces();
  const AssignAttempt first = gather(0);
  fail(first, FailureKind::kInput);
  EXPECT_EQ(status().state, JobState::kRunning);
  wait_with_heartbeats(5s);
  EXPECT_NE(gather(0).worker, first.worker);
  fail(gather(0), FailureKind::kInput);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().reason, "gather task 0 failed 2 times");
}

TEST_F(Gather, SaysHowFarItWasWhenTheDeadlinePasses) {
  join(1, 8);
  const auto deadline =
      std::chrono::duration_cast<std::chrono::microseconds>(now.since_origin + 10s);
  submit({.maps = 1,
          .reduces = 3,
          .deadline_unix_us = static_cast<std::uint64_t>(deadline.count()),
          .gather_arity = 2});
  commit_all_maps();
  commit_all_reduces();
  commit(gather(0));
  wait_with_heartbeats(11s);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_NE(status().reason.find("1 of 3 gather tasks were done"), std::string::npos)
      << status().reason;
}

TEST_F(Gather, FailsTheJobWhenATaskFailsForGood) {
  join(1, 8);
  submit({.maps = 1, .reduces = 2, .attempts_max = 1, .gather_arity = 2});
  commit_all_maps();
  commit_all_reduces();
  fail(gather(0), FailureKind::kInput);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().reason, "gather task 0 failed once");
}

TEST_F(Gather, BacksUpAStragglerOfALevel) {
  join(1, 20);
  join(2, 20);
  submit({.maps = 1, .reduces = 40, .gather_arity = 2});
  commit_all_maps();
  commit_all_reduces();
  wait_with_heartbeats(100ms);
  for (std::uint32_t task = 0; task < 19; ++task) commit(gather(task));
  ASSERT_EQ(live.size(), 1u);
  wait_with_heartbeats(60s);
  ASSERT_EQ(live.size(), 2u);
  EXPECT_TRUE(gather(19).speculative);
}

}  // namespace
}  // namespace fanfold::master
