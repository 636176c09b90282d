// Who pays when an attempt fails, and what happens next.

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

TEST_F(SchedulerTest, RetriesAFailedTaskAfterAShortBackOff) {
  join(1);
  submit({});
  fail(map(0), FailureKind::kException);
  EXPECT_EQ(actions<NoteFailure>().size(), 1u);
  EXPECT_EQ(facts<TaskFailureCounted>().size(), 1u);
  EXPECT_TRUE(assigned().empty());
  wait(99ms);
  EXPECT_TRUE(assigned().empty());
  wait(1ms);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].attempt_number, 2u);
}

TEST_F(SchedulerTest, DoublesTheBackOffWithEachFailure) {
  join(1);
  submit({.attempts_max = 10});
  for (const Duration expected : {100ms, 200ms, 400ms, 800ms, 1600ms, 3200ms, 5000ms, 5000ms}) {
    fail(map(0), FailureKind::kSignal);
    heartbeat(1);
    wait(expected - 1ms);
    EXPECT_TRUE(assigned().empty()) << expected.count();
    wait(1ms);
    EXPECT_EQ(assigned().size(), 1u) << expected.count();
    heartbeat(1);
  }
}

TEST_F(SchedulerTest, FailsTheJobWithItsFirstCauseWhenTheBudgetIsSpent) {
  join(1, 2);
  submit({.maps = 2});
  const AssignAttempt first = map(0);
  fail(first, FailureKind::kException);
  wait(1s);
  fail(map(0), FailureKind::kExit);
  wait(1s);
  fail(map(0), FailureKind::kOutOfMemory);
  wait(1s);
  fail(map(0), FailureKind::kException);
  ASSERT_EQ(facts<JobEnded>().size(), 1u);
  EXPECT_EQ(facts<JobEnded>()[0].state, JobState::kFailed);
  EXPECT_EQ(facts<JobEnded>()[0].failed_task, (TaskId{kJob, Stage::kMap, 0}));
  EXPECT_EQ(facts<JobEnded>()[0].first_failure, first.attempt);
  EXPECT_EQ(facts<JobEnded>()[0].reason, "map task 0 failed 4 times");
  EXPECT_EQ(actions<CancelAttempt>().size(), 1u);  // The other map.
  EXPECT_EQ(status().failed_attempts, 4u);
}

TEST_F(SchedulerTest, AllowsASingleAttemptWhenToldSo) {
  join(1);
  submit({.attempts_max = 1});
  fail(map(0), FailureKind::kInput);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().reason, "map task 0 failed once");
}

TEST_F(SchedulerTest, RetriesOnAnotherWorkerWhenThereIsOne) {
  join(1);
  join(2);
  submit({});
  const AssignAttempt first = map(0);
  fail(first, FailureKind::kSignal);
  wait(100ms);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_NE(assigned()[0].worker, first.worker);
}

TEST_F(SchedulerTest, RetriesOnTheSameWorkerWhenTheOthersStayBusy) {
  join(1);
  join(2);
  submit({.maps = 2, .speculate = false});
  const AssignAttempt first = map(0);
  fail(first, FailureKind::kSignal);
  wait(100ms);
  EXPECT_TRUE(assigned().empty());
  wait(1s);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].worker, first.worker);
}

TEST_F(SchedulerTest, RetriesAwayFromTheLastFailureWhenAllWorkersHaveFailedAtIt) {
  for (std::uint64_t worker = 1; worker <= 3; ++worker) join(worker);
  submit({.attempts_max = 5});
  AssignAttempt attempt = map(0);
  for (int failures = 1; failures < 5; ++failures) {
    const WorkerId failed_on = attempt.worker;
    fail(attempt, FailureKind::kSignal);
    wait(1s);
    ASSERT_EQ(live.size(), 1u);
    attempt = live.front();
    EXPECT_NE(attempt.worker, failed_on) << "attempt " << failures + 1;
  }
}

TEST_F(SchedulerTest, AnswersAFailureReportedTwiceButCountsItOnce) {
  join(1);
  submit({});
  const AssignAttempt mapper = map(0);
  fail(mapper, FailureKind::kException);
  fail(mapper, FailureKind::kException);
  EXPECT_EQ(actions<NoteFailure>().size(), 1u);
  EXPECT_TRUE(last.facts.empty());
  EXPECT_EQ(status().failed_attempts, 1u);
}

TEST_F(SchedulerTest, NeverChargesTheTaskForItsInfrastructure) {
  join(1);
  submit({.attempts_max = 1});
  for (int i = 0; i < 5; ++i) {
    fail(map(0), FailureKind::kNoSpace);
    EXPECT_TRUE(last.facts.empty());
    wait_with_heartbeats(10s);
  }
  EXPECT_EQ(status().state, JobState::kRunning);
  EXPECT_EQ(status().lost_attempts, 5u);
  EXPECT_EQ(status().failed_attempts, 0u);
}

TEST_F(SchedulerTest, BoundsInfrastructureFailuresPerTask) {
  join(1);
  submit({});
  const AssignAttempt first = map(0);
  for (int i = 0; i < 51; ++i) {
    ASSERT_EQ(status().state, JobState::kRunning);
    fail(map(0), FailureKind::kSpawn);
    if (i < 50) wait_with_heartbeats(10s);
  }
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().failed_attempt, first.attempt);
}

