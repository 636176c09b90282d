// What `plan` says of a plan.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/plan/plan_review.hpp"

namespace fanfold::cli {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kMiB = 1u << 20;

master::Plan plan_of(const std::vector<std::uint64_t>& splits, std::uint32_t partitions) {
  master::Plan plan;
  plan.partitions = partitions;
  plan.input_files = 1;
  for (const std::uint64_t bytes : splits) {
    proto::Split split;
    split.bytes = bytes;
    split.pieces = {{.path = "/in",
                     .tag = {},
                     .begin = plan.input_bytes,
                     .end = plan.input_bytes + bytes,
                     .version = {}}};
    plan.input_bytes += bytes;
    plan.splits.push_back(split);
  }
  return plan;
}

PlanPlace roomy() {
  PlanPlace place;
  place.workers = 2;
  place.slots = 4;
  place.memory_bytes = 256 * kMiB;
  place.machine_bytes = 16ull << 30;
  place.scratch = "/tmp";
  place.scratch_free = 1ull << 40;
  return place;
}

std::vector<std::string> warnings(master::Plan plan, PlanPlace place,
                                  const proto::JobSpec& spec = {}) {
  return review_plan(spec, std::move(plan), std::move(place)).warnings;
}

TEST(PlanReview, HasNothingToSayAgainstAGoodPlan) {
  EXPECT_THAT(
      warnings(plan_of({16 * kMiB, 16 * kMiB, 16 * kMiB, 16 * kMiB, 12 * kMiB}, 2), roomy()),
      IsEmpty());
}

TEST(PlanReview, WarnsOfWhatIsLikelyToHurt) {
  EXPECT_THAT(warnings(plan_of({}, 1), roomy()), Contains(HasSubstr("the input is empty")));
  EXPECT_THAT(warnings(plan_of({64 * kMiB}, 1), roomy()),
              Contains(HasSubstr("--split-bytes 8388609")));
  EXPECT_THAT(warnings(plan_of(std::vector<std::uint64_t>(2000, 1000), 1), roomy()),
              Contains(HasSubstr("longer to start than to run")));
  EXPECT_THAT(warnings(plan_of({kMiB, kMiB, kMiB, kMiB, 90 * kMiB}, 1), roomy()),
              Contains(HasSubstr("the largest split has 90.0 MiB")));
  EXPECT_THAT(warnings(plan_of({4 * kMiB, 4 * kMiB, 4 * kMiB, 4 * kMiB}, 100), roomy()),
              Contains(HasSubstr("fewer reducers")));
  EXPECT_THAT(warnings(plan_of(std::vector<std::uint64_t>(5000, 64 * kMiB), 5000), roomy()),
              Contains(HasSubstr("25,000,000 segments")));
}

TEST(PlanReview, WarnsOfAPlaceThatIsTooSmall) {
  const master::Plan plan = plan_of({16 * kMiB, 16 * kMiB, 16 * kMiB, 16 * kMiB}, 1);
  PlanPlace place = roomy();
  place.memory_bytes = 8ull << 30;
  EXPECT_THAT(warnings(plan, place), Contains(HasSubstr("need 32.0 GiB")));
  place = roomy();
  place.scratch_free = kMiB;
  EXPECT_THAT(warnings(plan, place), Contains(HasSubstr("/tmp has 1.0 MiB left")));
  place = roomy();
  place.output_exists = true;
  proto::JobSpec spec;
  spec.output = "/out";
  EXPECT_THAT(warnings(plan, place, spec), Contains(HasSubstr("/out exists")));
  spec.on_exists = proto::OnExists::kReplace;
  EXPECT_THAT(warnings(plan, place, spec), IsEmpty());
}

TEST(PlanReview, TellsPeopleAndProgramsTheSame) {
  proto::JobSpec spec;
  spec.job_name = "word_count";
  const PlanReview review =
      review_plan(spec, plan_of(std::vector<std::uint64_t>(8, 16 * kMiB), 2), roomy());
  const std::string text = text_of(review);
  EXPECT_THAT(text, HasSubstr("word_count over 1 file, 128.0 MiB"));
  EXPECT_THAT(text, HasSubstr("8 tasks, about 16.0 MiB each, the largest 16.0 MiB; 2 rounds"));
  EXPECT_THAT(text, HasSubstr("and 3 more splits"));
  const auto json = nlohmann::json::parse(to_json(review));
  EXPECT_EQ(json["maps"], 8);
  EXPECT_EQ(json["reduces"], 2);
  EXPECT_EQ(json["gathers"], 0);
  EXPECT_EQ(json["splits"].size(), 8u);
  EXPECT_EQ(json["splits"][1]["pieces"][0]["begin"], 16 * kMiB);
}

TEST(PlanReview, ShowsTheTreeThatMakesOneFile) {
  proto::JobSpec spec;
  spec.gather = {abi::Gather::kMergeSort, 3};
  const PlanReview review = review_plan(spec, plan_of({16 * kMiB}, 7), roomy());
  EXPECT_THAT(text_of(review), HasSubstr("gather   4 tasks in 2 levels, merge-sort"));
  EXPECT_EQ(nlohmann::json::parse(to_json(review))["gathers"], 4);
}

}  // namespace
}  // namespace fanfold::cli
