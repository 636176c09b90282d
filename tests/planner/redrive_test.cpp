// What the maps of a redrive are to read.

#include <gmock/gmock.h>

#include "common/io/dead_letter.hpp"
#include "common/io/pairs_file.hpp"
#include "common/proto/redrive.hpp"
#include "tests/planner/planner_fixture.hpp"

namespace fanfold::master {
namespace {

class RedrivePlan : public PlannerTest {
 protected:
  RedrivePlan() { spec_.partitions = 3; }

  void keep(std::uint32_t partition) {
    write("earlier/" + io::pairs_file_name(partition, 3), std::string(100 + partition, 'p'));
  }
  void add_letter(const std::string& file, std::uint64_t offset, std::uint64_t bytes) {
    io::DeadLetter letter;
    letter.file = path(file);
    letter.tag = "left";
    letter.offset = offset;
    letter.bytes = bytes;
    letter.xxh3_64 = 0xabc0 + offset;
    letters_ += io::to_line(letter);
    write(std::string("earlier/") + io::kDeadLettersName, letters_);
  }
  std::vector<std::string> input() const { return {proto::redrive_input(path("earlier"))}; }

  std::string letters_;
};

TEST_F(RedrivePlan, HasWhatWasKeptAndThenTheRecords) {
  keep(0);
  keep(2);
  write("in.txt", std::string(500, 'x'));
  write("packed", "\x1f\x8b\x08 whatever");
  add_letter("packed", 70'000, 20);
  add_letter("in.txt", 30, 10);
  add_letter("in.txt", 7, 5);
  const auto planned = plan(input());
  ASSERT_TRUE(planned.ok()) << planned.status().message();
  EXPECT_EQ(planned->partitions, 3u);
  ASSERT_EQ(planned->splits.size(), 3u);
  EXPECT_EQ(planned->splits[0].pieces.at(0).path, path("earlier/_PAIRS-00000-of-00003"));
  EXPECT_EQ(planned->splits[1].pieces.at(0).path, path("earlier/_PAIRS-00002-of-00003"));
  EXPECT_EQ(planned->splits[1].bytes, 102u);
  EXPECT_EQ(planned->sample.pieces.size(), 2u);
  const auto& records = planned->splits[2].pieces;
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].begin, 7u);
  EXPECT_EQ(records[0].end, 12u);
  EXPECT_EQ(records[0].tag, "left");
  EXPECT_EQ(records[0].version, "000000000000abc7");
  EXPECT_EQ(records[1].begin, 30u);
  EXPECT_EQ(records[1].compression, io::Compression::kNone);
  // In the decompressed file.
  EXPECT_EQ(records[2].begin, 70'000u);
  EXPECT_EQ(records[2].end, 70'020u);
  EXPECT_EQ(records[2].compression, io::Compression::kGzip);
  EXPECT_EQ(planned->input_files, 2u);
}

TEST_F(RedrivePlan, SharesManyRecordsOut) {
  write("in.txt", "x");
  for (int i = 0; i < 250; ++i) add_letter("in.txt", static_cast<std::uint64_t>(i), 1);
  const auto planned = plan(input());
  ASSERT_TRUE(planned.ok());
  ASSERT_EQ(planned->splits.size(), 3u);
  EXPECT_EQ(planned->splits[0].pieces.size(), 100u);
  EXPECT_EQ(planned->splits[2].pieces.size(), 50u);
}

TEST_F(RedrivePlan, IsRefusedWithoutWhatItNeeds) {
  expect_refused(input(), StatusCode::kNotFound, {"earlier"});
  keep(1);
  expect_refused(input(), StatusCode::kInvalidArgument, {"no dead letters"});
  add_letter("gone.txt", 1, 1);
  expect_refused(input(), StatusCode::kNotFound, {"gone.txt"});
  letters_.clear();
  write("in.txt", "x");
  add_letter("in.txt", ~std::uint64_t{0}, 5);
  expect_refused(input(), StatusCode::kCorruption, {"in.txt"});
  spec_.partitions = 2;
  expect_refused(input(), StatusCode::kInvalidArgument, {"another number of reducers than 2"});
  spec_.partitions = 0;
  expect_refused(input(), StatusCode::kInvalidArgument, {"as many reducers"});
}

}  // namespace
}  // namespace fanfold::master
