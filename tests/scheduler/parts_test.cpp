// The small parts that the scheduler is made of.

#include <gtest/gtest.h>

#include "common/core/deadlines.hpp"
#include "master/scheduler/attempt.hpp"
#include "master/scheduler/durations.hpp"
#include "master/scheduler/policy.hpp"
#include "master/scheduler/stage_tasks.hpp"

namespace fanfold::master::scheduling {
namespace {

TEST(Policy, BacksOffFromATenthOfASecondToFiveSeconds) {
  EXPECT_EQ(retry_delay(1), 100ms);
  EXPECT_EQ(retry_delay(2), 200ms);
  EXPECT_EQ(retry_delay(6), 3200ms);
  EXPECT_EQ(retry_delay(7), 5s);
  EXPECT_EQ(retry_delay(4'000'000'000u), 5s);
}

TEST(Policy, QueuesNothingForTasksOfTwentyMilliseconds) {
  EXPECT_EQ(queued_per_slot(200ms, 10), 0u);
  EXPECT_EQ(queued_per_slot(190ms, 10), 1u);
  EXPECT_EQ(queued_per_slot(10ms, 10), 19u);
  EXPECT_EQ(queued_per_slot(Duration(0), 10), kQueuedPerSlotMax);
  EXPECT_EQ(queued_per_slot(3ms, 3), 0u);  // Too few to believe.
}

TEST(Policy, CallsTheLastQuarterTheTail) {
  EXPECT_FALSE(in_tail(1, 0));
  EXPECT_TRUE(in_tail(2, 1));
  EXPECT_FALSE(in_tail(8, 5));
  EXPECT_TRUE(in_tail(8, 6));
  EXPECT_FALSE(in_tail(1000, 749));
  EXPECT_TRUE(in_tail(1000, 750));
}

TEST(Durations, FindTheMedianWithinAnEighth) {
  for (const std::int64_t median_us :
       std::initializer_list<std::int64_t>{1, 7, 8, 100, 999, 20000, 1000000, 3600000000}) {
    Durations durations;
    durations.add(Duration(0));
    durations.add(std::chrono::microseconds(median_us));
    durations.add(std::chrono::hours(24));
    const std::int64_t found = durations.median().count() / 1000;
    EXPECT_GE(found, median_us);
    EXPECT_LE(found, median_us + median_us / 8 + 1);
  }
}

TEST(Durations, TakeAnyDuration) {
  Durations durations;
  EXPECT_EQ(durations.median(), Duration(0));
  durations.add(Duration(-5));
  durations.add(std::chrono::hours(24 * 365 * 100));
  EXPECT_EQ(durations.count(), 2u);
}

TEST(Deadlines, KeepOneMomentPerKey) {
  Deadlines<int> deadlines;
  deadlines.set(1, Instant{5s});
  deadlines.set(2, Instant{3s});
  deadlines.set(1, Instant{1s});
  EXPECT_EQ(deadlines.first(), Instant{1s});
  EXPECT_EQ(deadlines.due(Instant{1s}), 1);
  EXPECT_EQ(deadlines.first_after(Instant{1s}), Instant{3s});
  deadlines.clear(1);
  EXPECT_EQ(deadlines.due(Instant{2s}), std::nullopt);
  deadlines.clear(2);
  EXPECT_EQ(deadlines.first(), std::nullopt);
}

TEST(StageTasks, HandOutWhatWasReadyBeforeAheadOfFreshTasks) {
  StageTasks stage(Stage::kMap, 3);
  EXPECT_EQ(stage.fresh(), 0u);
  stage.take_fresh();
  stage.move(0, TaskState::kAssigned);
  stage.move(0, TaskState::kReady);
  ASSERT_EQ(stage.retries(), 1u);
  EXPECT_EQ(stage.retry_at(0), 0u);
  EXPECT_EQ(stage.fresh(), 1u);
}

TEST(StageTasks, PassOverWhatWasCommittedBeforeARestart) {
  StageTasks stage(Stage::kMap, 3);
  stage.move(0, TaskState::kCommitted);
  stage.move(1, TaskState::kCommitted);
  EXPECT_EQ(stage.fresh(), 2u);
  stage.take_fresh();
  EXPECT_EQ(stage.fresh(), std::nullopt);
}

TEST(StageTasksDeathTest, RefuseIllegalMoves) {
  StageTasks stage(Stage::kMap, 1);
  EXPECT_DEATH(stage.move(0, TaskState::kReady), "is_legal");
  stage.move(0, TaskState::kCommitted);
  EXPECT_DEATH(stage.move(0, TaskState::kCommitted), "is_legal");
  EXPECT_DEATH(stage.move(0, TaskState::kDelayed), "is_legal");
}

TEST(AttemptLedger, FindsAttemptsReplayedOutOfOrder) {
  AttemptLedger ledger;
  ledger.add(AttemptId{7}, TaskId{{1}, Stage::kMap, 3});
  ledger.add(AttemptId{2}, TaskId{{1}, Stage::kReduce, 1});
  ledger.sort();
  ledger.add(AttemptId{9}, TaskId{{1}, Stage::kMap, 4});
  EXPECT_EQ(ledger.find(AttemptId{2})->stage, Stage::kReduce);
  EXPECT_EQ(ledger.find(AttemptId{7})->index, 3u);
  EXPECT_EQ(ledger.find(AttemptId{9})->index, 4u);
  EXPECT_EQ(ledger.find(AttemptId{8}), nullptr);
}

}  // namespace
}  // namespace fanfold::master::scheduling
