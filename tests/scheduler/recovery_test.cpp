// A new master goes on from the facts of the old one.

#include <algorithm>

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

TEST_F(SchedulerTest, RunsNoCommittedTaskAgainAfterARestart) {
  join(1);
  submit({.maps = 3});
  commit(map(0));
  commit(map(1));
  restart();
  join(1);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task.index, 2u);
  EXPECT_EQ(assigned()[0].attempt.value >> 40, 2u);
}

TEST_F(SchedulerTest, WaitsForTheHoldersOfOutputsAfterARestart) {
  join(1);
  submit({});
  commit(map(0));
  restart();
  join(2);
  EXPECT_TRUE(assigned().empty());
  wait_with_heartbeats(5s);
  EXPECT_TRUE(assigned().empty());
  join(1);
  EXPECT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task.stage, Stage::kReduce);
}

TEST_F(SchedulerTest, GivesUpOnHoldersThatDoNotComeBack) {
  join(1);
  submit({});
  commit(map(0));
  restart();
  join(2);
  wait_with_heartbeats(10s);
  EXPECT_EQ(facts<MapOutputInvalidated>().size(), 1u);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task.stage, Stage::kMap);
}

TEST_F(SchedulerTest, RemembersSpentBudgetsAndTheFirstCause) {
  join(1);
  submit({.attempts_max = 2});
  const AssignAttempt first = map(0);
  fail(first, FailureKind::kException);
  restart();
  join(1);
  EXPECT_TRUE(live.empty()) << "its delay goes on";
  wait(2s);
  fail(map(0), FailureKind::kExit);
  ASSERT_EQ(facts<JobEnded>().size(), 1u);
  EXPECT_EQ(facts<JobEnded>()[0].first_failure, first.attempt);
}

TEST_F(SchedulerTest, TakesABackupBackThatWaitsInAQueueWhileItsTwinRuns) {
  join(1, 2);
  submit({.maps = 2, .speculate = false});
  const AssignAttempt first = map(0);
  const AssignAttempt second = map(1);
  restart();
  step(Tick{});
  join(2, 2);
  wait(2s);
  ASSERT_EQ(live_on(2), 2u);
  // It comes back late and with fewer slots, so that one of what it runs counts as waiting.
  join_with(1, 1, {first, second});
  join(3, 1);
  wait(200ms);
  EXPECT_EQ(live_on(2), 2u);
  EXPECT_EQ(status().state, JobState::kRunning);
}

TEST_F(SchedulerTest, PublishesAgainWhatARestartInterrupted) {
  join(1);
  submit({});
  commit(map(0));
  const AssignAttempt reducer = reduce(0);
  commit(reducer);
  restart();
  step(Tick{});
  ASSERT_EQ(actions<PublishJob>().size(), 1u);
  EXPECT_EQ(actions<PublishJob>()[0].reduces[0], reducer.attempt);
  cancel();
  EXPECT_TRUE(last.facts.empty());
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(SchedulerTest, KeepsEndedJobsEndedAndCleansUpAgain) {
  join(1);
  submit({});
  cancel();
  restart();
  EXPECT_EQ(status().state, JobState::kCancelled);
  step(Tick{});
  EXPECT_EQ(actions<FinishJob>().size(), 1u);
  join(1);
  EXPECT_TRUE(assigned().empty());
  submit({});
  EXPECT_TRUE(last.facts.empty());
}

TEST_F(SchedulerTest, GrantsACommitAgainThatAnEarlierMasterGranted) {
  join(1);
  submit({.maps = 2});
  const AssignAttempt mapper = map(0);
  commit(mapper);
  restart();
  join(1);
  commit(mapper);
  EXPECT_TRUE(actions<AnswerCommit>()[0].granted);
  EXPECT_TRUE(last.facts.empty());
}

TEST_F(SchedulerTest, GoesOnWithAttemptsOfWorkersThatComeBack) {
  join(1, 2);
  submit({.maps = 2});
  const AssignAttempt first = map(0);
  const AssignAttempt second = map(1);
  restart();
  join_with(1, 2, {first, second});
  EXPECT_EQ(actions<AdoptAttempt>().size(), 2u);
  EXPECT_TRUE(assigned().empty());
  EXPECT_EQ(stage_status(Stage::kMap).running, 2u);
  commit(first);
  EXPECT_TRUE(actions<AnswerCommit>()[0].granted);
  commit(second);
  EXPECT_EQ(inputs().size(), 2u);
}

TEST_F(SchedulerTest, StartsNothingThatAWorkerMayBringAlong) {
  join(1);
  join(2);
  submit({.maps = 2});
  const AssignAttempt elsewhere = live[1];
  restart();
  join(1);
  EXPECT_TRUE(assigned().empty());
  join_with(2, 1, {elsewhere});
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_NE(assigned()[0].task, elsewhere.task);
}

TEST_F(SchedulerTest, AssignsWithinTwoSecondsThoughAWorkerStaysAway) {
  join(1);
  join(2);
  submit({.maps = 2});
  restart();
  join(1, 2);
  wait_with_heartbeats(2s);
  EXPECT_EQ(assigned().size(), 2u);
}

TEST_F(SchedulerTest, TakesALateAttemptAsTheBackupOfItsSuccessor) {
  join(1);
  join(2);
  submit({.maps = 2});
  const AssignAttempt late = *std::find_if(
      live.begin(), live.end(), [](const AssignAttempt& one) { return one.worker.value == 2; });
  restart();
  join(1, 2);
  wait_with_heartbeats(2s);
  ASSERT_EQ(assigned().size(), 2u);
  join_with(2, 1, {late});
  ASSERT_EQ(actions<AdoptAttempt>().size(), 1u);
  commit(late);
  EXPECT_TRUE(actions<AnswerCommit>()[0].granted);
  ASSERT_EQ(actions<CancelAttempt>().size(), 1u);
  EXPECT_EQ(actions<CancelAttempt>()[0].worker.value, 1u);
}

TEST_F(SchedulerTest, CancelsAttemptsOfWorkersThatItHadGivenUp) {
  join(1);
  submit({});
  const AssignAttempt old = map(0);
  leave(1);
  restart();
  join_with(1, 1, {old});
  heartbeat_listing(1, {{old.attempt, 0, 0, true}});
  ASSERT_EQ(actions<CancelAttempt>().size(), 1u);
  EXPECT_EQ(actions<CancelAttempt>()[0].attempt, old.attempt);
  commit(old);
  EXPECT_FALSE(actions<AnswerCommit>()[0].granted);
}

TEST_F(SchedulerTest, MakesOutputsAgainThatAWorkerDoesNotBringBack) {
  join(1);
  submit({.maps = 2});
  commit(map(0));
  const AssignAttempt kept = map(1);
  commit(kept);
  restart();
  step(WorkerJoined{{1}, 1, {}, {{kJob, {kept.attempt}}}, true});
  ASSERT_EQ(facts<MapOutputInvalidated>().size(), 1u);
  EXPECT_EQ(facts<MapOutputInvalidated>()[0].task.index, 0u);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task.stage, Stage::kMap);
}

