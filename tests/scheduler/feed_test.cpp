// Jobs whose input grows while they run.

#include "common/core/limits.hpp"
#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

class FeedTest : public SchedulerTest {
 protected:
  void submit_open(std::uint32_t maps, proto::CompletionPolicy completion = {}) {
    submit({.maps = maps, .speculate = false, .completion = completion, .open = true});
  }
  void feed(std::vector<std::uint64_t> bytes, bool close = false) {
    const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now.since_origin);
    step(InputOffered{kJob, std::move(bytes), static_cast<std::uint64_t>(since.count()), close});
  }
  void give_back(const AssignAttempt& attempt, Duration delay) {
    step(AttemptFailed{attempt.worker, attempt.attempt, FailureKind::kGivenBack, {}, delay});
  }
};

TEST_F(FeedTest, AnOpenJobWaitsWhenAllItsMapsAreDone) {
  join(1, 2);
  submit_open(1);
  commit(map(0));
  EXPECT_TRUE(assigned().empty()) << "no reduce before the job is closed";
  EXPECT_TRUE(status().queue.open);
  feed({10, 20});
  EXPECT_EQ(assigned().size(), 2u);
  EXPECT_EQ(stage_status(Stage::kMap).tasks, 3u);
  commit(map(1));
  commit(map(2));
  feed({}, true);
  EXPECT_FALSE(status().queue.open);
  commit(reduce(0));
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(FeedTest, AJobOfNothingEndsWhenItIsClosed) {
  join(1);
  submit_open(0);
  EXPECT_TRUE(assigned().empty());
  feed({}, true);
  commit(reduce(0));
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(FeedTest, TakesNothingOnceItIsClosedOrOver) {
  join(1);
  submit_open(1);
  feed({5}, true);
  EXPECT_EQ(facts<InputFed>().size(), 1u);
  feed({5});
  EXPECT_TRUE(facts<InputFed>().empty());
  cancel();
  feed({5});
  EXPECT_TRUE(facts<InputFed>().empty());
}

TEST_F(FeedTest, ARestartedMasterHasAllThatWasFed) {
  join(1);
  submit_open(0);
  feed({1, 2, 3});
  commit(map(0));
  restart();
  join(1);
  EXPECT_TRUE(status().queue.open);
  EXPECT_EQ(stage_status(Stage::kMap).tasks, 3u);
  feed({4}, true);
  commit_all_maps();
  EXPECT_EQ(stage_status(Stage::kMap).done, 4u);
  commit(reduce(0));
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(FeedTest, TasksThatFailDoNotEndAnOpenJobThatToleratesThem) {
  join(1);
  submit({.maps = 1,
          .attempts_max = 1,
          .speculate = false,
          .completion = {proto::CompletionRule::kAllCompleted},
          .open = true});
  fail(map(0), FailureKind::kException);
  EXPECT_EQ(status().state, JobState::kRunning);
  feed({7}, true);
  commit(map(1));
  commit(reduce(0));
  published();
  EXPECT_EQ(status().state, JobState::kPartial);
}

TEST_F(FeedTest, FailsWhenItIsClosedAndEveryTaskHasFailedForGood) {
  join(1);
  submit({.maps = 1,
          .attempts_max = 1,
          .speculate = false,
          .completion = {proto::CompletionRule::kAllCompleted},
          .open = true});
  fail(map(0), FailureKind::kException);
  EXPECT_EQ(status().state, JobState::kRunning);
  feed({}, true);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().completion.reason, proto::CompletionReason::kFailureToleranceExceeded);
}

TEST_F(FeedTest, SaysHowLongTheFirstThatWaitsHasWaited) {
  submit_open(0);
  feed({1});
  wait(5s);
  feed({1});
  wait(2s);
  // Nobody has come to take it.
  EXPECT_EQ(status().queue.oldest_ms, 7000u);
  join(1);
  EXPECT_EQ(status().queue.oldest_ms, 2000u);
}

TEST_F(FeedTest, CountsWhatWaitsAndHowOftenTasksWereHandedOut) {
  submit_open(1);
  feed({10, 20});
  EXPECT_EQ(status().queue.waiting, 3u);
  EXPECT_EQ(status().queue.bytes_waiting, 130u);
  EXPECT_TRUE(status().queue.received.empty());
  join(1);
  EXPECT_EQ(status().queue.waiting, 2u);
  EXPECT_EQ(status().queue.bytes_waiting, 30u) << "what a worker has does not wait";
  fail(map(0), FailureKind::kException);
  EXPECT_EQ(status().queue.delayed, 1u);
  EXPECT_EQ(status().queue.waiting, 2u) << "the next one was taken instead";
  EXPECT_EQ(status().queue.received, (std::vector<std::uint32_t>{2}));
  wait(1s);
  commit_all_maps();
  EXPECT_EQ(status().queue.waiting, 0u);
  EXPECT_EQ(status().queue.bytes_waiting, 0u);
  EXPECT_EQ(status().queue.received, (std::vector<std::uint32_t>{2, 1}));
  EXPECT_EQ(status().queue.received_most, 2u);
  // Of its facts a restarted master knows as many.
  restart();
  join(1);
  EXPECT_EQ(status().queue.received, (std::vector<std::uint32_t>{2, 1}));
  EXPECT_EQ(status().queue.received_most, 2u);
}

TEST_F(FeedTest, ATaskThatIsGivenBackIsNotDueBeforeItsTime) {
  join(1);
  submit_open(1);
  give_back(map(0), 60s);
  EXPECT_EQ(status().queue.delayed, 1u);
  wait_with_heartbeats(59s);
  EXPECT_TRUE(live.empty());
  wait_with_heartbeats(2s);
  EXPECT_EQ(map(0).attempt_number, 2u);
}

TEST_F(FeedTest, NorByTheNextMaster) {
  join(1);
  submit_open(1);
  give_back(map(0), 60s);
  wait_with_heartbeats(10s);
  restart();
  join(1);
  EXPECT_EQ(status().queue.delayed, 1u);
  wait_with_heartbeats(49s);
  EXPECT_TRUE(live.empty());
  wait_with_heartbeats(2s);
  EXPECT_EQ(map(0).attempt_number, 2u);
  // What was tried again and is done is not held back by what was before.
  commit(map(0));
  restart();
  join(1);
  EXPECT_EQ(stage_status(Stage::kMap).done, 1u);
}

TEST_F(FeedTest, AClockThatWasSetBackHoldsNobodyLongerThanTheDelay) {
  join(1);
  submit_open(1);
  fail(map(0), FailureKind::kException);
  scheduler = std::make_unique<Scheduler>(SchedulerOptions{
      .worker_silence_max = kSilence, .epoch = ++epoch, .unix_us_at_origin = -3'600'000'000});
  for (const Fact& fact : history) scheduler->restore(fact);
  live.clear();
  invariants.restart();
  join(1);
  wait_with_heartbeats(2s);
  EXPECT_EQ(map(0).attempt_number, 2u);
}

TEST_F(FeedTest, GivingBackIsAnAttemptLikeOthers) {
  join(1);
  submit({.maps = 1,
          .attempts_max = 2,
          .speculate = false,
          .completion = {proto::CompletionRule::kAllCompleted},
          .open = true});
  give_back(map(0), 1s);
  wait_with_heartbeats(2s);
  give_back(map(0), 1s);
  EXPECT_EQ(status().completion.maps_failed, 1u);
  EXPECT_EQ(status().queue.waiting, 0u);
}

TEST_F(FeedTest, ARetrierForItHasItsOwnNumberAndLeavesTheDelay) {
  join(1);
  submit({.maps = 1,
          .attempts_max = 21,
          .speculate = false,
          .retry = {{.errors = {"Task.GivenBack"}, .interval_ms = 1, .attempts_max = 20}},
          .open = true});
  for (int i = 0; i < 20; ++i) {
    give_back(map(0), 5s);
    wait_with_heartbeats(4s);
    EXPECT_TRUE(live.empty());
    wait_with_heartbeats(2s);
  }
  give_back(map(0), 5s);
  EXPECT_EQ(status().state, JobState::kFailed);
}

TEST_F(FeedTest, RefusesMoreMapsThanAJobMayHave) {
  submit_open(0);
  feed(std::vector<std::uint64_t>(limits::kSplits, 1));
  EXPECT_EQ(facts<InputFed>().size(), 1u);
  feed({1});
  EXPECT_TRUE(facts<InputFed>().empty());
  feed({}, true);
  EXPECT_EQ(facts<InputFed>().size(), 1u);
}

}  // namespace
}  // namespace fanfold::master
