// A job from its submission to its end.

#include "common/core/limits.hpp"
#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

TEST_F(SchedulerTest, AssignsMapsToFreeSlotsAndWaitsWithTheRest) {
  join(1, 2);
  submit({.maps = 3});
  EXPECT_EQ(assigned().size(), 2u);
  commit(map(0));
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task, (TaskId{kJob, Stage::kMap, 2}));
}

TEST_F(SchedulerTest, KeepsAJobWaitingUntilAWorkerJoins) {
  submit({});
  EXPECT_TRUE(assigned().empty());
  EXPECT_EQ(status().state, JobState::kRunning);
  join(1);
  EXPECT_EQ(assigned().size(), 1u);
}

TEST_F(SchedulerTest, StartsReducesOnlyWhenEveryMapIsCommitted) {
  join(1, 4);
  submit({.maps = 2, .reduces = 2});
  commit(map(1));
  EXPECT_TRUE(assigned().empty());
  commit(map(0));
  EXPECT_EQ(assigned().size(), 2u);
  EXPECT_EQ(assigned()[0].task.stage, Stage::kReduce);
}

TEST_F(SchedulerTest, ListsNonEmptyOutputsInOrderOfSplits) {
  join(1);
  join(2);
  submit({.maps = 3, .reduces = 1});
  commit(map(0));
  commit(map(1), true);
  commit(map(2));
  ASSERT_EQ(inputs().size(), 2u);
  EXPECT_EQ(inputs()[0].split, 0u);
  EXPECT_EQ(inputs()[1].split, 2u);
}

TEST_F(SchedulerTest, RunsTheSampleBeforeAnyMap) {
  join(1, 4);
  submit({.maps = 2, .sample = true});
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task.stage, Stage::kSample);
  commit(assigned()[0]);
  EXPECT_EQ(assigned().size(), 2u);
}

TEST_F(SchedulerTest, GoesStraightToReduceWithoutSplits) {
  join(1);
  submit({.maps = 0, .reduces = 1, .sample = true});
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task.stage, Stage::kReduce);
  EXPECT_EQ(assigned()[0].list_version, 0u);
}

TEST_F(SchedulerTest, PublishesWhenEveryReduceIsCommitted) {
  join(1);
  submit({.maps = 1, .reduces = 2});
  const AssignAttempt mapper = map(0);
  commit(mapper);
  commit(reduce(0));
  const AssignAttempt last_reducer = reduce(1);
  commit(last_reducer);
  ASSERT_EQ(actions<PublishJob>().size(), 1u);
  EXPECT_EQ(actions<PublishJob>()[0].maps, std::vector<AttemptId>{mapper.attempt});
  EXPECT_EQ(actions<PublishJob>()[0].reduces[1], last_reducer.attempt);
  EXPECT_EQ(status().state, JobState::kPublishing);
}

TEST_F(SchedulerTest, SucceedsOnlyWhenTheOutputIsPublished) {
  join(1);
  submit({});
  commit(map(0));
  commit(reduce(0));
  EXPECT_TRUE(facts<JobEnded>().empty());
  published();
  ASSERT_EQ(facts<JobEnded>().size(), 1u);
  EXPECT_EQ(facts<JobEnded>()[0].state, JobState::kSucceeded);
  EXPECT_EQ(actions<FinishJob>()[0].state, JobState::kSucceeded);
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(SchedulerTest, FailsWithTheReasonOfAFailedPublication) {
  join(1);
  submit({});
  commit(map(0));
  commit(reduce(0));
  step(JobPublished{kJob, false, "no space left"});
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().reason, "no space left");
}

TEST_F(SchedulerTest, PublishesAgainAfterTroubleThatMayPass) {
  join(1);
  submit({});
  commit(map(0));
  commit(reduce(0));
  const PublishJob first = actions<PublishJob>()[0];
  step(JobPublished{kJob, false, "no space left", true});
  EXPECT_TRUE(actions<PublishJob>().empty());
  EXPECT_EQ(status().state, JobState::kPublishing);
  // It has begun, so it cannot be called back.
  cancel();
  wait_with_heartbeats(1s);
  ASSERT_EQ(actions<PublishJob>().size(), 1u);
  EXPECT_EQ(actions<PublishJob>()[0].reduces, first.reduces);
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
  EXPECT_EQ(facts<JobCommitStarted>().size(), 0u);
}

TEST_F(SchedulerTest, GivesUpAPublicationAfterTroubleThatStays) {
  join(1);
  submit({});
  commit(map(0));
  commit(reduce(0));
  std::uint32_t tries = 1;
  const Instant begin = now;
  while (status().state == JobState::kPublishing) {
    step(JobPublished{kJob, false, "no space left", true});
    if (status().state != JobState::kPublishing) break;
    wait_with_heartbeats(6s);
    ASSERT_EQ(actions<PublishJob>().size(), 1u);
    ++tries;
  }
  EXPECT_EQ(tries, limits::kStorageFailuresPerTask);
  EXPECT_LT(now - begin, 1min);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().reason, "no space left");
}

TEST_F(SchedulerTest, CancelsRunningAttemptsOfACancelledJob) {
  join(1, 2);
  submit({.maps = 3});
  cancel();
  EXPECT_EQ(actions<CancelAttempt>().size(), 2u);
  EXPECT_EQ(facts<JobEnded>()[0].state, JobState::kCancelled);
  EXPECT_EQ(scheduler->workers(now)[0].busy, 0u);
}

