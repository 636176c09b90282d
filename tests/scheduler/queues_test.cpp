// Short tasks queue at their worker; long ones never do.

#include "master/scheduler/policy.hpp"
#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

class QueuesTest : public SchedulerTest {
 protected:
  /// Commits the oldest live attempt `times` times, each after `duration`.
  void commit_each_after(Duration duration, int times) {
    for (int i = 0; i < times; ++i) {
      now = now + duration;
      commit(AssignAttempt(live.front()));
    }
  }
};

TEST_F(QueuesTest, PrefetchesShortTasksUpToTheLimit) {
  join(1, 1);
  submit({.maps = 1000});
  EXPECT_EQ(live_on(1), 1u);
  commit_each_after(Duration(100us), 2 * scheduling::kQueuedPerSlotMax);
  EXPECT_EQ(live_on(1), 1u + scheduling::kQueuedPerSlotMax);
  EXPECT_EQ(stage_status(Stage::kMap).running, 1u);
}

TEST_F(QueuesTest, QueuesAsMuchAsFitsIntoTwentyMilliseconds) {
  join(1, 1);
  submit({.maps = 1000});
  commit_each_after(5ms, 20);
  EXPECT_EQ(live_on(1), 1u + 3u);
}

TEST_F(QueuesTest, NeverQueuesLongTasks) {
  join(1, 2);
  submit({.maps = 1000});
  for (int i = 0; i < 40; ++i) {
    now = now + 20ms;
    commit(AssignAttempt(live.front()));
    now = now + 20ms;
    EXPECT_LE(live_on(1), 2u);
  }
}

TEST_F(QueuesTest, FillsFreeSlotsBeforeAnyQueue) {
  join(1, 1);
  submit({.maps = 1000});
  commit_each_after(1ms, 40);
  join(2, 2);
  // Both slots at once, then the queues in turn.
  EXPECT_GE(live_on(2), 2u);
  EXPECT_EQ(stage_status(Stage::kMap).running, 3u);
}

TEST_F(QueuesTest, TakesBackWhatWaitsBehindALongTask) {
  join(1, 1);
  submit({.maps = 57, .reduces = 1});
  commit_each_after(1ms, 40);
  ASSERT_EQ(live_on(1), 17u);
  // The first of the rest turns out long; another worker has nothing to do.
  join(2, 1);
  wait(99ms);
  EXPECT_TRUE(actions<CancelAttempt>().empty());
  wait(1ms);
  ASSERT_EQ(actions<CancelAttempt>().size(), 1u);
  EXPECT_EQ(actions<CancelAttempt>()[0].worker, WorkerId{1});
  EXPECT_EQ(assigned()[0].worker, WorkerId{2});
}

TEST_F(QueuesTest, DoesNotChargeAnybodyForQueuedAttemptsOfALostWorker) {
  join(1, 1);
  submit({.maps = 1000});
  commit_each_after(1ms, 40);
  leave(1);
  EXPECT_EQ(status().lost_attempts, 1u);  // The one that ran.
}

TEST_F(QueuesTest, LetsALongJobHaveTheNextFreeSlot) {
  join(1, 1);
  submit({.job = {1}, .maps = 1000});
  commit_each_after(1ms, 40);
  submit({.job = {2}, .maps = 10});
  // Nobody queues behind the slot that job 2 is to have; the queue runs dry, then it is its turn.
  for (int i = 0; i < 19; ++i) {
    commit_each_after(1ms, 1);
    EXPECT_TRUE(assigned().empty());
  }
  commit_each_after(1ms, 1);
  ASSERT_FALSE(assigned().empty());
  EXPECT_EQ(assigned()[0].task.job, JobId{2});
}

TEST_F(QueuesTest, BelievesAWorkerThatRunsWhatWasQueued) {
  join(1, 1);
  submit({.maps = 1000});
  commit_each_after(1ms, 40);
  join(1, 2);  // It came back with a second slot.
  const AssignAttempt second = live[1];
  heartbeat_listing(1, {{live[0].attempt, 0, 0, true}, {second.attempt, 0, 0, true}});
  EXPECT_EQ(stage_status(Stage::kMap).running, 2u);
}

}  // namespace
}  // namespace fanfold::master
