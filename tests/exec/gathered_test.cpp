// Reduces of many small segments: gathered and sorted at once, the same records in the same order
// as if each had been read by itself.

#include "worker/exec/gathered_segments.hpp"

#include <map>
#include <random>

#include "common/io/kept_runs.hpp"
#include "tests/exec/exec_fixture.hpp"
#include "tests/exec/wrapped_file_system.hpp"

namespace fanfold::worker {
namespace {

/// Values of a key come in the order of their bytes.
struct OrderedLines {
  static constexpr bool order_values = true;
  void map(std::string_view line, Emitter<std::string_view, std::string_view>& out) {
    out.emit(line.substr(0, line.find(' ')), line);
  }
  void reduce(std::string_view key, Values<std::string_view>& lines, Writer& out) {
    for (const std::string_view line : lines) out.write(key, line);
  }
};

class GatheredReduce : public ExecFixture {
 protected:
  /// A map output of so many random lines.
  LocalSegment map_lines(const abi::JobInfo& job, std::size_t lines, std::uint32_t partitions) {
    const std::string text = text_of(random_(), lines, 40);
    const auto split = static_cast<std::uint32_t>(texts_.size());
    texts_.push_back(text);
    const Run done = run({.job = &job,
                          .inputs = {input("split" + std::to_string(split), text)},
                          .partitions = partitions});
    EXPECT_TRUE(done.ok()) << done.failure().message;
    return local(done, split);
  }

  /// What one reduce of all lines has to write.
  std::string expected(bool ordered) const {
    std::map<std::string, std::vector<std::string>> groups;
    for (const std::string& text : texts_) {
      std::istringstream stream(text);
      for (std::string line; std::getline(stream, line);) {
        groups[line.substr(0, line.find(' '))].push_back(line);
      }
    }
    std::string all;
    for (auto& [key, lines] : groups) {
      if (ordered) std::sort(lines.begin(), lines.end());
      for (const std::string& line : lines) all += key + "\t" + line + "\n";
    }
    return all;
  }

  std::string reduced(const abi::JobInfo& job, const std::vector<LocalSegment>& segments,
                      std::uint64_t memory_bytes) {
    const Run done = run({.job = &job,
                          .stage = Stage::kReduce,
                          .segments = segments,
                          .partitions = 1,
                          .memory_bytes = memory_bytes});
    EXPECT_TRUE(done.ok()) << done.failure().message;
    return done.ok() ? staged(done.attempt, "part-00000-of-00001") : "";
  }

