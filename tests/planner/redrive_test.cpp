// What the maps of a redrive are to read.

#include <gmock/gmock.h>

#include <algorithm>

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
    letter.file = file.starts_with("host:") ? file : path(file);
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

TEST_F(RedrivePlan, ReadsRecordsOfHostsThere) {
  keep(0);
  write("in.txt", std::string(500, 'x'));
  add_letter("host://a/log", 7, 5);
  add_letter("host://b/log.gz", 20, 5);
  add_letter("host://a/log", 30, 10);
  add_letter("in.txt", 7, 5);
  spec_.inputs = input();
  EXPECT_TRUE(names_inputs_in_files(spec_));
  EXPECT_EQ(look_above(spec_), 0u);
  const auto found = find_host_inputs(io::posix_file_system(), spec_);
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(*found, (std::vector<std::string>{"host://a/log", "host://b/log.gz"}));
  HostListing listing;
  listing.files["host://a/log"] = {{.path = "host://a/log", .tag = {}, .size = 100}};
  listing.files["host://b/log.gz"] = {
      {.path = "host://b/log.gz", .tag = {}, .size = 9, .compression = io::Compression::kGzip}};
  const auto planned = make_plan(io::posix_file_system(), spec_, limits_, &listing);
  ASSERT_TRUE(planned.ok()) << planned.status().message();
  ASSERT_EQ(planned->splits.size(), 4u);
  std::vector<std::string> hosts;
  for (std::size_t i = 1; i < 4; ++i) {
    const auto& pieces = planned->splits[i].pieces;
    hosts.emplace_back(host_of(pieces.front().path));
    EXPECT_EQ(pieces.size(), hosts.back() == "a" ? 2u : 1u);
    const bool packed = pieces[0].compression == io::Compression::kGzip;
    EXPECT_EQ(packed, hosts.back() == "b");
  }
  std::sort(hosts.begin(), hosts.end());
  EXPECT_EQ(hosts, (std::vector<std::string>{"", "a", "b"}));
  expect_refused(input(), StatusCode::kInvalidArgument, {"host://a/log lies on a host"});
}

}  // namespace
}  // namespace fanfold::master
