// Facts as bytes: what a job with very many splits costs, and what is damaged.

#include "master/store/fact_codec.hpp"

#include <gtest/gtest.h>

namespace fanfold::master {
namespace {

TEST(FactCodec, KeepsTheHostsOfAlternatingSplitsOnce) {
  JobSubmitted submitted;
  submitted.job = JobId{1};
  submitted.preferred_hosts.assign(2, std::vector<std::string>(64, std::string(64, 'h')));
  for (std::uint32_t i = 0; i < 1'000'000; ++i) submitted.preferred.push_back({i % 2, 1});
  const EncodedFact encoded = encode_fact(JobAccepted{submitted});
  EXPECT_LT(encoded.payload.size(), 8u * submitted.preferred.size() + 16'000);
  const auto decoded = decode_fact(encoded.tag, encoded.version, encoded.payload);
  ASSERT_TRUE(decoded.ok());
  const JobSubmitted& job = std::get<JobAccepted>(*decoded).job;
  EXPECT_EQ(job.preferred_hosts, submitted.preferred_hosts);
  ASSERT_EQ(job.preferred.size(), submitted.preferred.size());
  EXPECT_EQ(job.preferred.back().hosts, 1u);
}

TEST(FactCodec, RefusesSplitsNearHostsThatAreNotThere) {
  JobSubmitted submitted;
  submitted.job = JobId{1};
  submitted.preferred_hosts = {{"a"}};
  submitted.preferred = {{1, 1}};
  const EncodedFact encoded = encode_fact(JobAccepted{submitted});
  const auto decoded = decode_fact(encoded.tag, encoded.version, encoded.payload);
  EXPECT_EQ(decoded.status().code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace fanfold::master
