// What a manifest says of an output that lacks some of its input.

#include "common/io/coverage.hpp"

#include <gtest/gtest.h>

#include "common/io/manifest.hpp"
#include "tests/io/temporary_directory.hpp"

namespace fanfold::io {
namespace {

Coverage three_of_four() {
  Coverage coverage;
  coverage.policy = "min-successful=75%";
  coverage.reason = "MIN_SUCCESSFUL_REACHED";
  coverage.deadline_ms = 30'000;
  coverage.map_tasks = 4;
  coverage.covered = 3;
  coverage.input_bytes = 400;
  coverage.covered_bytes = 399;
  coverage.attempts_stopped = 1;
  coverage.stop_us = 7;
  coverage.results_discarded = 2;
  coverage.missing = {{2, "failed", "exception: bad", 1, {{"/in/a", 5, 6}}}};
  return coverage;
}

TEST(Coverage, ComesBackAsItWas) {
  const auto back = parse_coverage(to_json(three_of_four()));
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(to_json(*back), to_json(three_of_four()));
  EXPECT_TRUE(back->partial());
  ASSERT_EQ(back->missing.size(), 1u);
  EXPECT_EQ(back->missing[0].pieces[0].path, "/in/a");
}

TEST(Coverage, IsNeverWholeByRounding) {
  Coverage coverage = three_of_four();
  EXPECT_EQ(covered_percent(coverage), "99.75");
  coverage.input_bytes = UINT64_MAX;
  coverage.covered_bytes = UINT64_MAX - 1;
  EXPECT_EQ(covered_percent(coverage), "99.99");
  // What is missing has no bytes, but it is missing.
  coverage.covered_bytes = UINT64_MAX;
  EXPECT_EQ(covered_percent(coverage), "99.99");
  coverage.input_bytes = coverage.covered_bytes = 0;
  EXPECT_EQ(covered_percent(coverage), "75.00");
  coverage.covered = 4;
  EXPECT_EQ(covered_percent(coverage), "100.00");
}

TEST(Coverage, ThatContradictsItselfIsDamage) {
  for (const auto& spoil : std::vector<void (*)(Coverage&)>{
           [](Coverage& c) { c.covered = 5; }, [](Coverage& c) { c.covered_bytes = 401; },
           [](Coverage& c) { c.missing.clear(); }, [](Coverage& c) { c.covered = 4; },
           [](Coverage& c) { c.missing[0].pieces[0].end = 4; }}) {
    Coverage coverage = three_of_four();
    spoil(coverage);
    EXPECT_EQ(parse_coverage(to_json(coverage)).status().code(), StatusCode::kCorruption);
  }
  for (const char* text : {"", "[]", "{}", "{\"policy\": 3}", "null"}) {
    EXPECT_EQ(parse_coverage(text).status().code(), StatusCode::kCorruption) << text;
  }
}

TEST(PartialManifest, IsReadUnderItsOwnNameOnly) {
  const TemporaryDirectory directory;
  Manifest manifest;
  manifest.coverage = three_of_four();
  EXPECT_STREQ(manifest.file_name(), "_PARTIAL");
  directory.write("out/_PARTIAL", to_json(manifest));
  auto read = read_manifest(posix_file_system(), directory.path("out"));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_TRUE(read->partial());
  // Renamed it is no success.
  directory.write("out/_SUCCESS", to_json(manifest));
  read = read_manifest(posix_file_system(), directory.path("out"));
  EXPECT_EQ(read.status().code(), StatusCode::kCorruption);
  // And a whole one is not partial.
  directory.write("whole/_PARTIAL", to_json(Manifest()));
  EXPECT_EQ(read_manifest(posix_file_system(), directory.path("whole")).status().code(),
            StatusCode::kCorruption);
  manifest.coverage->covered = 4;
  EXPECT_STREQ(manifest.file_name(), "_SUCCESS");
}

}  // namespace
}  // namespace fanfold::io
