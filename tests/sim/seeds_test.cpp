// The swarm: many seeds, none of which may violate anything.

#include <gtest/gtest.h>

#include <set>

#include "common/core/fault_point.hpp"
#include "sim/search/seeds.hpp"

namespace fanfold::sim {
namespace {

TEST(Seeds, TwoThousandViolateNothing) {
  const SeedsReport report =
      run_seeds({.first = 1, .count = 2000, .threads = 2, .twice_per_cent = 5});
  for (const BadSeed& bad : report.bad) {
    ADD_FAILURE() << "fanfold-sim --seed " << bad.seed << " violates " << bad.violation.invariant
                  << ": " << bad.violation.what;
  }
  EXPECT_EQ(report.seeds, 2000u);
  EXPECT_GT(report.twice, 50u);
  // Most jobs must come through, or the swarm shows little.
  EXPECT_GT(report.succeeded, 1500u);
  EXPECT_GT(report.partial, 100u);
  EXPECT_GT(report.faults, 20'000u);
  // Some mappers are broken and run again: the comparison of what they wrote must be met.
  EXPECT_GT(report.found_nondeterministic, 0u);
  // And some reduces miscount: the ledger of the records must be met.
  EXPECT_GT(report.found_miscounted, 0u);
}

TEST(Seeds, EachFaultPointOfTheProductIsStruck) {
  std::set<std::uint32_t> struck;
  for (std::uint64_t seed = 1; seed <= 1000 && struck.size() < kFaultPoints; ++seed) {
    Scenario scenario;
    scenario.config = config_of(seed);
    for (const Fault& fault : run_scenario(scenario).faults) {
      if (fault.kind == FaultKind::kFaultPoint) struck.insert(fault.subject);
    }
  }
  EXPECT_EQ(struck.size(), kFaultPoints);
}

TEST(Seeds, TheSameSeedGivesTheSameTrace) {
  Scenario scenario;
  scenario.config = config_of(8);
  EXPECT_EQ(run_scenario(scenario).trace_hash, run_scenario(scenario).trace_hash);
  Scenario other;
  other.config = config_of(9);
  EXPECT_NE(run_scenario(scenario).trace_hash, run_scenario(other).trace_hash);
}

TEST(Seeds, TheTapeOfARunRepeatsIt) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Scenario scenario;
    scenario.config = config_of(seed);
    const RunResult free = run_scenario(scenario);
    scenario.faults = std::set<Fault>(free.faults.begin(), free.faults.end());
    const RunResult scripted = run_scenario(scenario);
    EXPECT_EQ(scripted.trace_hash, free.trace_hash) << "seed " << seed;
    EXPECT_EQ(scripted.faults.size(), free.faults.size()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace fanfold::sim
