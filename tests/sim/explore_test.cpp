// Every single fault of a small cluster at every occasion, and a sample of all pairs.

#include <gtest/gtest.h>

#include "sim/search/explore.hpp"

namespace fanfold::sim {
namespace {

TEST(Explore, NoFaultAndNoPairOfASampleViolatesAnything) {
  const ExploreReport report = explore({.faults = 2, .threads = 2, .per_cent = 1});
  for (const BadScenario& bad : report.bad) {
    ADD_FAILURE() << bad.violation.invariant << ": " << bad.violation.what << "\n"
                  << to_text(bad.scenario);
  }
  EXPECT_EQ(report.runs_by_faults.at(0), 1u);
  EXPECT_GT(report.runs_by_faults.at(1), 1000u);
  EXPECT_GT(report.runs_by_faults.at(2), 2000u);
  // Some faults change nothing, most do.
  EXPECT_LT(report.traces, report.runs);
  EXPECT_GT(report.traces, report.runs / 4);
}

TEST(Explore, GoesAsDeepAsItIsTold) {
  EXPECT_EQ(explore({.faults = 0, .threads = 2, .per_cent = 100}).runs, 1u);
}

}  // namespace
}  // namespace fanfold::sim