TEST_F(SchedulerTest, BelievesAWorkerThatCannotListAllItsOutputs) {
  join(1);
  submit({});
  commit(map(0));
  restart();
  step(WorkerJoined{{1}, 1, {}, {}, /*outputs_complete=*/false});
  EXPECT_TRUE(facts<MapOutputInvalidated>().empty());
  EXPECT_EQ(assigned()[0].task.stage, Stage::kReduce);
}

TEST_F(SchedulerTest, LosesAnAdoptedAttemptThatItsWorkerDoesNotListAnyMore) {
  join(1);
  submit({});
  const AssignAttempt old = map(0);
  restart();
  join_with(1, 1, {old});
  wait(3s);
  heartbeat_listing(1, {});
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_NE(assigned()[0].attempt, old.attempt);
  EXPECT_EQ(status().failed_attempts, 0u);
}

TEST_F(SchedulerTest, BacksUpNoReduceBeforeTheHoldersOfItsInputsAreBack) {
  join(1);
  submit({.maps = 1, .reduces = 4});
  drain(1);
  commit(map(0));
  join(2, 4);
  const std::vector<AssignAttempt> reduces = {reduce(0), reduce(1), reduce(2), reduce(3)};
  restart();
  join_with(2, 4, reduces);
  join(3, 4);
  wait(10ms);
  for (std::size_t i = 0; i < 3; ++i) commit(reduces[i]);
  wait_with_heartbeats(2s);
  // The holder of the map output is not back: nobody can say where a backup would read.
  EXPECT_EQ(status().speculative_attempts, 0u);
  EXPECT_TRUE(lists.empty() || lists[kJob].version < std::uint64_t{2} << 40);
  join(1);
  wait_with_heartbeats(2s);
  EXPECT_EQ(status().speculative_attempts, 1u);
}

TEST_F(SchedulerTest, DeniesAttemptsThatAnEarlierMasterAssigned) {
  join(1);
  submit({});
  const AssignAttempt old = map(0);
  restart();
  join(1);
  commit(old);
  EXPECT_FALSE(actions<AnswerCommit>()[0].granted);
  heartbeat_listing(1, {{old.attempt, 0, 0, true}, {map(0).attempt, 0, 0, true}});
  EXPECT_EQ(actions<CancelAttempt>()[0].attempt, old.attempt);
}

TEST_F(SchedulerTest, RecoversFromEveryPrefixOfItsFacts) {
  join(1, 2);
  submit({.maps = 3, .reduces = 2});
  fail(map(0), FailureKind::kException);
  wait(1s);
  commit_all_maps();
  const AttemptId lost = inputs()[0].attempt;
  fail(reduce(0), FailureKind::kFetch, {lost});
  commit_all_maps();
  wait(5s);
  commit_all_reduces();
  published();
  ASSERT_EQ(status().state, JobState::kSucceeded);
  const auto is_accepted = [](const Fact& fact) {
    return std::holds_alternative<JobAccepted>(fact);
  };
  const auto accepted = static_cast<std::size_t>(
      std::find_if(history.begin(), history.end(), is_accepted) - history.begin());
  for (std::size_t length = 0; length <= history.size(); ++length) {
    Scheduler recovered(SchedulerOptions{kSilence, 9});
    for (std::size_t i = 0; i < length; ++i) recovered.restore(history[i]);
    Output output;
    recovered.step(now, Tick{}, &output);
    const std::optional<proto::JobStatus> found = recovered.job_status(kJob, now);
    EXPECT_EQ(found.has_value(), length > accepted);
    if (length == history.size()) {
      EXPECT_EQ(found->state, JobState::kSucceeded);
    }
  }
}

}  // namespace
}  // namespace fanfold::master
