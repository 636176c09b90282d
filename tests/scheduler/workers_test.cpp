// Workers come, report, drain, fall silent and go.

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

TEST_F(SchedulerTest, ReassignsTasksOfALostWorker) {
  join(1);
  submit({.attempts_max = 1});
  wait(10s);
  EXPECT_EQ(actions<ForgetWorker>().size(), 1u);
  EXPECT_TRUE(facts<TaskFailureCounted>().empty());  // The task's budget is untouched.
  join(2);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].attempt_number, 2u);
}

TEST_F(SchedulerTest, KeepsAWorkerThatSendsHeartbeats) {
  join(1);
  submit({});
  wait_with_heartbeats(60s);
  EXPECT_TRUE(actions<ForgetWorker>().empty());
  EXPECT_EQ(live_on(1), 1u);
}

TEST_F(SchedulerTest, RunsMapsAgainWhoseOutputsWentWithTheirWorker) {
  join(1);
  submit({.maps = 2, .reduces = 1});
  commit(map(0));
  commit(map(1), true);
  join(2);
  leave(1);
  // Split 1 left nothing that could be lost.
  ASSERT_EQ(facts<MapOutputInvalidated>().size(), 1u);
  EXPECT_EQ(facts<MapOutputInvalidated>()[0].task.index, 0u);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task, (TaskId{kJob, Stage::kMap, 0}));
  EXPECT_EQ(assigned()[0].worker, WorkerId{2});
}

TEST_F(SchedulerTest, NeedsNoMapOutputsWhenEveryReduceIsCommitted) {
  join(1);
  submit({});
  commit(map(0));
  commit(reduce(0));
  leave(1);
  EXPECT_TRUE(facts<MapOutputInvalidated>().empty());
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(SchedulerTest, KeepsCommittedReducesOfALostWorker) {
  join(1);
  submit({.maps = 1, .reduces = 2});
  commit(map(0));
  commit(reduce(0));
  join(2);
  leave(1);
  commit(map(0));
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task, (TaskId{kJob, Stage::kReduce, 1}));
}

TEST_F(SchedulerTest, GivesADrainingWorkerNothingNew) {
  join(1, 2);
  submit({.maps = 5});
  drain(1);
  commit(map(0));
  EXPECT_TRUE(actions<AnswerCommit>()[0].granted);
  EXPECT_TRUE(assigned().empty());
  EXPECT_TRUE(scheduler->workers(now)[0].draining);
}

TEST_F(SchedulerTest, KeepsMapOutputsOfADrainingWorkerUntilItLeaves) {
  join(1);
  submit({.reduces = 1});
  drain(1);
  commit(map(0));
  join(2);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(inputs()[0].worker, WorkerId{1});
  leave(1);
  EXPECT_EQ(facts<MapOutputInvalidated>().size(), 1u);
}

TEST_F(SchedulerTest, SendsAnAssignmentAgainThatHeartbeatsDoNotConfirm) {
  join(1);
  submit({});
  const AssignAttempt mapper = map(0);
  heartbeat_listing(1, {});
  EXPECT_TRUE(assigned().empty());  // It may be on its way.
  now = now + 3s;
  heartbeat_listing(1, {});
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].attempt, mapper.attempt);
  heartbeat_listing(1, {});
  EXPECT_TRUE(assigned().empty());
}

TEST_F(SchedulerTest, TakesBackAReduceThatNeverArrivedWhenItsInputsAreLost) {
  join(1);
  join(2);
  submit({.maps = 2, .reduces = 2});
  commit_all_maps();
  const AssignAttempt reducer = reduce(0);
  ASSERT_EQ(reducer.worker, WorkerId{1});
  now = now + 3s;
  leave(2);
  heartbeat_listing(1, {});
  EXPECT_EQ(actions<CancelAttempt>()[0].attempt, reducer.attempt);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task.stage, Stage::kMap);
}

TEST_F(SchedulerTest, CancelsWhatAWorkerShouldNotHold) {
  join(1);
  submit({});
  heartbeat_listing(1, {{map(0).attempt, 0, 0, true}, {AttemptId{999}, 0, 0, true}});
  ASSERT_EQ(actions<CancelAttempt>().size(), 1u);
  EXPECT_EQ(actions<CancelAttempt>()[0].attempt, AttemptId{999});
}

TEST_F(SchedulerTest, AnswersAgainWhenAWorkerStillWaitsForItsGrant) {
  join(1);
  submit({});
  const AssignAttempt mapper = map(0);
  commit(mapper);
  heartbeat_listing(1, {{mapper.attempt, 0, 0, true}});
  ASSERT_EQ(actions<AnswerCommit>().size(), 1u);
  EXPECT_TRUE(actions<AnswerCommit>()[0].granted);
  EXPECT_TRUE(actions<CancelAttempt>().empty());
}

TEST_F(SchedulerTest, DeniesTheLateCommitOfALostWorker) {
  join(1);
  submit({});
  const AssignAttempt zombie = map(0);
  wait(10s);
  join(2);
  commit(zombie);
  EXPECT_FALSE(actions<AnswerCommit>()[0].granted);
  EXPECT_EQ(status().failed_attempts, 0u);
}

TEST_F(SchedulerTest, WelcomesALostWorkerBackAsANewOne) {
  join(1);
  submit({});
  wait(10s);
  join(1);
  EXPECT_EQ(assigned().size(), 1u);
}

TEST_F(SchedulerTest, KeepsAttemptsOfAWorkerThatSaysHelloAgain) {
  join(1);
  submit({.maps = 2});
  const AssignAttempt mapper = map(0);
  join(1);
  EXPECT_TRUE(last.actions.empty());
  commit(mapper);
  EXPECT_TRUE(actions<AnswerCommit>()[0].granted);
}

TEST_F(SchedulerTest, HoldsItsOwnPauseAgainstNoWorker) {
  join(1);
  join(2);
  submit({});
  // The master is stopped for a minute and wakes to a tick before the heartbeats.
  now = now + 60s;
  step(Tick{});
  EXPECT_TRUE(actions<ForgetWorker>().empty());
  wait(10s);
  EXPECT_EQ(actions<ForgetWorker>().size(), 2u);
}

TEST_F(SchedulerTest, FindsADeadWorkerThoughItIsPausedAgainAndAgain) {
  join(1);
  join(2);
  std::vector<WorkerGone> gone;
  const auto pass = [&](Duration duration) {
    now = now + duration;
    step(Tick{});
    for (const WorkerGone& fact : facts<WorkerGone>()) gone.push_back(fact);
  };
  // It listens for a second at a time, with half a minute of sleep between; worker 1 is dead.
  for (int pause = 0; pause < 4; ++pause) {
    pass(30s);
    heartbeat(2);
    pass(1s);
  }
  ASSERT_EQ(gone.size(), 1u);
  EXPECT_EQ(gone[0].worker, WorkerId{1});
}

TEST_F(SchedulerTest, FindsSilenceOnlyAfterTheMessagesOfATurn) {
  join(1);
  join(2);
  now = now + 10s;
  // Both heartbeats were read in the turn in which the deadline passed.
  heartbeat(1);
  heartbeat(2);
  step(Tick{});
  EXPECT_TRUE(actions<ForgetWorker>().empty());
}

TEST_F(SchedulerTest, IgnoresWorkersItDoesNotKnow) {
  heartbeat_listing(7, {{AttemptId{1}, 0, 0, true}});
  EXPECT_TRUE(last.actions.empty());
  leave(7);
  drain(7);
  EXPECT_TRUE(last.actions.empty());
}

}  // namespace
}  // namespace fanfold::master
