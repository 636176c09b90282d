// Backups for stragglers.

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

class SpeculationTest : public SchedulerTest {
 protected:
  /// Four maps on two workers of two slots; three end after `typical`, number 3 goes on.
  void leave_one_straggler(Duration typical, bool speculate = true) {
    join(1, 2);
    join(2, 2);
    submit({.maps = 4, .reduces = 1, .speculate = speculate});
    wait_with_heartbeats(typical);
    for (std::uint32_t i = 0; i < 3; ++i) commit(map(i));
    straggler = map(3);
  }

  AssignAttempt straggler;
};

TEST_F(SpeculationTest, BacksUpAStragglerOnAnotherWorker) {
  leave_one_straggler(4s);
  wait_with_heartbeats(3s);
  EXPECT_TRUE(assigned().empty());
  wait_with_heartbeats(3s);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_TRUE(assigned()[0].speculative);
  EXPECT_EQ(assigned()[0].task, straggler.task);
  EXPECT_NE(assigned()[0].worker, straggler.worker);
  EXPECT_EQ(status().speculative_attempts, 1u);
}

TEST_F(SpeculationTest, NeverBacksUpBeforeASecond) {
  leave_one_straggler(10ms);
  wait(980ms);
  EXPECT_TRUE(assigned().empty());
  wait(20ms);
  EXPECT_EQ(assigned().size(), 1u);
}

TEST_F(SpeculationTest, CancelsTheLoserOfAPair) {
  leave_one_straggler(10ms);
  wait(2s);
  const AssignAttempt backup = assigned()[0];
  commit(backup);
  ASSERT_EQ(actions<CancelAttempt>().size(), 1u);
  EXPECT_EQ(actions<CancelAttempt>()[0].attempt, straggler.attempt);
  commit(straggler);
  EXPECT_FALSE(actions<AnswerCommit>()[0].granted);
  EXPECT_EQ(status().failed_attempts, 0u);
}

TEST_F(SpeculationTest, CancelsTheBackupWhenTheFirstAttemptWins) {
  leave_one_straggler(10ms);
  wait(2s);
  const AssignAttempt backup = assigned()[0];
  commit(straggler);
  ASSERT_EQ(actions<CancelAttempt>().size(), 1u);
  EXPECT_EQ(actions<CancelAttempt>()[0].attempt, backup.attempt);
}

TEST_F(SpeculationTest, DoesNotRetryATaskWhoseTwinStillRuns) {
  leave_one_straggler(10ms);
  wait(2s);
  const AssignAttempt backup = assigned()[0];
  fail(straggler, FailureKind::kSignal);
  wait(500ms);
  EXPECT_TRUE(assigned().empty());
  commit(backup);
  EXPECT_TRUE(actions<AnswerCommit>()[0].granted);
}

TEST_F(SpeculationTest, StaysOffWhenTheJobSaysSo) {
  leave_one_straggler(10ms, false);
  wait_with_heartbeats(60s);
  EXPECT_TRUE(assigned().empty());
}

TEST_F(SpeculationTest, NeverUsesTheSameWorker) {
  join(1, 4);
  submit({.maps = 4});
  for (std::uint32_t i = 0; i < 3; ++i) commit(map(i));
  wait_with_heartbeats(60s);
  EXPECT_TRUE(assigned().empty());
  join(2);
  EXPECT_EQ(assigned().size(), 1u);
}

TEST_F(SpeculationTest, WaitsWhileThereIsOtherWork) {
  join(1, 1);
  join(2, 1);
  submit({.maps = 4});
  submit({.job = {2}, .maps = 50});
  wait_with_heartbeats(60s);
  EXPECT_TRUE(assigned().empty());
}

TEST_F(SpeculationTest, BacksUpAtMostATenthOfAStage) {
  join(1, 20);
  join(2, 20);
  submit({.maps = 20});
  for (std::uint32_t i = 0; i < 15; ++i) commit(map(i));
  wait_with_heartbeats(5s);
  EXPECT_EQ(assigned().size(), 2u);
  wait_with_heartbeats(30s);
  EXPECT_TRUE(assigned().empty());
}

TEST_F(SpeculationTest, BacksUpTheSecondOfTwoTasks) {
  join(1);
  join(2);
  submit({.maps = 2});
  now = now + 100ms;
  commit(map(0));
  wait_with_heartbeats(2s);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_TRUE(assigned()[0].speculative);
}

TEST_F(SpeculationTest, HasNothingToCompareASingleTaskWith) {
  join(1);
  join(2);
  submit({.maps = 1});
  wait_with_heartbeats(600s);
  EXPECT_TRUE(assigned().empty());
}

TEST_F(SpeculationTest, DoesNotAgeAttemptsThatStillWaitForTheirInputs) {
  join(1, 2);
  join(2, 2);
  submit({.maps = 1, .reduces = 4});
  commit(map(0));
  for (std::uint32_t i = 0; i < 3; ++i) commit(reduce(i));
  const AssignAttempt fetching = reduce(3);
  for (int second = 0; second < 8; ++second) {
    now = now + 900ms;
    heartbeat_listing(fetching.worker.value, {{fetching.attempt, 0, 0, false}});
    EXPECT_TRUE(assigned().empty());
  }
}

TEST_F(SpeculationTest, BacksUpReducesToo) {
  join(1, 2);
  join(2, 2);
  submit({.maps = 1, .reduces = 4});
  commit(map(0));
  now = now + 500ms;
  for (std::uint32_t i = 0; i < 3; ++i) commit(reduce(i));
  wait_with_heartbeats(3s);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_TRUE(assigned()[0].speculative);
}

}  // namespace
}  // namespace fanfold::master
