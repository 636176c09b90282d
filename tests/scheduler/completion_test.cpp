// Jobs that do without some of their maps: when they go on, and what they fail of.

#include "tests/scheduler/completion_test.hpp"

#include <vector>

#include "master/scheduler/completion.hpp"

namespace fanfold::master {
namespace {

struct Row {
  const char* name;
  CompletionPolicy policy;
  const char* script;
  JobState end;
  CompletionReason reason;
  std::uint32_t covered;
  std::uint32_t failed;
};

class CompletionTable : public CompletionTest, public testing::WithParamInterface<Row> {};

TEST_P(CompletionTable, EndsAsItsPolicySays) {
  const Row& row = GetParam();
  run_four(row.policy);
  play(row.script);
  if (row.end != JobState::kFailed) finish();
  EXPECT_EQ(status().state, row.end) << status().reason;
  EXPECT_EQ(completion().reason, row.reason) << status().reason;
  EXPECT_EQ(completion().maps, 4u);
  EXPECT_EQ(completion().maps_covered, row.covered);
  EXPECT_EQ(completion().maps_failed, row.failed);
  EXPECT_EQ(completion().bytes, 400u);
  EXPECT_EQ(completion().bytes_covered, 100u * row.covered);
  if (row.end != JobState::kFailed) {
    EXPECT_EQ(completion().maps_dropped, 4 - row.covered - row.failed);
  } else {
    EXPECT_NE(status().failed_attempt, AttemptId{});
  }
}

constexpr Row kRows[] = {
    {"AllSucceeds", {}, "cccc", JobState::kSucceeded, CompletionReason::kAllCompleted, 4, 0},
    {"AllFailsFast",
     {},
     "ccf",
     JobState::kFailed,
     CompletionReason::kFailureToleranceExceeded,
     2,
     0},
    {"AllCompletedWithoutFailures", kAllCompleted, "cccc", JobState::kSucceeded,
     CompletionReason::kAllCompleted, 4, 0},
    {"AllCompletedWithFailures", kAllCompleted, "fcfc", JobState::kPartial,
     CompletionReason::kAllCompleted, 2, 2},
    {"AllCompletedWithNothing", kAllCompleted, "ffff", JobState::kFailed,
     CompletionReason::kFailureToleranceExceeded, 0, 4},
    {"MinSuccessfulStops",
     {CompletionRule::kMinSuccessful, 2, 0},
     "cc",
     JobState::kPartial,
     CompletionReason::kMinSuccessfulReached,
     2,
     0},
    {"MinSuccessfulInSpiteOfFailures",
     {CompletionRule::kMinSuccessful, 2, 0},
     "fcfc",
     JobState::kPartial,
     CompletionReason::kMinSuccessfulReached,
     2,
     2},
    {"MinSuccessfulOfAll",
     {CompletionRule::kMinSuccessful, 4, 0},
     "cccc",
     JobState::kSucceeded,
     CompletionReason::kMinSuccessfulReached,
     4,
     0},
    {"MinSuccessfulImpossible",
     {CompletionRule::kMinSuccessful, 3, 0},
     "fcf",
     JobState::kFailed,
     CompletionReason::kFailureToleranceExceeded,
     1,
     2},
    {"MinSuccessfulRoundsUp",
     {CompletionRule::kMinSuccessful, 0, 510'000},
     "ccc",
     JobState::kPartial,
     CompletionReason::kMinSuccessfulReached,
     3,
     0},
    {"QuorumIsAMajority",
     {CompletionRule::kQuorum, 0, 0},
     "ccc",
     JobState::kPartial,
     CompletionReason::kQuorumReached,
     3,
     0},
    {"QuorumImpossible",
     {CompletionRule::kQuorum, 0, 0},
     "ff",
     JobState::kFailed,
     CompletionReason::kFailureToleranceExceeded,
     0,
     2},
    {"FirstWins", kFirst, "fc", JobState::kPartial, CompletionReason::kFirstSuccessful, 1, 1},
    {"FirstOfNone", kFirst, "ffff", JobState::kFailed, CompletionReason::kFailureToleranceExceeded,
     0, 4},
};
INSTANTIATE_TEST_SUITE_P(Policies, CompletionTable, testing::ValuesIn(kRows),
                         [](const auto& info) { return info.param.name; });

TEST(MapsNeeded, IsWhatThePolicySays) {
  EXPECT_EQ(maps_needed({}, 7), 7u);
  EXPECT_EQ(maps_needed(kAllCompleted, 7), 7u);
  EXPECT_EQ(maps_needed({CompletionRule::kMinSuccessful, 9, 0}, 7), 9u);
  EXPECT_EQ(maps_needed({CompletionRule::kMinSuccessful, 0, 1}, 7), 1u);
  EXPECT_EQ(maps_needed({CompletionRule::kMinSuccessful, 0, 1'000'000}, 10'000'000), 10'000'000u);
  EXPECT_EQ(maps_needed({CompletionRule::kMinSuccessful, 0, 500'000}, 0), 0u);
  EXPECT_EQ(maps_needed({CompletionRule::kQuorum, 0, 0}, 6), 4u);
  EXPECT_EQ(maps_needed({CompletionRule::kQuorum, 0, 0}, 7), 4u);
  EXPECT_EQ(maps_needed(kFirst, 7), 1u);
}

TEST_F(CompletionTest, StopsWhatIsNotNeededInTheSameStep) {
  run_four(min_successful(2));
  commit(map(0));
  EXPECT_TRUE(actions<CancelAttempt>().empty());
  commit(map(1));
  EXPECT_EQ(actions<CancelAttempt>().size(), 2u);
  ASSERT_EQ(facts<CoverageDecided>().size(), 1u);
  EXPECT_EQ(facts<CoverageDecided>()[0].covered, 2u);
  EXPECT_EQ(assigned().size(), 2u);  // The reduces.
  EXPECT_EQ(completion().attempts_stopped, 2u);
  EXPECT_EQ(completion().attempts_stopping, 2u);
}

TEST_F(CompletionTest, MeasuresUntilTheStoppedAreDead) {
  run_four(min_successful(3));
  const AssignAttempt slow = map(3);
  play("ccc");
  const std::uint64_t worker = slow.worker.value;
  wait(20ms);
  heartbeat_listing(worker, {{.attempt = slow.attempt, .running = true}});
  EXPECT_EQ(completion().attempts_stopping, 1u);
  wait(30ms);
  heartbeat(worker);
  EXPECT_EQ(completion().attempts_stopping, 0u);
  EXPECT_EQ(completion().stop_us, 50'000u);
  wait(30ms);
  heartbeat(worker);
  EXPECT_EQ(completion().stop_us, 50'000u);
}

TEST_F(CompletionTest, DiscardsAndCountsAResultThatComesTooLate) {
  run_four(min_successful(3));
  const AssignAttempt late = map(3);
  play("ccc");
  step(CommitRequested{late.worker, late.attempt, false, 1, {}, 0});
  ASSERT_EQ(actions<AnswerCommit>().size(), 1u);
  EXPECT_FALSE(actions<AnswerCommit>()[0].granted);
  EXPECT_EQ(completion().results_discarded, 1u);
  step(CommitRequested{late.worker, late.attempt, false, 1, {}, 0});
  EXPECT_EQ(completion().results_discarded, 1u);
  finish();
  EXPECT_EQ(completion().maps_covered, 3u);
}

TEST_F(CompletionTest, ALostWorkerHasStopped) {
  run_four(min_successful(3));
  const AssignAttempt late = map(3);
  play("ccc");
  leave(late.worker.value);
  EXPECT_EQ(completion().attempts_stopping, 0u);
}

TEST_F(CompletionTest, ReducesReadTheCoveredMapsAlone) {
  run_four(min_successful(2));
  commit(map(3));
  commit(map(1));
  reduce(0);
  ASSERT_EQ(inputs().size(), 2u);
  EXPECT_EQ(inputs()[0].split, 1u);
  EXPECT_EQ(inputs()[1].split, 3u);
}

TEST_F(CompletionTest, PublishesNothingOfWhatIsNotCovered) {
  run_four(min_successful(2));
  // One that has committed, was lost, and is not waited for.
  const AssignAttempt lost = map(0);
  commit(lost);
  leave(lost.worker.value);
  const AssignAttempt kept = map(2);
  commit(kept);
  const AssignAttempt other = map(3);
  commit(other);
  commit_all_reduces();
  ASSERT_EQ(actions<PublishJob>().size(), 1u);
  EXPECT_EQ(actions<PublishJob>()[0].maps,
            (std::vector<AttemptId>{{}, {}, kept.attempt, other.attempt}));
  published();
  EXPECT_EQ(status().state, JobState::kPartial);
}

TEST_F(CompletionTest, TheLedgerIsOfTheCoveredMapsAlone) {
  run_four(min_successful(2));
  const AssignAttempt lost = map(0);
  commit_flow(lost, 100, 1000);
  leave(lost.worker.value);
  commit_flow(map(2), 3, 30);
  commit_flow(map(3), 4, 40);
  commit_flow(reduce(0), 5, 50);
  commit_flow(reduce(1), 2, 20);
  published();
  EXPECT_EQ(status().state, JobState::kPartial) << status().reason;
}

TEST_F(CompletionTest, MakesALostOutputOfACoveredMapAgain) {
  run_four(min_successful(2));
  const AssignAttempt covered = map(0);
  commit(covered);
  commit(map(1));
  leave(covered.worker.value);
  // Nobody else takes its place: the reduces that have begun read it.
  EXPECT_EQ(stage_status(Stage::kMap).tasks, 2u);
  const AssignAttempt again = map(0);
  commit(again);
  finish();
  EXPECT_EQ(status().state, JobState::kPartial);
  EXPECT_EQ(completion().maps_covered, 2u);
}

TEST_F(CompletionTest, FailsWhenACoveredMapFailsForGood) {
  run_four(kAllCompleted);
  const AssignAttempt covered = map(0);
  commit(covered);
  play("-ccc");
  leave(covered.worker.value);
  fail(map(0), FailureKind::kException);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(completion().reason, CompletionReason::kFailureToleranceExceeded);
}

TEST_F(CompletionTest, FailsWhenAReduceFailsForGood) {
  run_four(kAllCompleted);
  play("cccc");
  fail(reduce(1), FailureKind::kException);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(completion().reason, CompletionReason::kFailureToleranceExceeded);
}

TEST_F(CompletionTest, FailsWhenTheSampleFailsForGood) {
  join(1);
  submit({.maps = 2, .sample = true, .attempts_max = 1, .completion = kAllCompleted});
  fail(assignment(Stage::kSample, 0), FailureKind::kException);
  EXPECT_EQ(status().state, JobState::kFailed);
}

TEST_F(CompletionTest, DoesWithoutAMapThatFindsNoWorkerFitForIt) {
  join(1);
  submit({.maps = 2, .completion = kAllCompleted});
  commit(map(0));
  for (int i = 0; i < 51; ++i) {
    ASSERT_EQ(completion().maps_failed, 0u);
    fail(map(1), FailureKind::kSpawn);
    if (i < 50) wait_with_heartbeats(10s);
  }
  ASSERT_EQ(facts<TaskGivenUp>().size(), 1u);
  EXPECT_EQ(facts<TaskGivenUp>()[0].task.index, 1u);
  EXPECT_EQ(status().failed_attempts, 0u);
  EXPECT_EQ(completion().maps_failed, 1u);
}

TEST_F(CompletionTest, TheBackupOfWhatIsGivenUpIsStopped) {
  join(1);
  join(2, 2);
  submit({.maps = 3, .attempts_max = 1, .completion = kAllCompleted});
  const std::vector<AssignAttempt> first = live;
  ASSERT_EQ(first.size(), 3u);
  commit(first[0]);
  commit(first[1]);
  for (int i = 0; i < 100 && live.size() < 2; ++i) wait_with_heartbeats(1s);
  ASSERT_EQ(live.size(), 2u);  // The last map and its backup.
  fail(live[0], FailureKind::kException);
  EXPECT_EQ(actions<CancelAttempt>().size(), 1u);
  finish();
  EXPECT_EQ(status().state, JobState::kPartial);
}

TEST_F(CompletionTest, AJobWithoutInputIsWhole) {
  submit({.maps = 0, .reduces = 1, .completion = kAllCompleted});
  join(1);
  finish();
  EXPECT_EQ(status().state, JobState::kSucceeded);
  EXPECT_EQ(completion().reason, CompletionReason::kAllCompleted);
}

TEST_F(CompletionTest, ComparesCoveredMapsBeforeItPublishes) {
  for (std::uint64_t worker = 1; worker <= 4; ++worker) join(worker);
  submit({.maps = 4,
          .reduces = 1,
          .speculate = false,
          .verify_per_million = 1'000'000,
          .completion = min_successful(2)});
  commit(map(0));
  commit(map(1));
  commit(reduce(0));
  EXPECT_EQ(status().state, JobState::kRunning);
  // The comparisons of both, and of nothing else.
  const std::vector<AssignAttempt> audits = live;
  ASSERT_EQ(audits.size(), 2u);
  for (const AssignAttempt& audit : audits) {
    EXPECT_LT(audit.task.index, 2u);
    commit(audit);
  }
  published();
  EXPECT_EQ(status().state, JobState::kPartial);
}

TEST_F(CompletionTest, ARestartedMasterGoesOnWithTheSameMaps) {
  run_four(min_successful(2));
  commit(map(2));
  commit(map(0));
  restart();
  EXPECT_TRUE(completion().decided);
  for (std::uint64_t worker = 1; worker <= 4; ++worker) join(worker);
  EXPECT_EQ(inputs().size(), 2u);
  finish();
  EXPECT_EQ(status().state, JobState::kPartial);
  EXPECT_EQ(completion().reason, CompletionReason::kMinSuccessfulReached);
  EXPECT_EQ(completion().maps_covered, 2u);
}

TEST_F(CompletionTest, ARestartedMasterComparesNothingThatIsNotCovered) {
  for (std::uint64_t worker = 1; worker <= 4; ++worker) join(worker);
  submit({.maps = 4,
          .reduces = 1,
          .speculate = false,
          .verify_per_million = 1'000'000,
          .completion = min_successful(2)});
  // It is to be compared, is lost, and is not made again.
  const AssignAttempt lost = map(0);
  commit(lost);
  leave(lost.worker.value);
  commit(map(2));
  commit(map(3));
  restart();
  for (std::uint64_t worker = 1; worker <= 4; ++worker) join(worker);
  commit(reduce(0));
  const std::vector<AssignAttempt> audits = live;
  ASSERT_EQ(audits.size(), 2u);
  for (const AssignAttempt& audit : audits) commit(audit);
  EXPECT_EQ(actions<PublishJob>().size(), 1u);
}

TEST_F(CompletionTest, ARestartedMasterKnowsWhatWasGivenUp) {
  run_four(kAllCompleted);
  play("fc");
  restart();
  for (std::uint64_t worker = 1; worker <= 4; ++worker) join(worker);
  play("--cc");
  finish();
  EXPECT_EQ(status().state, JobState::kPartial);
  EXPECT_EQ(completion().maps_failed, 1u);
}

TEST_F(CompletionTest, ARestartedMasterAdoptsNothingThatIsNotCovered) {
  run_four(min_successful(3));
  const AssignAttempt late = map(3);
  play("ccc");
  restart();
  join_with(late.worker.value, 1, {late});
  EXPECT_EQ(actions<CancelAttempt>().size(), 1u);
  EXPECT_TRUE(actions<AdoptAttempt>().empty());
}

TEST_F(CompletionTest, ACancelledJobSaysSo) {
  run_four(kAllCompleted);
  cancel();
  EXPECT_EQ(completion().reason, CompletionReason::kCancelled);
}

}  // namespace
}  // namespace fanfold::master
