// The master takes attempts back, in every state; and jobs end.

#include "tests/agent/agent_test.hpp"

namespace fanfold::worker {
namespace {

TEST_F(AgentTest, KillsARunningAttemptThatIsCancelled) {
  join();
  const AttemptId one = assign_map(1);
  cancel(one);
  ASSERT_EQ(actions<KillAttempt>().size(), 1u);
  EXPECT_EQ(actions<KillAttempt>()[0].attempt, one);
  EXPECT_EQ(actions<KillAttempt>()[0].kind, FailureKind::kCancelled);
  EXPECT_TRUE(actions<DropAttemptFiles>().empty());  // The executor may still write.
  fail(one, FailureKind::kSignal);
  EXPECT_EQ(actions<DropAttemptFiles>().size(), 1u);
  EXPECT_TRUE(sent<proto::AttemptFailed>().empty());
}

TEST_F(AgentTest, ACancelledAttemptHoldsItsSlotUntilItIsDead) {
  join();
  const AttemptId one = assign_map(1);
  assign_map(2);
  cancel(one);
  const AttemptId three = assign_map(3);
  EXPECT_TRUE(started().empty());
  fail(one, FailureKind::kSignal);
  EXPECT_EQ(started(), std::vector{three});
}

TEST_F(AgentTest, ListsWhatIsCancelledUntilItIsDead) {
  join();
  const AttemptId one = assign_map(1);
  cancel(one);
  ASSERT_EQ(listed().size(), 1u);
  EXPECT_EQ(listed()[0].attempt, one);
  // Whoever waits for its end hears of it at once.
  fail(one, FailureKind::kSignal);
  ASSERT_EQ(sent<proto::Heartbeat>().size(), 1u);
  EXPECT_TRUE(sent<proto::Heartbeat>()[0].attempts.empty());
}

TEST_F(AgentTest, SuccessComesTooLateForACancelledAttempt) {
  join();
  const AttemptId one = assign_map(1);
  cancel(one);
  succeed(one);
  EXPECT_TRUE(sent<proto::CommitRequest>().empty());
  EXPECT_EQ(actions<DropAttemptFiles>().size(), 1u);
}

TEST_F(AgentTest, KillsACancelledAttemptOnce) {
  join();
  const AttemptId one = assign_map(1);
  cancel(one);
  cancel(one);
  EXPECT_TRUE(last.empty());
}

TEST_F(AgentTest, TakesACancelledAttemptOutOfTheQueue) {
  join();
  const AttemptId one = assign_map(1);
  assign_map(2);
  const AttemptId queued = assign_map(3);
  const AttemptId next = assign_map(4);
  cancel(queued);
  EXPECT_TRUE(actions<KillAttempt>().empty());
  EXPECT_EQ(actions<DropAttemptFiles>().size(), 1u);
  succeed(one);
  EXPECT_EQ(started(), std::vector{next});
}

TEST_F(AgentTest, StopsFetchingForACancelledAttempt) {
  join();
  const AttemptId one = assign_reduce(1);
  cancel(one);
  ASSERT_EQ(actions<KillAttempt>().size(), 1u);
  EXPECT_EQ(actions<DropAttemptFiles>().size(), 1u);
  inputs_arrive(one);
  EXPECT_TRUE(last.empty());
  EXPECT_TRUE(listed().empty());
}

TEST_F(AgentTest, DropsWhatWaitsForItsCommitWhenItIsCancelled) {
  join();
  const AttemptId one = assign_map(1);
  succeed(one);
  cancel(one);
  EXPECT_EQ(actions<DropAttemptFiles>().size(), 1u);
  wait_with_echoes(2 * kResend);
  EXPECT_TRUE(sent<proto::CommitRequest>().empty());
}

TEST_F(AgentTest, ForgetsAFailureThatNobodyWantsToKnow) {
  join();
  const AttemptId one = assign_map(1);
  fail(one);
  cancel(one);
  EXPECT_TRUE(actions<DropAttemptFiles>().empty()) << "they are gone";
  wait_with_echoes(2 * kResend);
  EXPECT_TRUE(sent<proto::AttemptFailed>().empty());
}

TEST_F(AgentTest, ACancellationOverridesATimeLimit) {
  join();
  const AttemptId one = assign({.number = 1, .task_timeout_ms = 3000});
  wait_with_echoes(3s);
  ASSERT_EQ(actions<KillAttempt>().size(), 1u);
  cancel(one);
  EXPECT_TRUE(last.empty());
  fail(one, FailureKind::kSignal);
  EXPECT_TRUE(sent<proto::AttemptFailed>().empty());
  EXPECT_EQ(actions<DropAttemptFiles>().size(), 1u);
}

TEST_F(AgentTest, DoesNotStartWhatWasCancelledBeforeItCame) {
  join();
  cancel(attempt(1));
  assign_map(1);
  EXPECT_TRUE(last.empty());
  EXPECT_TRUE(listed().empty());
}

TEST_F(AgentTest, SaysAtOnceThatNothingOfACancelledAttemptIsThere) {
  join();
  cancel(attempt(1));
  ASSERT_EQ(sent<proto::Heartbeat>().size(), 1u);
  EXPECT_EQ(sent<proto::Heartbeat>()[0].newest, attempt(1));
  wait_with_echoes(100ms);
  assign_map(3);
  cancel(attempt(2));
  ASSERT_EQ(sent<proto::Heartbeat>().size(), 1u);
  EXPECT_EQ(sent<proto::Heartbeat>()[0].newest, attempt(3));
}

TEST_F(AgentTest, SaysOnceOfManyThatNothingOfThemIsThere) {
  // A heartbeat for each of them would have others cancelled again, each with another heartbeat.
  join();
  std::size_t heartbeats = 0;
  for (std::uint64_t number = 1; number <= 100; ++number) {
    cancel(attempt(number));
    heartbeats += sent<proto::Heartbeat>().size();
  }
  EXPECT_EQ(heartbeats, 1u);
  wait_with_echoes(100ms);
  ASSERT_EQ(sent<proto::Heartbeat>().size(), 1u);
  EXPECT_EQ(sent<proto::Heartbeat>()[0].newest, attempt(100));
}

TEST_F(AgentTest, DoesNotStartAgainWhatWasCancelled) {
  join();
  const AttemptId one = assign_map(1);
  cancel(one);
  fail(one, FailureKind::kSignal);
  assign_map(1);
  EXPECT_TRUE(last.empty());
}

TEST_F(AgentTest, ARefusedCommitEndsARunningAttemptToo) {
  join();
  const AttemptId one = assign_map(1);
  answer(one, false);
  EXPECT_EQ(actions<KillAttempt>().size(), 1u);
}

TEST_F(AgentTest, DropsTheFilesOfAJobThatIsOver) {
  join();
  const AttemptId one = assign_map(1);
  succeed(one);
  answer(one, true);
  forget();
  ASSERT_EQ(actions<DropJobFiles>().size(), 1u);
  EXPECT_EQ(actions<DropJobFiles>()[0].job, kJob);
}

TEST_F(AgentTest, DropsTheFilesOfAJobThatItNeverWorkedFor) {
  join();
  forget(JobId{5});
  EXPECT_EQ(actions<DropJobFiles>().size(), 1u);
}

TEST_F(AgentTest, DropsTheFilesOfAJobOnce) {
  join();
  forget();
  forget();
  EXPECT_TRUE(last.empty());
}

TEST_F(AgentTest, DropsTheFilesOfAJobWhenItsLastExecutorIsDead) {
  join();
  const AttemptId one = assign_map(1);
  const AttemptId two = assign_map(2);
  assign_map(3);
  assign_reduce(4);
  forget();
  EXPECT_EQ(actions<KillAttempt>().size(), 3u);  // Two executors and one fetch.
  EXPECT_TRUE(actions<DropJobFiles>().empty());
  fail(one, FailureKind::kSignal);
  EXPECT_TRUE(actions<DropJobFiles>().empty());
  fail(two, FailureKind::kSignal);
  EXPECT_EQ(actions<DropJobFiles>().size(), 1u);
}

TEST_F(AgentTest, ForgettingAJobLeavesTheOthersAlone) {
  join();
  assign_map(1);
  const AttemptId other = assign({.number = 2, .job = JobId{2}});
  forget();
  ASSERT_EQ(actions<KillAttempt>().size(), 1u);
  succeed(other);
  EXPECT_EQ(sent<proto::CommitRequest>().size(), 1u);
}

TEST_F(AgentTest, TakesNoWorkForAJobThatIsOver) {
  join();
  forget();
  assign_map(1);
  assign_reduce(2);
  EXPECT_TRUE(last.empty());
  EXPECT_TRUE(listed().empty());
}

}  // namespace
}  // namespace fanfold::worker
