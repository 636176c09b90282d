// --hedge-after: a second attempt at what is slower than most of its stage.

#include "master/scheduler/durations.hpp"
#include "master/scheduler/policy.hpp"
#include "master/scheduler/replicas.hpp"
#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

class HedgingTest : public SchedulerTest {
 protected:
  /// `maps` maps of which the first `done` took 100 ms each; the others run, or wait.
  void run_some(const proto::ReplicaPolicy& policy, std::uint32_t maps, std::uint32_t done) {
    join(1, 12);
    join(2, 12);
    submit({.maps = maps, .reduces = 1, .replicas = policy});
    wait(100ms);
    for (std::uint32_t i = 0; i < done; ++i) commit(map(i));
  }
  static constexpr proto::ReplicaPolicy kP90{1, proto::AcceptRule::kFirst, 900, 0};
};

TEST_F(HedgingTest, StartsASecondAttemptAtWhatIsSlowLongBeforeTheTail) {
  run_some(kP90, 200, 20);
  EXPECT_EQ(status().replicas.hedges, 0u);
  wait(10ms);
  // Every slot is taken; the next one is for what began with the first ones, not for map 44.
  commit(map(24));
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_TRUE(assigned()[0].speculative);
  // Of those the first one that does not run on that worker.
  EXPECT_LT(assigned()[0].task.index, 24u);
  EXPECT_EQ(status().replicas.hedges, 1u);
}

TEST_F(HedgingTest, CountsTheHedgesThatComeFirst) {
  run_some(kP90, 20, 19);
  const AssignAttempt slow = map(19);
  wait(150ms);
  ASSERT_EQ(assigned().size(), 1u);
  const AssignAttempt hedge = assigned()[0];
  EXPECT_NE(hedge.worker, slow.worker);
  commit(hedge);
  ASSERT_EQ(actions<CancelAttempt>().size(), 1u);
  EXPECT_EQ(actions<CancelAttempt>()[0].attempt, slow.attempt);
  EXPECT_EQ(status().replicas.hedges_won, 1u);
}

TEST_F(HedgingTest, KnowsNothingBeforeSomeHaveEnded) {
  run_some({1, proto::AcceptRule::kFirst, 500, 0}, 20, scheduling::kHedgeSamplesMin - 1);
  wait_with_heartbeats(5s);
  EXPECT_EQ(status().replicas.hedges, 0u);
  commit(map(scheduling::kHedgeSamplesMin - 1));
  EXPECT_GT(status().replicas.hedges, 0u);
}

TEST_F(HedgingTest, RunsNoMoreThanTwiceWhatThePercentileLeavesOver) {
  run_some({1, proto::AcceptRule::kFirst, 950, 0}, 24, 8);
  wait_with_heartbeats(10s);
  // The stage became slow as a whole: a tenth of 24, rounded up.
  EXPECT_EQ(status().replicas.hedges, 3u);
}

TEST_F(HedgingTest, TakesATimeForWhatItIs) {
  run_some({1, proto::AcceptRule::kFirst, 0, 2000}, 12, 0);
  wait(1890ms);
  EXPECT_TRUE(assigned().empty());
  wait(20ms);
  EXPECT_EQ(assigned().size(), 12u);
}

TEST_F(HedgingTest, NeverHedgesOnTheSameWorker) {
  join(1, 12);
  submit({.maps = 10, .reduces = 1, .replicas = {1, proto::AcceptRule::kFirst, 0, 100}});
  wait_with_heartbeats(5s);
  EXPECT_EQ(status().replicas.hedges, 0u);
  join(2, 12);
  EXPECT_EQ(status().replicas.hedges, 10u);
}

TEST(Hedges, AreBounded) {
  using scheduling::hedges_max;
  EXPECT_EQ(hedges_max({1, proto::AcceptRule::kFirst, 950, 0}, 1000), 100u);
  EXPECT_EQ(hedges_max({1, proto::AcceptRule::kFirst, 950, 0}, 3), 1u);
  EXPECT_EQ(hedges_max({1, proto::AcceptRule::kFirst, 500, 0}, 1000), 1000u);
  EXPECT_EQ(hedges_max({1, proto::AcceptRule::kFirst, 0, 5}, 1000), 1000u);
}

TEST(Quantiles, AreGoodToAnEighth) {
  scheduling::Durations durations;
  EXPECT_EQ(durations.quantile(950), Duration(0));
  for (int i = 1; i <= 100; ++i) durations.add(std::chrono::milliseconds(i));
  EXPECT_GE(durations.quantile(950), 95ms);
  EXPECT_LE(durations.quantile(950), 107ms);
  EXPECT_EQ(durations.median(), durations.quantile(500));
}

}  // namespace
}  // namespace fanfold::master