TEST_F(SchedulerTest, AssignsNothingOfAJobThatIsOver) {
  submit({.maps = 3});
  cancel();
  join(1, 4);
  EXPECT_TRUE(assigned().empty());
}

TEST_F(SchedulerTest, RefusesToCancelWhileThePublicationIsUnderWay) {
  join(1);
  submit({});
  commit(map(0));
  commit(reduce(0));
  cancel();
  EXPECT_TRUE(last.facts.empty());
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(SchedulerTest, IgnoresAJobSubmittedTwice) {
  submit({});
  submit({});
  EXPECT_TRUE(last.facts.empty());
  cancel();
  submit({});
  EXPECT_TRUE(last.facts.empty());
}

TEST_F(SchedulerTest, GrantsTheFirstValidCommit) {
  join(1);
  submit({});
  commit(map(0));
  ASSERT_EQ(actions<AnswerCommit>().size(), 1u);
  EXPECT_TRUE(actions<AnswerCommit>()[0].granted);
  EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
}

TEST_F(SchedulerTest, GrantsARepeatedCommitAgainWithoutANewFact) {
  join(1);
  submit({});
  const AssignAttempt mapper = map(0);
  commit(mapper);
  commit(mapper);
  EXPECT_TRUE(actions<AnswerCommit>()[0].granted);
  EXPECT_TRUE(last.facts.empty());
}

TEST_F(SchedulerTest, DeniesACommitFromAWorkerThatDoesNotOwnTheAttempt) {
  join(1);
  join(2);
  submit({});
  AssignAttempt mapper = map(0);
  mapper.worker = WorkerId{2};
  commit(mapper);
  EXPECT_FALSE(actions<AnswerCommit>()[0].granted);
  EXPECT_TRUE(last.facts.empty());
}

TEST_F(SchedulerTest, DeniesACommitOfAJobThatIsOver) {
  join(1);
  submit({});
  const AssignAttempt mapper = map(0);
  cancel();
  commit(mapper);
  EXPECT_FALSE(actions<AnswerCommit>()[0].granted);
}

TEST_F(SchedulerTest, SharesSlotsFairlyBetweenJobs) {
  join(1, 4);
  submit({.job = {1}, .maps = 100});
  submit({.job = {2}, .maps = 100});
  // Job 1 has all four slots; what becomes free goes to job 2 until both have two.
  commit(map(0, {1}));
  EXPECT_EQ(assigned()[0].task.job, JobId{2});
  commit(map(1, {1}));
  EXPECT_EQ(assigned()[0].task.job, JobId{2});
}

TEST_F(SchedulerTest, TakesTurnsWhenJobsShareOneSlot) {
  join(1, 1);
  submit({.job = {1}, .maps = 10});
  submit({.job = {2}, .maps = 10});
  submit({.job = {3}, .maps = 10});
  std::vector<std::uint64_t> order;
  for (int i = 0; i < 6; ++i) {
    now = now + 1s;  // Long tasks: nobody queues.
    commit(AssignAttempt(live.front()));
    ASSERT_EQ(assigned().size(), 1u);
    order.push_back(assigned()[0].task.job.value);
  }
  EXPECT_EQ(order, (std::vector<std::uint64_t>{2, 3, 1, 2, 3, 1}));
}

TEST_F(SchedulerTest, SpreadsTasksOverWorkersBeforeFillingThem) {
  join(1, 2);
  join(2, 2);
  submit({.maps = 2});
  EXPECT_EQ(live_on(1), 1u);
  EXPECT_EQ(live_on(2), 1u);
}

TEST_F(SchedulerTest, CountsTasksAndBytesPerStage) {
  join(1, 2);
  submit({.maps = 3, .reduces = 2});
  now = now + 2s;
  commit(map(0));
  heartbeat_listing(1, {{map(1).attempt, 5, 30, true}, {map(2).attempt, 0, 0, true}});
  const proto::StageStatus maps = stage_status(Stage::kMap);
  EXPECT_EQ(maps.tasks, 3u);
  EXPECT_EQ(maps.running, 2u);
  EXPECT_EQ(maps.done, 1u);
  EXPECT_EQ(maps.bytes_total, 300u);
  EXPECT_EQ(maps.bytes_done, 130u);
  EXPECT_EQ(maps.elapsed_ms, 2000u);
  EXPECT_EQ(stage_status(Stage::kReduce).tasks, 2u);
  EXPECT_EQ(status().slowest_task_ms, 2000u);
}

TEST_F(SchedulerTest, CountsBytesOfRunningReduces) {
  join(1, 2);
  submit({.maps = 1, .reduces = 2});
  commit(map(0));
  heartbeat_listing(1, {{reduce(0).attempt, 5, 30, true}, {reduce(1).attempt, 0, 12, true}});
  EXPECT_EQ(stage_status(Stage::kReduce).bytes_done, 42u);
}

TEST_F(SchedulerTest, RemembersOnlySoManyEndedJobs) {
  for (std::uint64_t job = 1; job <= 1001; ++job) {
    submit({.job = {job}});
    cancel({job});
  }
  EXPECT_EQ(scheduler->jobs().size(), 1000u);
  EXPECT_FALSE(scheduler->job_status({1}, now).has_value());
  EXPECT_TRUE(scheduler->job_status({1001}, now).has_value());
}

}  // namespace
}  // namespace fanfold::master
