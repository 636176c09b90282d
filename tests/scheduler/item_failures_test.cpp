// Jobs that count failures of their own: how many there may be, and what becomes of the rest.

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

using proto::CompletionReason;
using proto::CompletionRule;
using proto::JobControl;

class ItemFailuresTest : public SchedulerTest {
 protected:
  /// Four maps of 25 items each; three of them run at a time.
  void submit_with(const JobControl& control) {
    join(1, 3);
    submit({.maps = 4,
            .speculate = false,
            .completion = {CompletionRule::kAllCompleted},
            .control = control,
            .items = 100});
  }
  void commit_with(const AssignAttempt& attempt, std::uint64_t failures) {
    CommitRequested request;
    request.worker = attempt.worker;
    request.attempt = attempt.attempt;
    request.output_empty = true;
    request.records = 25;
    request.failures = failures;
    step(request);
  }
  void finish() {
    commit(reduce(0));
    published();
  }
};

TEST_F(ItemFailuresTest, GoesOnWithAsManyAsThereMayBe) {
  submit_with({.failures_max = 5});
  for (std::uint32_t i = 0; i < 4; ++i) commit_with(map(i), i == 0 ? 5 : 0);
  finish();
  EXPECT_EQ(status().state, JobState::kSucceeded);
  EXPECT_EQ(status().completion.reason, CompletionReason::kAllCompleted);
}

TEST_F(ItemFailuresTest, StopsTheRestInTheTurnInWhichThereAreTooMany) {
  submit_with({.failures_max = 5});
  commit_with(map(0), 3);
  EXPECT_FALSE(status().completion.decided);
  commit_with(map(1), 3);
  EXPECT_TRUE(status().completion.decided);
  EXPECT_EQ(status().completion.reason, CompletionReason::kFailureToleranceExceeded);
  EXPECT_EQ(status().completion.maps_covered, 2u);
  EXPECT_EQ(actions<CancelAttempt>().size(), 2u);
  finish();
  EXPECT_EQ(status().state, JobState::kPartial);
}

TEST_F(ItemFailuresTest, TakesTheShareOfAllItemsNotOfThoseThatWereTried) {
  submit_with({.failures_per_million = 50'000});
  commit_with(map(0), 5);
  EXPECT_FALSE(status().completion.decided);
  commit_with(map(1), 1);
  EXPECT_EQ(status().completion.reason, CompletionReason::kFailureToleranceExceeded);
}

TEST_F(ItemFailuresTest, StopsWhenEitherLimitIsExceeded) {
  submit_with({.failures_max = 1, .failures_per_million = 500'000});
  commit_with(map(0), 2);
  EXPECT_TRUE(status().completion.decided);
}

TEST_F(ItemFailuresTest, NeverFailsWhenAllMayFail) {
  submit_with({.failures_per_million = proto::kWhole});
  for (std::uint32_t i = 0; i < 4; ++i) commit_with(map(i), 25);
  finish();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(ItemFailuresTest, StopsForOneThatIsNeverTolerated) {
  submit_with({.failures_per_million = proto::kWhole});
  commit_with(map(0), proto::kAnyNumber);
  EXPECT_EQ(status().completion.reason, CompletionReason::kFailureToleranceExceeded);
}

TEST_F(ItemFailuresTest, CountsFailuresOfAnEarlierMaster) {
  submit_with({.failures_max = 5});
  commit_with(map(0), 3);
  restart();
  join_without_outputs(1, 3);
  commit_with(map(1), 3);
  EXPECT_TRUE(status().completion.decided);
}

TEST_F(ItemFailuresTest, MeetsALimitThatIsLoweredAtOnce) {
  submit_with({.failures_max = 5});
  commit_with(map(0), 3);
  change({.to = {.failures_max = 2}, .failures_max = true});
  EXPECT_EQ(status().completion.reason, CompletionReason::kFailureToleranceExceeded);
  restart();
  EXPECT_EQ(status().control.failures_max, 2u);
}

TEST_F(ItemFailuresTest, IsNotPublishedTwiceForAChangeThatComesLate) {
  submit_with({.failures_max = 5});
  for (std::uint32_t i = 0; i < 4; ++i) commit_with(map(i), 1);
  commit(reduce(0));
  EXPECT_EQ(actions<PublishJob>().size(), 1u);
  change({.to = {.failures_max = 1}, .failures_max = true});
  EXPECT_TRUE(actions<PublishJob>().empty());
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(ItemFailuresTest, GoesOnBeyondALimitThatWasRaised) {
  submit_with({.failures_max = 1});
  commit_with(map(0), 1);
  change({.to = {.failures_max = 10}, .failures_max = true});
  commit_with(map(1), 5);
  EXPECT_FALSE(status().completion.decided);
}

}  // namespace
}  // namespace fanfold::master
