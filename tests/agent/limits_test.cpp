// Time limits of attempts: wall time, lack of progress, and pauses that are nobody's fault.

#include "tests/agent/agent_test.hpp"

namespace fanfold::worker {
namespace {

TEST_F(AgentTest, KillsAnAttemptThatRunsTooLong) {
  join();
  const AttemptId one = assign({.number = 1, .task_timeout_ms = 2500});
  wait_with_echoes(2499ms);
  EXPECT_TRUE(actions<KillAttempt>().empty());
  wait_with_echoes(1ms);
  ASSERT_EQ(actions<KillAttempt>().size(), 1u);
  EXPECT_EQ(actions<KillAttempt>()[0].attempt, one);
  EXPECT_EQ(actions<KillAttempt>()[0].kind, FailureKind::kTimeout);
}

TEST_F(AgentTest, ATimeoutIsReportedAsSuchWhateverTheCorpseLooksLike) {
  join();
  const AttemptId one = assign({.number = 1, .task_timeout_ms = 2500});
  wait_with_echoes(2500ms);
  fail(one, FailureKind::kSignal, "SIGKILL");
  ASSERT_EQ(sent<proto::AttemptFailed>().size(), 1u);
  EXPECT_EQ(sent<proto::AttemptFailed>()[0].failure.kind, FailureKind::kTimeout);
  EXPECT_EQ(sent<proto::AttemptFailed>()[0].failure.message,
            "ran longer than the task time-out of 2.5 s");
}

TEST_F(AgentTest, ProgressDoesNotProlongTheTaskTimeout) {
  join();
  const AttemptId one = assign({.number = 1, .task_timeout_ms = 3000});
  for (std::uint64_t beat = 1; beat <= 2; ++beat) {
    wait_with_echoes(1s);
    progress(one, beat);
  }
  wait_with_echoes(1s);
  ASSERT_EQ(actions<KillAttempt>().size(), 1u);
  EXPECT_EQ(actions<KillAttempt>()[0].kind, FailureKind::kTimeout);
}

TEST_F(AgentTest, KillsAnAttemptThatMakesNoProgress) {
  join();
  const AttemptId one = assign({.number = 1, .stall_timeout_ms = 4000});
  wait_with_echoes(3999ms);
  EXPECT_TRUE(actions<KillAttempt>().empty());
  wait_with_echoes(1ms);
  ASSERT_EQ(actions<KillAttempt>().size(), 1u);
  EXPECT_EQ(actions<KillAttempt>()[0].kind, FailureKind::kStalled);
  fail(one, FailureKind::kSignal, "SIGKILL");
  ASSERT_EQ(sent<proto::AttemptFailed>().size(), 1u);
  EXPECT_EQ(sent<proto::AttemptFailed>()[0].failure.kind, FailureKind::kStalled);
  EXPECT_EQ(sent<proto::AttemptFailed>()[0].failure.message,
            "no progress for 4 s: no record was finished and ctx.progress() was not called");
}

TEST_F(AgentTest, AnAttemptThatGoesOnAfterItHungIsWatchedAnew) {
  join();
  const AttemptId one = assign({.number = 1, .stall_timeout_ms = 4000});
  wait_with_echoes(4000ms);
  ASSERT_EQ(actions<KillAttempt>().size(), 1u);
  step(AttemptWentOn{one});
  wait_with_echoes(3999ms);
  EXPECT_TRUE(actions<KillAttempt>().empty());
  wait_with_echoes(1ms);
  EXPECT_EQ(actions<KillAttempt>().size(), 1u);
  step(AttemptWentOn{one});
  succeed(one);
  EXPECT_EQ(sent<proto::CommitRequest>().size(), 1u);
}

TEST_F(AgentTest, AnAttemptThatIsCancelledWhileItHangsDoesNotGoOn) {
  join();
  const AttemptId one = assign({.number = 1, .stall_timeout_ms = 4000});
  wait_with_echoes(4000ms);
  cancel(one);
  step(AttemptWentOn{one});
  ASSERT_EQ(actions<KillAttempt>().size(), 1u);
  EXPECT_EQ(actions<KillAttempt>()[0].kind, FailureKind::kCancelled);
  fail(one, FailureKind::kSignal, "SIGKILL");
  EXPECT_TRUE(sent<proto::AttemptFailed>().empty());
}

TEST_F(AgentTest, AStallHasALimitEvenWhenTheJobNamesNone) {
  join();
  assign_map(1);
  wait_with_echoes(limits::kStallTimeout - 1ms);
  EXPECT_TRUE(actions<KillAttempt>().empty());
  wait_with_echoes(1ms);
  EXPECT_EQ(actions<KillAttempt>().size(), 1u);
}

TEST_F(AgentTest, WithoutATaskTimeoutAnAttemptRunsAsLongAsItMakesProgress) {
  join();
  const AttemptId one = assign({.number = 1, .stall_timeout_ms = 4000});
  for (std::uint64_t beat = 1; beat <= 1000; ++beat) {
    wait_with_echoes(3s);
    ASSERT_TRUE(actions<KillAttempt>().empty());
    progress(one, beat);
  }
}

TEST_F(AgentTest, TheSameBeatAgainIsNoProgress) {
  join();
  const AttemptId one = assign({.number = 1, .stall_timeout_ms = 4000});
  wait_with_echoes(1s);
  progress(one, 9, 100);
  wait_with_echoes(3s);
  progress(one, 9, 100);
  wait_with_echoes(1s);
  EXPECT_EQ(actions<KillAttempt>().size(), 1u);
}

TEST_F(AgentTest, TheLimitsOfAnAttemptBeginWhenItStarts) {
  join();
  const AttemptId one = assign_map(1);
  assign_map(2);
  const AttemptId queued = assign({.number = 3, .task_timeout_ms = 2000, .stall_timeout_ms = 2000});
  const AttemptId fetching = assign(
      {.number = 4, .stage = Stage::kReduce, .task_timeout_ms = 2000, .stall_timeout_ms = 2000});
  wait_with_echoes(10s);
  EXPECT_TRUE(actions<KillAttempt>().empty());
  inputs_arrive(fetching);
  succeed(one);
  ASSERT_EQ(started(), std::vector{queued});
  wait_with_echoes(2s);
  ASSERT_EQ(actions<KillAttempt>().size(), 1u);
  EXPECT_EQ(actions<KillAttempt>()[0].attempt, queued);
}

TEST_F(AgentTest, TheLimitsOfAnAttemptEndWithIt) {
  join();
  const AttemptId one = assign({.number = 1, .task_timeout_ms = 2000, .stall_timeout_ms = 2000});
  succeed(one);
  wait_with_echoes(1min);
  EXPECT_TRUE(actions<KillAttempt>().empty());
}

TEST_F(AgentTest, AnAttemptThatWasDoneWhenItWasKilledStillCounts) {
  join();
  const AttemptId one = assign({.number = 1, .task_timeout_ms = 2000});
  wait_with_echoes(2s);
  ASSERT_EQ(actions<KillAttempt>().size(), 1u);
  succeed(one);
  EXPECT_EQ(sent<proto::CommitRequest>().size(), 1u);
}

TEST_F(AgentTest, APausedServiceBlamesNoAttemptForMissingProgress) {
  join();
  assign({.number = 1, .stall_timeout_ms = 4000});
  wait_with_echoes(1s);
  pause(1h);
  EXPECT_TRUE(actions<KillAttempt>().empty());
  wait_with_echoes(3999ms);
  EXPECT_TRUE(actions<KillAttempt>().empty());
  wait_with_echoes(1ms);
  EXPECT_EQ(actions<KillAttempt>().size(), 1u);
}

TEST_F(AgentTest, ATaskTimeoutIsWallTimeAndCountsPauses) {
  join();
  assign({.number = 1, .task_timeout_ms = 60'000});
  wait_with_echoes(1s);
  pause(1h);
  ASSERT_EQ(actions<KillAttempt>().size(), 1u);
  EXPECT_EQ(actions<KillAttempt>()[0].kind, FailureKind::kTimeout);
}

TEST_F(AgentTest, AMissingMasterStopsNoAttempt) {
  join();
  const AttemptId one = assign_map(1);
  for (std::uint64_t beat = 1; beat <= 10; ++beat) {
    wait(limits::kStallTimeout - 1s);
    ASSERT_TRUE(actions<KillAttempt>().empty());
    progress(one, beat);
  }
  EXPECT_EQ(agent->started(), std::vector{one});
}

TEST_F(AgentTest, NamesTheAttemptsWhoseProgressIsToBeWatched) {
  join();
  const AttemptId one = assign_map(1);
  const AttemptId two = assign_map(2);
  assign_map(3);
  EXPECT_EQ(agent->started(), (std::vector{one, two}));
  cancel(two);
  EXPECT_EQ(agent->started(), std::vector{one});
}

}  // namespace
}  // namespace fanfold::worker
