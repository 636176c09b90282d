// The scheduler with workers that only pretend: what the tables of fanfold-sim are made of.

#include <gtest/gtest.h>

#include "sim/scale/fleet.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

FleetOptions small() {
  FleetOptions options;
  options.workers = 50;
  options.maps = 500;
  options.reduces = 100;
  options.map_time = 20s;
  options.shuffle_time = 20s;
  options.reduce_time = 20s;
  return options;
}

TEST(Fleet, DoesAJobInTheTimeThatItsWavesTake) {
  const FleetResult result = Fleet(small()).run();
  EXPECT_TRUE(result.succeeded);
  EXPECT_GE(result.attempts, 600u);
  EXPECT_EQ(result.lost, 0u);
  // Ten waves of maps and two of reduces, unevenly long.
  EXPECT_GT(result.took, 270s);
  EXPECT_LT(result.took, 360s);
}

TEST(Fleet, TheSameSeedTakesTheSameTime) {
  const FleetResult one = Fleet(small()).run();
  const FleetResult two = Fleet(small()).run();
  EXPECT_EQ(one.took, two.took);
  EXPECT_EQ(one.events, two.events);
  FleetOptions other = small();
  other.seed = 2;
  EXPECT_NE(Fleet(other).run().took, one.took);
}

TEST(Fleet, LosesWhatDiesWithItsWorkersAndNoMoreThanTime) {
  const Duration calm = Fleet(small()).run().took;
  for (const Duration at : {50s, 150s, 215s, 235s}) {
    FleetOptions options = small();
    options.kill = 6;
    options.kill_at = at;
    const FleetResult result = Fleet(options).run();
    EXPECT_TRUE(result.succeeded) << at.count();
    EXPECT_GE(result.lost, 6u) << at.count();
    EXPECT_GT(result.took, calm) << at.count();
    EXPECT_LT(result.took, 2 * calm) << at.count();
  }
}

TEST(Fleet, AReduceThatCannotReadKeepsWhatItHasRead) {
  const Duration calm = Fleet(small()).run().took;
  FleetOptions options = small();
  options.kill = 6;
  options.kill_at = 215s;  // While the first reduces read.
  const FleetResult result = Fleet(options).run();
  // Nearly all of them miss something, and only those that died themselves begin anew.
  EXPECT_GT(result.starved, 20u);
  EXPECT_EQ(result.lost, 6u);
  // 10 s until it is noticed, two waves of maps in the slots of those who wait, and a reduce.
  EXPECT_LT(result.took, calm + 90s);
}

TEST(Fleet, TasksThatWaitAreSmall) {
  FleetOptions options = small();
  options.maps = 1'000'000;
  EXPECT_LT(Fleet(options).submit(), 1'000'000u * 100);
}

}  // namespace
}  // namespace fanfold::sim
