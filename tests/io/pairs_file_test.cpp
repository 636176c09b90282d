// Names of what reduces keep, and what a manifest says of them.

#include "common/io/pairs_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/io/manifest.hpp"

namespace fanfold::io {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(PairsFile, HasANameThatIsReadAgain) {
  for (const auto& [partition, partitions] : {std::pair{0u, 1u}, {3u, 8u}, {12u, 90'000u}}) {
    const auto parsed = parse_pairs_file_name(pairs_file_name(partition, partitions));
    ASSERT_TRUE(parsed) << pairs_file_name(partition, partitions);
    EXPECT_EQ(parsed->partition, partition);
    EXPECT_EQ(parsed->partitions, partitions);
  }
  EXPECT_EQ(pairs_file_name(3, 8), "_PAIRS-00003-of-00008");
}

TEST(PairsFile, HasNoOtherName) {
  for (const char* name :
       {"", "_PAIRS", "_PAIRS-", "_PAIRS-00003", "_PAIRS-00003-of-", "_PAIRS-00003-of-00003",
        "_PAIRS-3-of-8", "_PAIRS-00003-of-00008.gz", "_PAIRS-00003-of-000008",
        "x_PAIRS-00003-of-00008", "_PAIRS--0001-of-00008", "_PAIRS-00003-of-99999999999",
        "_PAIRS-00003-of-4294967295", "part-00003-of-00008"}) {
    EXPECT_FALSE(parse_pairs_file_name(name)) << name;
  }
}

TEST(Manifest, SaysWhatARedriveGoesOnFrom) {
  Manifest manifest;
  manifest.dead_letters = 2;
  EXPECT_THAT(to_json(manifest), Not(HasSubstr("kept")));
  EXPECT_THAT(to_json(manifest), Not(HasSubstr("generation")));
  manifest.generation = 3;
  manifest.kept.emplace();
  manifest.kept->files = {{"_PAIRS-00000-of-00001", 300, 7, 0xabc}};
  manifest.kept->counters = {{"lines", -4}};
  const auto again = parse_manifest(to_json(manifest));
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(to_json(*again), to_json(manifest));
  EXPECT_EQ(again->generation, 3u);
  ASSERT_TRUE(again->kept);
  EXPECT_EQ(again->kept->files.at(0).checksum, 0xabcu);
  EXPECT_EQ(again->kept->counters.at("lines"), -4);
  // Names go into paths.
  manifest.kept->files[0].name = "../_PAIRS-00000-of-00001";
  EXPECT_EQ(parse_manifest(to_json(manifest)).status().code(), StatusCode::kCorruption);
}

}  // namespace
}  // namespace fanfold::io