  std::mt19937_64 random_{11};
  std::vector<std::string> texts_;
};

TEST_F(GatheredReduce, KeepsTheOrderOfSplitsAmongSmallAndLargeSegments) {
  std::vector<LocalSegment> segments;
  for (int split = 0; split < 120; ++split) {
    const std::size_t lines = split % 17 == 5 ? 6000 : 1 + random_() % 30;
    segments.push_back(map_lines(job_info<ListLines>(), lines, 1));
  }
  EXPECT_TRUE(reduced(job_info<ListLines>(), segments, kPlenty) == expected(false));
  EXPECT_TRUE(reduced(job_info<ListLines>(), segments, kTiny) == expected(false));
}

TEST_F(GatheredReduce, KeepsTheOrderOfValuesWhereTheJobWantsIt) {
  std::vector<LocalSegment> segments;
  for (int split = 0; split < 60; ++split) {
    segments.push_back(map_lines(job_info<OrderedLines>(), split == 30 ? 6000 : 20, 1));
  }
  EXPECT_TRUE(reduced(job_info<OrderedLines>(), segments, kPlenty) == expected(true));
  EXPECT_TRUE(reduced(job_info<OrderedLines>(), segments, kTiny) == expected(true));
}

TEST_F(GatheredReduce, ReadsNeighbouringPartitionsAtOnce) {
  constexpr std::uint32_t kPartitions = 30;
  std::vector<LocalSegment> outputs;
  for (int split = 0; split < 20; ++split) {
    outputs.push_back(map_lines(job_info<ListLines>(), 100, kPartitions));
  }
  const auto list = make_segment_list(outputs);
  CountingFileSystem files;
  io::KeptRuns kept(files);
  std::string together;
  std::string apart;
  for (std::uint32_t partition = 0; partition < kPartitions; ++partition) {
    Plan plan{.job = &job_info<ListLines>(),
              .stage = Stage::kReduce,
              .segments = outputs,
              .index = partition,
              .partitions = kPartitions};
    const std::string part =
        io::part_name("part", partition, kPartitions, io::PartCompression::kNone);
    const Run alone = run(plan);
    plan.list = list;
    plan.kept_runs = &kept;
    const Run after_others = run(files, plan);
    ASSERT_TRUE(alone.ok() && after_others.ok());
    apart += staged(alone.attempt, part);
    together += staged(after_others.attempt, part);
    EXPECT_EQ(after_others.bytes_read, alone.bytes_read);
  }
  EXPECT_FALSE(apart.empty());
  EXPECT_TRUE(together == apart);
  // The index, and twice some pages of records: not three times for each of 600 segments.
  EXPECT_LT(files.opened(), 4 * outputs.size());
}

TEST_F(GatheredReduce, KeepsNothingInTheWayOfAMap) {
  const LocalSegment output = map_lines(job_info<ListLines>(), 100, 1);
  CountingFileSystem files;
  io::KeptRuns kept(files);
  Plan reduce{.job = &job_info<ListLines>(),
              .stage = Stage::kReduce,
              .segments = {output, output},
              .partitions = 1};
  reduce.list = make_segment_list(reduce.segments);
  reduce.kept_runs = &kept;
  ASSERT_TRUE(run(files, reduce).ok());
  const std::size_t opened = files.opened();
  ASSERT_TRUE(run(files, reduce).ok());
  EXPECT_EQ(files.opened(), opened);
  Plan map{.job = &job_info<ListLines>(), .inputs = {input("more", "a b\n")}};
  map.kept_runs = &kept;
  ASSERT_TRUE(run(map).ok());
  ASSERT_TRUE(run(files, reduce).ok());
  EXPECT_EQ(files.opened(), 2 * opened);
}

TEST_F(GatheredReduce, DoesNotBelieveAWrongNumberOfRecords) {
  const LocalSegment output = map_lines(job_info<ListLines>(), 50, 1);
  const Run source{.outcome = {}, .attempt = output.output.attempt};
  for (const std::int64_t more : {-1, 1}) {
    std::vector<LocalSegment> segments = {fetched(source, 0, 0), fetched(source, 1, 0)};
    segments[1].segment.summary.records += static_cast<std::uint64_t>(more);
    const Run done = run({.job = &job_info<ListLines>(),
                          .stage = Stage::kReduce,
                          .segments = segments,
                          .partitions = 1});
    ASSERT_FALSE(done.ok());
    EXPECT_EQ(done.failure().kind, FailureKind::kFetch);
    ASSERT_EQ(done.failure().lost_outputs.size(), 1u);
    EXPECT_EQ(done.failure().lost_outputs[0].split, 1u);
  }
}

FoundSegment of_size(std::uint64_t raw, std::uint64_t records) {
  FoundSegment found;
  found.segment.stored_bytes = raw;
  found.segment.raw_bytes = raw;
  found.segment.summary.records = records;
  return found;
}

TEST(CountToGather, TakesSmallNeighboursWithinTheMemoryOfOneSource) {
  const std::vector<FoundSegment> tiny(10'000, of_size(100, 2));
  const std::size_t taken = count_to_gather(tiny);
  EXPECT_GT(taken, 1000u);
  EXPECT_LE(taken * (2 * 100 + 2 * 32), 768u << 10);
  const std::vector<FoundSegment> mixed = {of_size(100, 2), of_size(5000, 50), of_size(1 << 20, 9),
                                           of_size(100, 2)};
  EXPECT_EQ(count_to_gather(mixed), 2u);
  EXPECT_EQ(count_to_gather(std::span(mixed).subspan(2)), 0u);
  EXPECT_EQ(count_to_gather({}), 0u);
}

TEST(CountToGather, IsNotMisledByNumbersThatCannotBe) {
  constexpr std::uint64_t kHuge = ~std::uint64_t{0};
  for (const auto& [raw, records] :
       std::vector<std::pair<std::uint64_t, std::uint64_t>>{{kHuge, 1}, {100, kHuge}, {100, 101}}) {
    const std::vector<FoundSegment> segments(3, of_size(raw, records));
    EXPECT_EQ(count_to_gather(segments), 0u);
  }
}

}  // namespace
}  // namespace fanfold::worker
