// Scenarios that once violated something, and the text they are written in.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "sim/search/run.hpp"

namespace fanfold::sim {
namespace {

TEST(Scenarios, WhatWasFoundOnceStaysFixed) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(FANFOLD_SCENARIOS)) {
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const auto scenario = parse_scenario(text);
    ASSERT_TRUE(scenario.ok()) << entry.path() << ": " << scenario.status().message();
    const RunResult result = run_scenario(*scenario);
    EXPECT_FALSE(result.violation) << entry.path() << " violates " << result.violation->invariant
                                   << ": " << result.violation->what;
    ++count;
  }
  EXPECT_GT(count, 0u);
}

TEST(Scenarios, TextAndScenarioAreTheSame) {
  Scenario scenario;
  scenario.config = config_of(17);
  scenario.config.workers += 1;
  scenario.faults = std::set<Fault>{{FaultKind::kCrash, 2, 0, 17}, {FaultKind::kDrop, 0, 3, 4}};
  const auto again = parse_scenario(to_text(scenario));
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(to_text(*again), to_text(scenario));
  EXPECT_EQ(again->faults, scenario.faults);
  EXPECT_EQ(again->config.workers, scenario.config.workers);
}

TEST(Scenarios, MistakesAreNamed) {
  EXPECT_NE(parse_scenario("seed 1\nworkres 3\n").status().message().find("workres"),
            std::string::npos);
  EXPECT_FALSE(parse_scenario("seed 1\nfault explode 1 2 3\n").ok());
  EXPECT_FALSE(parse_scenario("workers 3\n").ok());
  EXPECT_FALSE(parse_scenario("seed one\n").ok());
}

TEST(Scenarios, ACalmOneHasNoFaults) {
  const auto calm = parse_scenario("seed 5\ncalm 1\n");
  ASSERT_TRUE(calm.ok());
  const RunResult result = run_scenario(*calm);
  EXPECT_TRUE(result.faults.empty());
  EXPECT_FALSE(result.violation);
  EXPECT_GT(result.succeeded, 0u);
}

}  // namespace
}  // namespace fanfold::sim