TEST_F(SchedulerTest, TellsWithinSecondsThatADiskStaysFull) {
  join(1);
  submit({});
  const AssignAttempt first = map(0);
  Duration waited{0};
  for (int i = 0; i < 8; ++i) {
    ASSERT_EQ(status().state, JobState::kRunning);
    fail(map(0), FailureKind::kNoSpace);
    while (i < 7 && actions<AssignAttempt>().empty()) {
      waited += 100ms;
      ASSERT_LT(waited, 30s);
      wait_with_heartbeats(100ms);
    }
  }
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().failed_attempt, first.attempt);
  EXPECT_LT(waited, 30s);
}

TEST_F(SchedulerTest, LetsAWorkerRestThatFailsByItself) {
  join(1);
  join(2);
  submit({.maps = 100});
  const AssignAttempt mapper = map(0);
  fail(mapper, FailureKind::kNoSpace);
  EXPECT_TRUE(assigned().empty());  // Neither this task nor another.
  wait(100ms);
  EXPECT_EQ(assigned().size(), 1u);
}

TEST_F(SchedulerTest, AWorkerNeedsNoRestForWhatItSaysOfAJobThatIsOver) {
  join(1);
  submit({});
  const AssignAttempt mapper = map(0);
  cancel();
  fail(mapper, FailureKind::kIo);
  EXPECT_EQ(actions<NoteFailure>().size(), 1u);
  submit({.job = {2}});
  EXPECT_EQ(assigned().size(), 1u);
}

TEST_F(SchedulerTest, ChargesNobodyForWhatADrainingWorkerGivesBack) {
  join(1);
  join(2, 0);
  submit({.attempts_max = 1});
  fail(map(0), FailureKind::kDrained);
  EXPECT_TRUE(last.facts.empty());
  EXPECT_TRUE(assigned().empty());  // Not back to where it came from.
  join(3);
  EXPECT_EQ(assigned().size(), 1u);
}

TEST_F(SchedulerTest, RunsAMapAgainWhoseOutputCannotBeFetched) {
  join(1);
  join(2);
  submit({.maps = 2});
  commit_all_maps();
  const AssignAttempt reducer = reduce(0);
  const AttemptId lost = inputs()[1].attempt;
  fail(reducer, FailureKind::kFetch, {lost});
  ASSERT_EQ(facts<MapOutputInvalidated>().size(), 1u);
  EXPECT_EQ(facts<MapOutputInvalidated>()[0].attempt, lost);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task, (TaskId{kJob, Stage::kMap, 1}));
  // The reduce waits for it, however long its own back-off.
  wait(1s);
  EXPECT_TRUE(assigned().empty());
  const AssignAttempt again = map(1);
  commit(again);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(inputs()[1].attempt, again.attempt);
}

TEST_F(SchedulerTest, MakesALostOutputAgainOnAnotherWorker) {
  join(1);
  join(2);
  submit({.maps = 2, .reduces = 2});
  commit_all_maps();
  const AssignAttempt reducer = reduce(0);
  const WorkerId holder = inputs()[0].worker;
  // Only the holder's slot is free now, and the other worker's is about to be.
  const AssignAttempt elsewhere = reducer.worker == holder ? reduce(1) : reducer;
  fail(elsewhere, FailureKind::kFetch, {inputs()[0].attempt});
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_NE(assigned()[0].worker, holder);
}

TEST_F(SchedulerTest, InvalidatesAnOutputOnceHoweverManyReducesMissIt) {
  join(1, 4);
  submit({.maps = 1, .reduces = 3});
  commit_all_maps();
  const AttemptId lost = inputs()[0].attempt;
  fail(reduce(0), FailureKind::kFetch, {lost});
  EXPECT_EQ(facts<MapOutputInvalidated>().size(), 1u);
  fail(reduce(1), FailureKind::kFetch, {lost});
  EXPECT_TRUE(last.facts.empty());
}

TEST_F(SchedulerTest, IgnoresLostOutputsThatAreNone) {
  join(1);
  submit({});
  commit_all_maps();
  const AssignAttempt reducer = reduce(0);
  fail(reducer, FailureKind::kFetch, {AttemptId{12345}, reducer.attempt});
  EXPECT_TRUE(last.facts.empty());
}

TEST_F(SchedulerTest, LetsALateReduceCommitWhileAMapRunsAgain) {
  join(1, 3);
  submit({.maps = 1, .reduces = 2});
  const AssignAttempt mapper = map(0);
  commit(mapper);
  const AssignAttempt other = reduce(1);
  fail(reduce(0), FailureKind::kFetch, {mapper.attempt});
  commit(other);  // It had fetched before.
  EXPECT_TRUE(actions<AnswerCommit>()[0].granted);
}

TEST_F(SchedulerTest, DoesNotWaitForAMapThatNobodyNeedsAnyMore) {
  join(1);
  submit({.maps = 1, .reduces = 1});
  drain(1);
  join(2);
  const AssignAttempt mapper = map(0);
  commit(mapper);
  const AssignAttempt reducer = reduce(0);
  ASSERT_EQ(reducer.worker, WorkerId{2});
  join(3);
  leave(1);
  const AssignAttempt again = map(0);
  commit(reducer);
  EXPECT_EQ(actions<CancelAttempt>()[0].attempt, again.attempt);
  ASSERT_EQ(actions<PublishJob>().size(), 1u);
  EXPECT_EQ(actions<PublishJob>()[0].maps[0], mapper.attempt);
}

}  // namespace
}  // namespace fanfold::master
