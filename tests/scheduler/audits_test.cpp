// --verify-sample: committed maps run again on another worker, and have to give the same.

#include "master/scheduler/policy.hpp"
#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

class AuditTest : public SchedulerTest {
 protected:
  static constexpr std::uint32_t kAll = 1'000'000;

  /// Two workers and a committed map; the second worker runs it again.
  AssignAttempt start_audit() {
    join(1);
    join(2);
    submit({.maps = 1, .reduces = 1, .verify_per_million = kAll});
    first = map(0);
    commit_flow(first, 7, 1);
    return map(0);
  }
  AssignAttempt first;
};

TEST_F(AuditTest, RunsAMapAgainOnAnotherWorkerAndThrowsItAway) {
  const AssignAttempt audit = start_audit();
  EXPECT_NE(audit.attempt, first.attempt);
  EXPECT_NE(audit.worker, first.worker);
  commit_flow(audit, 7, 1);
  ASSERT_EQ(actions<AnswerCommit>().size(), 1u);
  EXPECT_FALSE(actions<AnswerCommit>()[0].granted);
  EXPECT_TRUE(last.facts.empty());
  commit_flow(reduce(0), 7, 1);
  ASSERT_EQ(actions<PublishJob>().size(), 1u);
  EXPECT_EQ(actions<PublishJob>()[0].audited, 1u);
  EXPECT_EQ(actions<PublishJob>()[0].maps[0], first.attempt);
}

TEST_F(AuditTest, FailsTheJobWhenTheSecondRunGivesSomethingElse) {
  const AssignAttempt audit = start_audit();
  commit_flow(audit, 7, 2);
  ASSERT_EQ(facts<NonDeterminismFound>().size(), 1u);
  EXPECT_EQ(facts<NonDeterminismFound>()[0].task, audit.task);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_NE(status().reason.find("NON_DETERMINISTIC: map task 0"), std::string::npos)
      << status().reason;
}

TEST_F(AuditTest, HoldsBackThePublicationUntilAllAreCompared) {
  const AssignAttempt audit = start_audit();
  commit_flow(reduce(0), 7, 1);
  EXPECT_TRUE(actions<PublishJob>().empty());
  commit_flow(audit, 7, 1);
  EXPECT_EQ(actions<PublishJob>().size(), 1u);
}

TEST_F(AuditTest, ComparesNothingWhereThereIsNoOtherWorker) {
  join(1);
  submit({.maps = 1, .reduces = 1, .verify_per_million = kAll});
  commit_flow(map(0), 7, 1);
  commit_flow(reduce(0), 7, 1);
  ASSERT_EQ(actions<PublishJob>().size(), 1u);
  EXPECT_EQ(actions<PublishJob>()[0].audited, 0u);
}

TEST_F(AuditTest, IsToldAgainToAWorkerThatHasNotHeardOfIt) {
  const AssignAttempt audit = start_audit();
  wait(3s);
  step(HeartbeatReceived{audit.worker, {}});
  ASSERT_EQ(actions<AssignAttempt>().size(), 1u);
  EXPECT_EQ(actions<AssignAttempt>()[0].attempt, audit.attempt);
  EXPECT_TRUE(actions<CancelAttempt>().empty());
}

TEST_F(AuditTest, TriesAgainElsewhereWhenTheSecondWorkerIsLost) {
  const AssignAttempt audit = start_audit();
  join(3);
  leave(audit.worker.value);
  const AssignAttempt again = map(0);
  EXPECT_EQ(again.worker, WorkerId{3});
  EXPECT_EQ(status().state, JobState::kRunning);
  EXPECT_EQ(status().failed_attempts, 0u);
}

TEST_F(AuditTest, IsNoReasonToFailATaskThatHasAResult) {
  const AssignAttempt audit = start_audit();
  fail(audit, FailureKind::kException);
  EXPECT_TRUE(facts<TaskFailureCounted>().empty());
  commit_flow(reduce(0), 7, 1);
  EXPECT_EQ(actions<PublishJob>().size(), 1u);
}

TEST_F(AuditTest, IsTakenBackWhenTheOutputIsLost) {
  const AssignAttempt audit = start_audit();
  leave(first.worker.value);
  EXPECT_EQ(facts<MapOutputInvalidated>().size(), 1u);
  ASSERT_EQ(actions<CancelAttempt>().size(), 1u);
  EXPECT_EQ(actions<CancelAttempt>()[0].attempt, audit.attempt);
  commit_flow(map(0), 7, 1);
  EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
}

TEST_F(AuditTest, BeginsAnewAfterARestart) {
  start_audit();
  commit_flow(reduce(0), 7, 1);
  restart();
  join(1);
  join(2);
  EXPECT_TRUE(actions<PublishJob>().empty());
  commit_flow(map(0), 7, 1);
  EXPECT_EQ(actions<PublishJob>().size(), 1u);
}

TEST(Audits, TakeTheShareThatWasAskedFor) {
  std::uint32_t taken = 0;
  for (std::uint32_t split = 0; split < 10'000; ++split) {
    taken += scheduling::is_audited(JobId{1}, split, 50'000) ? 1 : 0;
    EXPECT_FALSE(scheduling::is_audited(JobId{1}, split, 0));
    EXPECT_TRUE(scheduling::is_audited(JobId{1}, split, 1'000'000));
  }
  EXPECT_GT(taken, 400u);
  EXPECT_LT(taken, 600u);
}

}  // namespace
}  // namespace fanfold::master
