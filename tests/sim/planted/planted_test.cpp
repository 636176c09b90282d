// The checkers must bite: each planted bug is found, and what is left of the faults is short.
// fanfold-sim-planted measures it from several beginnings.

#include <gtest/gtest.h>

#include "sim/search/seeds.hpp"
#include "sim/search/shrink.hpp"
#include "tests/sim/planted/hunt.hpp"

namespace fanfold::sim {
namespace {

/// Twice what is promised of the median.
constexpr std::uint64_t kSeedsMost = 2000;

class Planted : public testing::TestWithParam<std::size_t> {
 protected:
  ~Planted() override { plant(Bug::kNone); }
};

TEST_P(Planted, IsFoundAndShrunk) {
  plant(static_cast<Bug>(GetParam()));
  const auto found = hunt(1, kSeedsMost);
  ASSERT_TRUE(found);
  Scenario scenario;
  scenario.config = config_of(found->seed);
  const auto shrunk = shrink(scenario);
  ASSERT_TRUE(shrunk.ok());
  EXPECT_LE(shrunk->scenario.faults->size(), 10u) << to_text(shrunk->scenario);
  // What is written down repeats it.
  const auto again = parse_scenario(to_text(shrunk->scenario));
  ASSERT_TRUE(again.ok());
  const RunResult result = run_scenario(*again);
  ASSERT_TRUE(result.violation);
  EXPECT_EQ(result.violation->invariant, shrunk->violation.invariant);
  // And it is this bug that it shows.
  plant(Bug::kNone);
  const RunResult without = run_scenario(*again);
  EXPECT_FALSE(without.violation) << without.violation->what << "\n" << to_text(*again);
}

INSTANTIATE_TEST_SUITE_P(Bugs, Planted, testing::Range(std::size_t{1}, kBugs),
                         [](const auto& info) { return name_of(static_cast<Bug>(info.param)); });

TEST(NothingPlanted, NothingIsFound) { EXPECT_FALSE(hunt(1, 100)); }

}  // namespace
}  // namespace fanfold::sim
