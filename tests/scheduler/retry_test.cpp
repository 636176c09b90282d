// The Retry of the States Language: which failures are tried again, how often and when.

#include "master/scheduler/retry.hpp"

#include <set>

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

using proto::Jitter;
using proto::Retrier;
using scheduling::retrier_delay;
using scheduling::retrier_for;

std::int64_t ms(Duration duration) { return duration.count() / 1'000'000; }

TEST(RetrierDelay, GrowsByTheRateUpToTheLongest) {
  const Retrier usual{.errors = {"States.ALL"}};
  EXPECT_EQ(ms(retrier_delay(usual, 1)), 1000);
  EXPECT_EQ(ms(retrier_delay(usual, 2)), 2000);
  EXPECT_EQ(ms(retrier_delay(usual, 3)), 4000);
  const Retrier cut{.errors = {"States.ALL"},
                    .interval_ms = 3000,
                    .backoff_per_mille = 1500,
                    .delay_ms_max = 6000};
  EXPECT_EQ(ms(retrier_delay(cut, 1)), 3000);
  EXPECT_EQ(ms(retrier_delay(cut, 2)), 4500);
  EXPECT_EQ(ms(retrier_delay(cut, 3)), 6000);
  EXPECT_EQ(ms(retrier_delay(cut, 99)), 6000);
  const Retrier level{.errors = {"States.ALL"}, .interval_ms = 3000, .backoff_per_mille = 1000};
  EXPECT_EQ(ms(retrier_delay(level, 50)), 3000);
  const Retrier wild{
      .errors = {"States.ALL"}, .interval_ms = UINT64_MAX, .backoff_per_mille = UINT32_MAX};
  EXPECT_EQ(ms(retrier_delay(wild, 99)), 86'400'000);
}

TEST(RetrierFor, IsTheFirstThatNamesTheError) {
  const std::vector<Retrier> retry = {
      {.errors = {"Task.Signal", "Task.Exit"}},
      {.errors = {"States.Timeout"}},
      {.errors = {"Data.Corrupt"}},
      {.errors = {"States.TaskFailed"}},
  };
  EXPECT_EQ(retrier_for(retry, FailureKind::kExit), 0u);
  EXPECT_EQ(retrier_for(retry, FailureKind::kTimeout), 1u);
  EXPECT_EQ(retrier_for(retry, FailureKind::kStalled), 1u);
  EXPECT_EQ(retrier_for(retry, FailureKind::kInput), 2u);
  EXPECT_EQ(retrier_for(retry, FailureKind::kException), 3u);
  EXPECT_EQ(retrier_for({{.errors = {"Task.OutOfMemory"}}}, FailureKind::kException), std::nullopt);
  EXPECT_EQ(retrier_for({{.errors = {"States.HeartbeatTimeout"}}}, FailureKind::kTimeout),
            std::nullopt);
}

class RetryTest : public SchedulerTest {
 protected:
  void submit_with(std::vector<Retrier> retry) {
    std::uint32_t attempts = 1;
    for (const Retrier& one : retry) attempts += one.attempts_max;
    join(1);
    submit({.attempts_max = attempts, .retry = std::move(retry)});
  }
};

TEST_F(RetryTest, WaitsAsItsRetrierSays) {
  submit_with({{.errors = {"States.ALL"}, .interval_ms = 2000, .backoff_per_mille = 3000}});
  for (const Duration expected : {2s, 6s, 18s}) {
    fail(map(0), FailureKind::kException);
    wait_with_heartbeats(expected - 1ms);
    EXPECT_TRUE(live.empty()) << expected.count();
    wait_with_heartbeats(1ms);
    EXPECT_EQ(live.size(), 1u) << expected.count();
  }
  fail(map(0), FailureKind::kException);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().reason, "map task 0 failed 4 times");
}

TEST_F(RetryTest, EachRetrierHasACounterOfItsOwn) {
  submit_with({{.errors = {"Task.Signal"}, .attempts_max = 1},
               {.errors = {"States.ALL"}, .attempts_max = 2}});
  for (const FailureKind kind :
       {FailureKind::kSignal, FailureKind::kException, FailureKind::kException}) {
    fail(map(0), kind);
    ASSERT_EQ(status().state, JobState::kRunning);
    wait_with_heartbeats(10s);
  }
  fail(map(0), FailureKind::kSignal);
  EXPECT_EQ(status().state, JobState::kFailed);
}

TEST_F(RetryTest, WhatNoRetrierNamesIsNotTriedAgain) {
  submit_with({{.errors = {"Task.Timeout"}}});
  fail(map(0), FailureKind::kException);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().reason, "map task 0 failed once");
}

TEST_F(RetryTest, ZeroAttemptsAreNone) {
  submit_with({{.errors = {"States.ALL"}, .attempts_max = 0}});
  fail(map(0), FailureKind::kException);
  EXPECT_EQ(status().state, JobState::kFailed);
}

TEST_F(RetryTest, FullJitterWaitsForUpToTheDelay) {
  join(1, 64);
  submit({.maps = 64,
          .speculate = false,
          .retry = {{.errors = {"States.ALL"}, .interval_ms = 1000, .jitter = Jitter::kFull}}});
  for (const AssignAttempt& one : std::vector<AssignAttempt>(live)) {
    fail(one, FailureKind::kException);
  }
  std::set<std::int64_t> waits;
  const Instant begun = now;
  while (live.size() < 64 && now - begun <= 1s) {
    const std::size_t before = live.size();
    wait_with_heartbeats(10ms);
    if (live.size() > before) waits.insert(ms(now - begun));
  }
  EXPECT_EQ(live.size(), 64u);
  // Spread, not all at once.
  EXPECT_GT(waits.size(), 20u);
}

TEST_F(RetryTest, ARestartedMasterGoesOnCounting) {
  submit_with({{.errors = {"Task.Signal"}, .attempts_max = 1}, {.errors = {"States.ALL"}}});
  fail(map(0), FailureKind::kSignal);
  restart();
  join(1);
  EXPECT_TRUE(live.empty()) << "its delay goes on";
  wait(2s);
  fail(map(0), FailureKind::kSignal);
  EXPECT_EQ(status().state, JobState::kFailed);
}

TEST_F(RetryTest, LostWorkersBurnNoAttempt) {
  submit({.attempts_max = 4, .retry = {{.errors = {"States.ALL"}, .interval_ms = 1}}});
  for (std::uint64_t worker = 1; worker <= 50; ++worker) {
    join(worker);
    ASSERT_EQ(live.size(), 1u) << worker;
    leave(worker);
    ASSERT_EQ(status().state, JobState::kRunning) << worker;
  }
  join(100);
  // All its own attempts are left.
  for (int i = 0; i < 3; ++i) {
    fail(map(0), FailureKind::kException);
    wait_with_heartbeats(6s);
    ASSERT_EQ(status().state, JobState::kRunning);
  }
  commit(map(0));
  commit(reduce(0));
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
  EXPECT_EQ(status().lost_attempts, 50u);
}

}  // namespace
}  // namespace fanfold::master
