// Reduce tasks: the same result from local files and fetched segments, in much memory and little.

#include <filesystem>
#include <sstream>

#include "tests/exec/exec_fixture.hpp"
#include "tests/exec/wrapped_file_system.hpp"

namespace fanfold::worker {
namespace {

class ReduceTask : public ExecFixture {
 protected:
  static constexpr std::uint32_t kPartitions = 3;

  /// Map outputs of so many splits.
  std::vector<Run> map_splits(const abi::JobInfo& job, std::size_t splits, std::size_t lines,
                              std::uint64_t vocabulary) {
    std::vector<Run> maps;
    for (std::size_t i = 0; i < splits; ++i) {
      const std::string text = text_of(i, lines, vocabulary);
      all_text_ += text;
      maps.push_back(run({.job = &job, .inputs = {input("split" + std::to_string(i), text)}}));
      EXPECT_TRUE(maps.back().ok()) << maps.back().failure().message;
    }
    return maps;
  }
  std::vector<LocalSegment> all_local(const std::vector<Run>& maps) {
    std::vector<LocalSegment> segments;
    for (const Run& map : maps) {
      segments.push_back(local(map, static_cast<std::uint32_t>(segments.size())));
    }
    return segments;
  }
  std::vector<LocalSegment> all_fetched(const std::vector<Run>& maps, std::uint32_t partition) {
    std::vector<LocalSegment> segments;
    for (const Run& map : maps) {
      segments.push_back(fetched(map, static_cast<std::uint32_t>(segments.size()), partition));
    }
    return segments;
  }
  Plan reduce(const abi::JobInfo& job, std::vector<LocalSegment> segments,
              std::uint32_t partition) {
    return {.job = &job,
            .stage = Stage::kReduce,
            .segments = std::move(segments),
            .index = partition,
            .partitions = kPartitions};
  }
  static std::string part(std::uint32_t index) {
    return "part-0000" + std::to_string(index) + "-of-00003";
  }
  std::string part_of(const Run& done, std::uint32_t index) {
    EXPECT_TRUE(done.ok()) << done.failure().message;
    return done.ok() ? staged(done.attempt, part(index)) : "";
  }

