// Leaving in good order.

#include "tests/agent/agent_test.hpp"

namespace fanfold::worker {
namespace {

TEST_F(AgentTest, SaysByeWhenItIsToldToDrain) {
  join();
  assign_map(1);
  drain();
  ASSERT_EQ(sent<proto::Bye>().size(), 1u);
  EXPECT_EQ(sent<proto::Bye>()[0].worker, kWorker);
  EXPECT_FALSE(sent<proto::Bye>()[0].finished);
  EXPECT_FALSE(exited());
}

TEST_F(AgentTest, GivesBackWhatWaitsWhenItDrains) {
  join();
  assign_map(1);
  assign_map(2);
  const AttemptId queued = assign_map(3);
  const AttemptId fetching = assign_reduce(4);
  drain();
  ASSERT_EQ(sent<proto::AttemptFailed>().size(), 2u);
  for (const proto::AttemptFailed& one : sent<proto::AttemptFailed>()) {
    EXPECT_EQ(one.failure.kind, FailureKind::kDrained);
    EXPECT_TRUE(one.attempt == queued || one.attempt == fetching);
  }
  // Only the fetch had to be stopped.
  ASSERT_EQ(actions<KillAttempt>().size(), 1u);
  EXPECT_EQ(actions<KillAttempt>()[0].attempt, fetching);
  EXPECT_EQ(actions<KillAttempt>()[0].kind, FailureKind::kDrained);
}

TEST_F(AgentTest, FinishesAndCommitsWhatRunsWhenItDrains) {
  join();
  const AttemptId one = assign_map(1);
  drain();
  wait_with_echoes(20s);
  EXPECT_FALSE(exited());
  succeed(one);
  EXPECT_EQ(sent<proto::CommitRequest>().size(), 1u);
  answer(one, true);
  ASSERT_EQ(sent<proto::Bye>().size(), 1u);
  EXPECT_TRUE(sent<proto::Bye>()[0].finished);
  EXPECT_FALSE(exited());
  master_says(proto::Goodbye{});
  EXPECT_TRUE(exited());
}

TEST_F(AgentTest, StartsNothingNewWhileItDrains) {
  join();
  const AttemptId one = assign_map(1);
  drain();
  assign_map(2);
  EXPECT_TRUE(started().empty());
  ASSERT_EQ(sent<proto::AttemptFailed>().size(), 1u);
  EXPECT_EQ(sent<proto::AttemptFailed>()[0].failure.kind, FailureKind::kDrained);
  assign_reduce(3);
  EXPECT_TRUE(actions<FetchInputs>().empty());
  succeed(one);
  EXPECT_TRUE(started().empty());
}

TEST_F(AgentTest, AnIdleWorkerIsFinishedAtOnce) {
  join();
  drain();
  ASSERT_EQ(sent<proto::Bye>().size(), 1u);
  EXPECT_TRUE(sent<proto::Bye>()[0].finished);
  EXPECT_FALSE(exited());
}

TEST_F(AgentTest, RepeatsItsByeWithEveryHeartbeat) {
  join();
  drain();
  wait_with_echoes(3 * kHeartbeat);
  EXPECT_EQ(sent<proto::Bye>().size(), 3u);
}

TEST_F(AgentTest, SaysByeToAMasterThatRestartedMeanwhile) {
  join();
  assign_map(1);
  drain();
  echo(2);
  welcome(2, WorkerId{8});
  ASSERT_EQ(sent<proto::Bye>().size(), 1u);
  EXPECT_EQ(sent<proto::Bye>()[0].worker, WorkerId{8});
}

TEST_F(AgentTest, IsToldToDrainOnce) {
  join();
  assign_map(1);
  drain();
  drain();
  EXPECT_TRUE(last.empty());
}

TEST_F(AgentTest, LeavesWhenNobodyAnswersItsBye) {
  join();
  drain();
  wait(limits::kWorkerSilence - 1ms);
  EXPECT_FALSE(exited());
  wait(1ms);
  EXPECT_TRUE(exited());
}

TEST_F(AgentTest, WaitsForWhatRunsHoweverSilentTheMasterIs) {
  join();
  const AttemptId one = assign_map(1);
  drain();
  wait(limits::kStallTimeout - 1s);
  EXPECT_FALSE(exited());
  succeed(one);
  wait(limits::kWorkerSilence - 1ms);
  EXPECT_FALSE(exited());
  wait(1ms);
  EXPECT_TRUE(exited());
}

TEST_F(AgentTest, APauseDoesNotCutShortTheWaitForTheLastAnswers) {
  join();
  const AttemptId one = assign_map(1);
  drain();
  succeed(one);
  wait(1s);
  now = now + 1min;
  // The answer lay in the socket all the time.
  answer(one, true);
  EXPECT_FALSE(exited());
  ASSERT_EQ(sent<proto::Bye>().empty(), false);
  EXPECT_TRUE(sent<proto::Bye>().back().finished);
  wait(limits::kWorkerSilence);
  EXPECT_TRUE(exited());
}

TEST_F(AgentTest, LeavesAtOnceWhenNoMasterEverKnewIt) {
  start();
  drain();
  EXPECT_TRUE(exited());
}

TEST_F(AgentTest, LeavesWhenItIsLetGoWhateverRuns) {
  join();
  assign_map(1);
  master_says(proto::Goodbye{});
  EXPECT_TRUE(exited());
}

TEST_F(AgentTest, DoesNothingAfterItsExit) {
  join();
  const AttemptId one = assign_map(1);
  master_says(proto::Goodbye{});
  succeed(one);
  EXPECT_TRUE(last.empty());
  assign_map(2);
  EXPECT_TRUE(last.empty());
  pause(1h);
  EXPECT_TRUE(last.empty());
  EXPECT_EQ(agent->next_deadline(), std::nullopt);
}

TEST_F(AgentTest, ACancelledAttemptThatStillDiesKeepsADrainingWorker) {
  join();
  const AttemptId one = assign_map(1);
  cancel(one);
  drain();
  wait_with_echoes(20s);
  EXPECT_FALSE(exited());
  fail(one, FailureKind::kSignal);
  ASSERT_EQ(sent<proto::Bye>().size(), 1u);
  EXPECT_TRUE(sent<proto::Bye>()[0].finished);
}

}  // namespace
}  // namespace fanfold::worker
