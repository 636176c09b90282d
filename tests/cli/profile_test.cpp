// Flame graphs: widths, names that are no XML, and samples of this very process.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "cli/profile/flame_graph.hpp"
#include "cli/profile/sampler.hpp"
#include "cli/profile/stacks.hpp"

namespace fanfold::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const Function kRoot = {"main", Owner::kFanfold};

TEST(FlameGraph, GivesEachFunctionItsShareOfTheWidth) {
  std::map<Stage, Stacks> stages;
  stages[Stage::kMap][{kRoot, {"map", Owner::kUser}}] = 30;
  stages[Stage::kMap][{kRoot, {"read", Owner::kSystem}}] = 10;
  const std::string svg = flame_graph_svg("job", stages);
  EXPECT_THAT(svg, HasSubstr("map: 40 samples"));
  EXPECT_THAT(svg, HasSubstr("<title>map: 75.0 %, 30 samples</title>"));
  EXPECT_THAT(svg, HasSubstr("width=\"900.0\""));
  EXPECT_THAT(svg, HasSubstr("<title>read: 25.0 %, 10 samples</title>"));
  // What all have in common is no news.
  EXPECT_THAT(svg, Not(HasSubstr("<title>main")));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

TEST(FlameGraph, EscapesNames) {
  std::map<Stage, Stacks> stages;
  stages[Stage::kMap][{{"f<int>&\"", Owner::kUser}}] = 1;
  const std::string svg = flame_graph_svg("<script>", stages);
  EXPECT_THAT(svg, HasSubstr("f&lt;int&gt;&amp;"));
  EXPECT_THAT(svg, Not(HasSubstr("<script>")));
}

TEST(FlameGraph, OfNothingIsAnEmptyPicture) {
  EXPECT_TRUE(flame_graph_svg("job", {}).ends_with("</svg>\n"));
}

// Sanitizers deliver signals when it suits them.
#ifndef FANFOLD_SANITIZED
extern "C" [[gnu::noinline]] std::uint64_t burn_for_the_profile(std::uint64_t from) {
  for (int i = 0; i < 100'000; ++i) from = from * 6364136223846793005u + 1442695040888963407u;
  return from;
}

TEST(Sampler, SeesWhereThisProcessSpendsItsTime) {
  ASSERT_TRUE(Sampler::start().ok());
  Sampler::enter(Stage::kMap);
  std::uint64_t value = 1;
  std::vector<Sample> samples;
  // The tick of the kernel decides when there are enough.
  const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (samples.size() < 20 && std::chrono::steady_clock::now() < patience) {
    for (int i = 0; i < 100; ++i) value = burn_for_the_profile(value);
    samples = Sampler::samples();
  }
  Sampler::stop();
  ASSERT_GE(samples.size(), 20u) << value;
  std::uint64_t burning = 0;
  const std::map<Stage, Stacks> stages = name_stacks(samples, "/no/plugin");
  for (const auto& [stack, count] : stages.at(Stage::kMap)) {
    for (const Function& function : stack) {
      if (function.name != "burn_for_the_profile") continue;
      EXPECT_EQ(function.owner, Owner::kFanfold);
      burning += count;
      break;
    }
  }
  EXPECT_GT(burning, samples.size() / 2);
}
#endif

}  // namespace
}  // namespace fanfold::cli
