// Workers that fail for reasons of their own get less to do, then nothing for a while; never all.

#include "master/scheduler/policy.hpp"
#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

using proto::WorkerStanding;

class StandingTest : public SchedulerTest {
 protected:
  proto::WorkerStatus worker(std::uint64_t id) const {
    for (const proto::WorkerStatus& one : scheduler->workers(now)) {
      if (one.worker.value == id) return one;
    }
    ADD_FAILURE() << "no worker " << id;
    return {};
  }
  WorkerStanding standing(std::uint64_t id) const { return worker(id).standing; }
  /// So many attempts fail there because no process can be started.
  void fail_on(std::uint64_t id, int times) {
    for (int i = 0; i < times; ++i) {
      // Failures side by side are one: this is past the longest rest.
      wait_with_heartbeats(5s);
      wait_until_it_has_something(id);
      for (const AssignAttempt& one : live) {
        if (one.worker.value != id) continue;
        fail(AssignAttempt(one), FailureKind::kSpawn);
        break;
      }
    }
  }
  void wait_until_it_has_something(std::uint64_t id) {
    for (int i = 0; i < 100 && live_on(id) == 0; ++i) wait_with_heartbeats(100ms);
    ASSERT_GT(live_on(id), 0u);
  }
  std::size_t excluded() const {
    std::size_t count = 0;
    for (const proto::WorkerStatus& one : scheduler->workers(now)) {
      if (one.standing == WorkerStanding::kExcluded) ++count;
    }
    return count;
  }
};

TEST_F(StandingTest, GoesDownStepByStepAndIsShown) {
  join(1, 4);
  join(2, 4);
  submit({.maps = 100, .speculate = false});
  fail_on(1, 2);
  EXPECT_EQ(standing(1), WorkerStanding::kGood);
  EXPECT_EQ(worker(1).demerits, 20u);
  fail_on(1, 1);
  EXPECT_EQ(standing(1), WorkerStanding::kProbation);
  fail_on(1, 3);
  EXPECT_EQ(standing(1), WorkerStanding::kExcluded);
  EXPECT_EQ(worker(1).excluded_ms, 60'000u);
  EXPECT_EQ(standing(2), WorkerStanding::kGood);
}

TEST_F(StandingTest, OneOnProbationGetsOneAttemptAtATime) {
  join(1, 4);
  submit({.maps = 100, .speculate = false});
  fail_on(1, 3);
  ASSERT_EQ(standing(1), WorkerStanding::kProbation);
  while (live_on(1) > 0) commit(AssignAttempt(live.front()));
  // What it does well counts: it is trusted again before long.
  EXPECT_EQ(standing(1), WorkerStanding::kGood);
}

TEST_F(StandingTest, AnExcludedOneGetsNothingUntilItsTimeIsOver) {
  join(1);
  join(2);
  submit({.maps = 100, .speculate = false});
  fail_on(1, 6);
  ASSERT_EQ(standing(1), WorkerStanding::kExcluded);
  for (int i = 0; i < 20; ++i) {
    wait_with_heartbeats(2s);
    for (const AssignAttempt& one : std::vector<AssignAttempt>(live)) commit(one);
    EXPECT_EQ(live_on(1), 0u);
  }
  wait_with_heartbeats(21s);
  EXPECT_EQ(standing(1), WorkerStanding::kProbation);
  EXPECT_EQ(live_on(1), 1u);
}

TEST_F(StandingTest, TheSecondExclusionIsLonger) {
  join(1);
  join(2);
  submit({.maps = 100, .speculate = false});
  fail_on(1, 6);
  wait_with_heartbeats(61s);
  fail_on(1, 3);
  EXPECT_EQ(standing(1), WorkerStanding::kExcluded);
  EXPECT_GT(worker(1).excluded_ms, 110'000u);
}

TEST_F(StandingTest, DemeritsFade) {
  join(1);
  join(2);
  submit({.maps = 100, .speculate = false});
  fail_on(1, 5);
  ASSERT_EQ(standing(1), WorkerStanding::kProbation);
  wait_with_heartbeats(61s);
  EXPECT_EQ(standing(1), WorkerStanding::kGood);
  EXPECT_LE(worker(1).demerits, 25u);
  wait_with_heartbeats(400s);
  EXPECT_EQ(worker(1).demerits, 0u);
}

TEST_F(StandingTest, TheOnlyWorkerIsNeverExcluded) {
  join(1);
  submit({.maps = 100, .speculate = false});
  fail_on(1, 9);
  EXPECT_EQ(standing(1), WorkerStanding::kProbation);
}

TEST_F(StandingTest, NoMoreThanAThirdIsExcluded) {
  for (std::uint64_t id = 1; id <= 4; ++id) join(id);
  submit({.maps = 1000, .speculate = false});
  for (std::uint64_t id = 1; id <= 4; ++id) fail_on(id, 6);
  EXPECT_EQ(excluded(), 1u);
}

TEST_F(StandingTest, WhoeverIsLeftAloneWorksAgain) {
  join(1);
  join(2);
  submit({.maps = 100, .speculate = false});
  fail_on(1, 6);
  ASSERT_EQ(standing(1), WorkerStanding::kExcluded);
  leave(2);
  EXPECT_EQ(standing(1), WorkerStanding::kProbation);
  wait_until_it_has_something(1);
}

TEST_F(StandingTest, AReaderCountsOnceAgainstAHolder) {
  join(1, 2);
  submit({.maps = 2, .reduces = 2, .speculate = false});
  const AssignAttempt first = map(0);
  const AssignAttempt second = map(1);
  wait(1s);
  commit(first);
  join(2, 1);
  commit(second);
  const AssignAttempt reducer = reduce(0);
  miss(reducer, {inputs()[0].attempt});
  EXPECT_EQ(worker(1).demerits, 10u);
  miss(reducer, {inputs()[0].attempt, inputs()[1].attempt});
  EXPECT_EQ(worker(1).demerits, 10u);
}

TEST(Policy, ExcludesAThirdButNeverAll) {
  EXPECT_EQ(scheduling::exclusions_max(0), 0u);
  EXPECT_EQ(scheduling::exclusions_max(1), 0u);
  EXPECT_EQ(scheduling::exclusions_max(2), 1u);
  EXPECT_EQ(scheduling::exclusions_max(6), 1u);
  EXPECT_EQ(scheduling::exclusions_max(10), 3u);
}

TEST(Policy, ExcludesForLongerEachTime) {
  EXPECT_EQ(scheduling::exclusion_time(1), 60s);
  EXPECT_EQ(scheduling::exclusion_time(2), 120s);
  EXPECT_EQ(scheduling::exclusion_time(9), 600s);
}

}  // namespace
}  // namespace fanfold::master
