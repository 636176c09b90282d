#include "worker/plugin/description.hpp"

#include <gtest/gtest.h>

namespace fanfold::worker {
namespace {

abi::Plugin example() {
  abi::JobInfo job;
  job.name = "example";
  job.summary = "Does it.";
  job.format = abi::RecordFormat::kCsv;
  job.csv_header = true;
  job.fixed_length = 12;
  job.partitioning = abi::Partitioning::kRange;
  job.has_combiner = job.has_reduce = job.order_values = true;
  job.key_order = "bytes";
  job.inputs = {"left", "right"};
  job.parameters = {{"mode", abi::ParameterType::kString, true, "", "How.", {"fast", "slow"}}};
  abi::Plugin plugin;
  plugin.jobs = {job, job};
  return plugin;
}

TEST(Description, SurvivesTheWayToTheParent) {
  const auto decoded = decode_description(encode_description(example()));
  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded->jobs.size(), 2u);
  const abi::JobInfo& job = decoded->jobs[1];
  EXPECT_EQ(job.name, "example");
  EXPECT_EQ(job.format, abi::RecordFormat::kCsv);
  EXPECT_TRUE(job.csv_header && job.has_combiner && job.has_reduce && job.order_values);
  EXPECT_EQ(job.fixed_length, 12u);
  EXPECT_EQ(job.partitioning, abi::Partitioning::kRange);
  EXPECT_EQ(job.key_order, "bytes");
  EXPECT_EQ(job.inputs, (std::vector<std::string>{"left", "right"}));
  ASSERT_EQ(job.parameters.size(), 1u);
  EXPECT_EQ(job.parameters[0].choices, (std::vector<std::string>{"fast", "slow"}));
  EXPECT_TRUE(job.parameters[0].required);
}

TEST(Description, GivesARefusalBack) {
  const auto decoded =
      decode_description(encode_refusal({StatusCode::kInvalidArgument, "does not load"}));
  ASSERT_FALSE(decoded.ok());
  EXPECT_EQ(decoded.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(decoded.status().message(), "does not load");
}

TEST(Description, CallsEveryCutCorrupt) {
  const std::string whole = encode_description(example());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto decoded = decode_description(std::string_view(whole).substr(0, size));
    ASSERT_FALSE(decoded.ok()) << size;
    EXPECT_EQ(decoded.status().code(), StatusCode::kCorruption) << size;
  }
}

}  // namespace
}  // namespace fanfold::worker