  std::string all_text_;
};

TEST_F(ReduceTask, AddsUpWhatTheMapsCounted) {
  const std::vector<Run> maps = map_splits(job_info<CountWords>(), 5, 500, 300);
  std::map<std::string, std::uint64_t> counts;
  for (std::uint32_t i = 0; i < kPartitions; ++i) {
    std::istringstream lines(part_of(run(reduce(job_info<CountWords>(), all_local(maps), i)), i));
    std::string word;
    std::string last;
    for (std::uint64_t count = 0; lines >> word >> count; last = word) {
      EXPECT_LT(last, word);
      counts[word] = count;
    }
  }
  EXPECT_EQ(counts, count_words(all_text_));
}

TEST_F(ReduceTask, ReportsWhatItReadAndWrote) {
  const std::vector<Run> maps = map_splits(job_info<ListLines>(), 2, 100, 10);
  std::uint64_t records_in = 0;
  for (std::uint32_t i = 0; i < kPartitions; ++i) {
    const Run done = run(reduce(job_info<ListLines>(), all_local(maps), i));
    ASSERT_TRUE(done.ok()) << done.failure().message;
    std::uint64_t stored = 0;
    for (const Run& map : maps) {
      stored +=
          io::find_segment(io::posix_file_system(), output_path(map.attempt), i)->stored_bytes;
    }
    EXPECT_EQ(done.report().bytes_in, stored);
    EXPECT_EQ(done.bytes_read, stored);
    const std::string text = part_of(done, i);
    EXPECT_EQ(done.report().bytes_out, text.size());
    EXPECT_EQ(done.report().records_out,
              static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')));
    EXPECT_EQ(done.report().records_out, done.report().records_in);
    ASSERT_EQ(done.report().files.size(), 1u);
    EXPECT_EQ(done.report().files[0].name, part(i));
    EXPECT_EQ(done.report().files[0].bytes, text.size());
    const auto digest = io::digest_file(
        io::posix_file_system(),
        directory_.path("staging/" + std::to_string(done.attempt.value) + "/" + part(i)));
    ASSERT_TRUE(digest.ok());
    EXPECT_EQ(done.report().files[0].checksum, digest->checksum);
    records_in += done.report().records_in;
  }
  EXPECT_EQ(records_in, 200u);
}

TEST_F(ReduceTask, GivesTheSameFromFetchedSegmentsAsFromLocalFiles) {
  const std::vector<Run> maps = map_splits(job_info<ListLines>(), 4, 3000, 50);
  for (std::uint32_t i = 0; i < kPartitions; ++i) {
    const std::vector<LocalSegment> here = all_local(maps);
    const std::vector<LocalSegment> there = all_fetched(maps, i);
    const std::vector<LocalSegment> mixed = {here[0], there[1], there[2], here[3]};
    const std::string expected = part_of(run(reduce(job_info<ListLines>(), here, i)), i);
    EXPECT_FALSE(expected.empty());
    EXPECT_TRUE(part_of(run(reduce(job_info<ListLines>(), there, i)), i) == expected);
    EXPECT_TRUE(part_of(run(reduce(job_info<ListLines>(), mixed, i)), i) == expected);
  }
}

TEST_F(ReduceTask, MergesManySegmentsInLittleMemoryIntoTheSameBytes) {
  // Too large to be gathered.
  const std::vector<Run> maps = map_splits(job_info<ListLines>(), 60, 16'000, 30);
  Plan plan = reduce(job_info<ListLines>(), all_local(maps), 1);
  const Run roomy = run(plan);
  plan.memory_bytes = kTiny;
  const Run tight = run(plan);
  ASSERT_TRUE(tight.ok()) << tight.failure().message;
  EXPECT_EQ(roomy.report().spills, 0u);
  EXPECT_GT(tight.report().spills, 10u);
  EXPECT_TRUE(left_by(tight.attempt).empty());
  EXPECT_TRUE(part_of(tight, 1) == part_of(roomy, 1));
  EXPECT_EQ(tight.report().records_in, roomy.report().records_in);
}

TEST_F(ReduceTask, LeavesNothingInItsScratchDirectory) {
  const std::vector<Run> maps = map_splits(job_info<ListLines>(), 2, 200, 30);
  LocalSegment there = fetched(maps[1], 1, 0);
  const AttemptId next{attempts_ + 1};
  std::filesystem::create_directories(scratch(next));
  std::filesystem::rename(there.path, scratch(next) + "/fetched-0.blocks");
  there.path = scratch(next) + "/fetched-0.blocks";
  const Run done = run(reduce(job_info<ListLines>(), {local(maps[0], 0), there}, 0));
  ASSERT_TRUE(done.ok()) << done.failure().message;
  ASSERT_EQ(done.attempt, next);
  EXPECT_FALSE(std::filesystem::exists(scratch(next)));
  EXPECT_TRUE(std::filesystem::exists(output_path(maps[0].attempt)));
}

TEST_F(ReduceTask, FoldsWhileItMergesInLittleMemory) {
  const std::vector<Run> maps = map_splits(job_info<LongestLine>(), 30, 8000, 30'000);
  Plan plan = reduce(job_info<LongestLine>(), all_local(maps), 2);
  const Run roomy = run(plan);
  plan.memory_bytes = kTiny;
  const Run tight = run(plan);
  EXPECT_GT(tight.report().spills, 0u);
  EXPECT_FALSE(part_of(roomy, 2).empty());
  EXPECT_TRUE(part_of(tight, 2) == part_of(roomy, 2));
}

TEST_F(ReduceTask, KeepsNoMoreFilesOpenThanItsMemoryAllows) {
  const std::vector<Run> maps = map_splits(job_info<ListLines>(), 100, 20, 30);
  Plan plan = reduce(job_info<ListLines>(), all_local(maps), 0);
  plan.memory_bytes = kTiny;
  CountingFileSystem files;
  const Run done = run(files, plan);
  ASSERT_TRUE(done.ok()) << done.failure().message;
  EXPECT_LE(files.most_open(), 6u);
  EXPECT_EQ(files.open_now(), 0u);
}

TEST_F(ReduceTask, PassesOverMapsThatHaveNothingForIt) {
  const Run one = run({.job = &job_info<ListLines>(), .inputs = {input("a", "only 1\n")}});
  const Run two = run({.job = &job_info<ListLines>(), .inputs = {input("b", "only 2\n")}});
  std::string all;
  for (std::uint32_t i = 0; i < kPartitions; ++i) {
    all += part_of(run(reduce(job_info<ListLines>(), all_local({one, two}), i)), i);
  }
  EXPECT_EQ(all, "only\tonly 1\nonly\tonly 2\n");
}

TEST_F(ReduceTask, LeavesAnEmptyPartWhenItHasNoInput) {
  const Run done = run(reduce(job_info<CountWords>(), {}, 2));
  ASSERT_TRUE(done.ok()) << done.failure().message;
  EXPECT_EQ(part_of(done, 2), "");
  ASSERT_EQ(done.report().files.size(), 1u);
  EXPECT_EQ(done.report().files[0].records, 0u);
}

// ---- inputs that cannot be read ----------------------------------------------------------------

class DamagedInput : public ReduceTask {
 protected:
  DamagedInput() : maps_(map_splits(job_info<ListLines>(), 3, 2000, 50)) {}

  void expect_lost(const Run& done, const Run& map, std::uint32_t split) {
    EXPECT_FALSE(done.ok());
    EXPECT_EQ(done.failure().kind, FailureKind::kFetch) << done.failure().message;
    ASSERT_EQ(done.failure().lost_outputs.size(), 1u);
    EXPECT_EQ(done.failure().lost_outputs[0].attempt, map.attempt);
    EXPECT_EQ(done.failure().lost_outputs[0].split, split);
  }
  static void flip(const std::string& path, std::uint64_t offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(offset));
    const char byte = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(byte ^ 0x20));
    file.close();
    FANFOLD_CHECK(file.good());
  }

  const std::vector<Run> maps_;
};

TEST_F(DamagedInput, IsNamedWhenABlockDoesNotMatchItsChecksum) {
  const std::string path = output_path(maps_[1].attempt);
  const auto segment = io::find_segment(io::posix_file_system(), path, 1);
  ASSERT_TRUE(segment.ok());
  flip(path, segment->offset + segment->stored_bytes - 10);
  const Run done = run(reduce(job_info<ListLines>(), all_local(maps_), 1));
  expect_lost(done, maps_[1], 1);
  EXPECT_NE(done.failure().message.find(path), std::string::npos) << done.failure().message;
}

TEST_F(DamagedInput, IsNamedWhenItsIndexIsCut) {
  const std::string path = output_path(maps_[2].attempt);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 5);
  expect_lost(run(reduce(job_info<ListLines>(), all_local(maps_), 0)), maps_[2], 2);
}

TEST_F(DamagedInput, IsNamedWhenItIsEmpty) {
  std::filesystem::resize_file(output_path(maps_[0].attempt), 0);
  expect_lost(run(reduce(job_info<ListLines>(), all_local(maps_), 0)), maps_[0], 0);
}

TEST_F(DamagedInput, IsNamedWhenItIsGone) {
  std::filesystem::remove(output_path(maps_[0].attempt));
  const Run done = run(reduce(job_info<ListLines>(), all_local(maps_), 0));
  expect_lost(done, maps_[0], 0);
}

TEST_F(DamagedInput, IsNamedTogetherWithAllOthersBeforeAnythingIsDone) {
  std::filesystem::remove(output_path(maps_[0].attempt));
  std::filesystem::resize_file(output_path(maps_[2].attempt), 3);
  const Run done = run(reduce(job_info<ListLines>(), all_local(maps_), 0));
  EXPECT_EQ(done.failure().kind, FailureKind::kFetch);
  ASSERT_EQ(done.failure().lost_outputs.size(), 2u);
  EXPECT_EQ(done.failure().lost_outputs[0].attempt, maps_[0].attempt);
  EXPECT_EQ(done.failure().lost_outputs[1].attempt, maps_[2].attempt);
  EXPECT_FALSE(
      std::filesystem::exists(directory_.path("staging/" + std::to_string(done.attempt.value))));
}

TEST_F(DamagedInput, IsNamedWhenAFetchedSegmentIsDamaged) {
  std::vector<LocalSegment> segments = all_fetched(maps_, 2);
  flip(segments[1].path, segments[1].segment.stored_bytes / 2);
  expect_lost(run(reduce(job_info<ListLines>(), segments, 2)), maps_[1], 1);
}

TEST_F(DamagedInput, IsNamedWhenAFetchedSegmentIsShort) {
  std::vector<LocalSegment> segments = all_fetched(maps_, 2);
  std::filesystem::resize_file(segments[2].path, segments[2].segment.stored_bytes - 1);
  expect_lost(run(reduce(job_info<ListLines>(), segments, 2)), maps_[2], 2);
}

TEST_F(DamagedInput, IsNamedWhateverByteIsDamaged) {
  // Each byte of the segment or of the index, one at a time: found, never believed.
  const Run map = run(
      {.job = &job_info<ListLines>(), .inputs = {input("a", text_of(9, 6, 2))}, .partitions = 1});
  ASSERT_TRUE(map.ok());
  Plan plan = reduce(job_info<ListLines>(), {local(map, 0)}, 0);
  plan.partitions = 1;
  const std::string path = output_path(map.attempt);
  const Run undamaged = run(plan);
  ASSERT_TRUE(undamaged.ok());
  const std::string expected = staged(undamaged.attempt, "part-00000-of-00001");
  const std::uint64_t size = std::filesystem::file_size(path);
  std::uint64_t harmless = 0;
  for (std::uint64_t offset = 0; offset < size; ++offset) {
    flip(path, offset);
    const Run done = run(plan);
    flip(path, offset);
    if (done.ok()) {
      // A byte that nothing depends on, or the check would be for nothing.
      EXPECT_TRUE(staged(done.attempt, "part-00000-of-00001") == expected) << "byte " << offset;
      ++harmless;
    } else {
      expect_lost(done, map, 0);
    }
  }
  EXPECT_LE(harmless, 8u) << "of " << size << " bytes";
}

}  // namespace
}  // namespace fanfold::worker
