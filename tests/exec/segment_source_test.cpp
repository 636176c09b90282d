// Segments as the plugin boundary sees them: opened late, let go early, failing through the host.

#include "worker/exec/segment_source.hpp"
#include "tests/exec/exec_fixture.hpp"
#include "tests/exec/wrapped_file_system.hpp"

namespace fanfold::worker {
namespace {

struct Refused {
  Status status;
};

class SegmentSourceTest : public ExecFixture {
 protected:
  SegmentSourceTest()
      : map_(run({.job = &job_info<ListLines>(), .inputs = {input("a", text_of(1, 9000, 40))}})) {}

  SegmentSource source(std::uint32_t partition, std::optional<io::Segment> segment = {}) {
    return SegmentSource(files_, output_path(map_.attempt), partition, std::move(segment),
                         [](const Status& status) { throw Refused{status}; });
  }
  std::string read_all(SegmentSource& source) {
    std::string all;
    for (std::string_view block = source.next(); !block.empty(); block = source.next()) {
      all += block;
    }
    return all;
  }

  const Run map_;
  CountingFileSystem files_;
};

TEST_F(SegmentSourceTest, LooksItsPartitionUpWhenItIsNotToldWhereItLies) {
  const auto segment = io::find_segment(files_, output_path(map_.attempt), 2);
  ASSERT_TRUE(segment.ok());
  SegmentSource looked_up = source(2);
  SegmentSource told = source(2, *segment);
  const std::string bytes = read_all(looked_up);
  EXPECT_EQ(bytes.size(), segment->raw_bytes);
  EXPECT_TRUE(read_all(told) == bytes);
}

TEST_F(SegmentSourceTest, HoldsItsFileOpenOnlyWhileItReads) {
  SegmentSource one = source(0);
  EXPECT_EQ(files_.most_open(), 0u);
  EXPECT_FALSE(one.next().empty());
  EXPECT_EQ(files_.open_now(), 1u);
  while (!one.next().empty()) {
  }
  EXPECT_EQ(files_.open_now(), 0u);
}

TEST_F(SegmentSourceTest, CountsTheStoredBytesAsTheyAreRead) {
  // Several reads long.
  const Run large =
      run({.job = &job_info<ListLines>(), .inputs = {input("large", text_of(2, 100'000, 90'000))}});
  const auto segment = io::find_segment(files_, output_path(large.attempt), 1);
  ASSERT_TRUE(segment.ok());
  std::atomic<std::uint64_t> bytes_read{100};
  SegmentSource one(
      files_, output_path(large.attempt), 1, *segment,
      [](const Status& status) { throw Refused{status}; }, &bytes_read);
  EXPECT_EQ(bytes_read, 100u);
  EXPECT_FALSE(one.next().empty());
  EXPECT_GT(bytes_read, 100u);
  EXPECT_LT(bytes_read, 100 + segment->stored_bytes);
  read_all(one);
  EXPECT_EQ(bytes_read, 100 + segment->stored_bytes);
}

TEST_F(SegmentSourceTest, StaysAtItsEnd) {
  SegmentSource one = source(0);
  read_all(one);
  EXPECT_TRUE(one.next().empty());
  EXPECT_TRUE(one.next().empty());
}

TEST_F(SegmentSourceTest, OpensNothingForAnEmptySegment) {
  SegmentSource one = source(0, io::Segment{});
  EXPECT_TRUE(one.next().empty());
  EXPECT_EQ(files_.most_open(), 0u);
}

TEST_F(SegmentSourceTest, APartitionThatIsNotInTheFileIsEmpty) {
  SegmentSource one = source(77);
  EXPECT_TRUE(one.next().empty());
}

TEST_F(SegmentSourceTest, TellsItsHostWhatItCannotRead) {
  SegmentSource one(files_, directory_.path("nowhere"), 0, std::nullopt,
                    [](const Status& status) { throw Refused{status}; });
  try {
    one.next();
    FAIL() << "it read a file that is not there";
  } catch (const Refused& refused) {
    EXPECT_EQ(refused.status.code(), StatusCode::kNotFound);
    EXPECT_NE(refused.status.message().find("nowhere"), std::string::npos);
  }
}

}  // namespace
}  // namespace fanfold::worker
