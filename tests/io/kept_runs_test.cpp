// What is kept of run files gives the same as the files, with fewer looks at them.

#include "common/io/kept_runs.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <random>

#include "tests/exec/wrapped_file_system.hpp"
#include "tests/io/temporary_directory.hpp"

namespace fanfold::io {
namespace {

using worker::CountingFileSystem;

class KeptRunsTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kPlenty = 1u << 30;

  /// `gaps`: of so many partitions one has records, at random.
  std::string write_run(const std::string& name, std::uint32_t partitions, std::uint32_t gaps,
                        std::size_t largest = 300) {
    const std::string path = directory_.path(name);
    auto writer = create_run_file(posix_file_system(), path, BlockCompression::kLz4);
    EXPECT_TRUE(writer.ok());
    for (std::uint32_t partition = 0; partition < partitions; ++partition) {
      if (random_() % gaps != 0) continue;
      for (std::uint64_t blocks = 1 + random_() % 3; blocks > 0; --blocks) {
        std::string block;
        // Alike enough for LZ4, when there is enough of it.
        const std::size_t size = 1 + random_() % largest;
        while (block.size() < size) block += "word" + std::to_string(random_() % 20);
        const abi::BlockSummary summary{1, random_(), random_()};
        EXPECT_TRUE((*writer)->write(partition, block, summary).ok());
      }
    }
    EXPECT_TRUE((*writer)->finish().ok());
    return path;
  }

  std::string raw_bytes(const std::string& path, const Segment& segment) {
    std::string all;
    auto reader = open_segment(posix_file_system(), path, segment);
    EXPECT_TRUE(reader.ok());
    for (;;) {
      const auto block = (*reader)->next();
      EXPECT_TRUE(block.ok());
      if (!block.ok() || block->empty()) return all;
      all += *block;
    }
  }

  void expect_as_in_file(KeptRuns& kept, std::size_t file, const std::string& path,
                         std::uint32_t partition) {
    SCOPED_TRACE("partition " + std::to_string(partition));
    const auto expected = find_segment(posix_file_system(), path, partition);
    const auto found = kept.find(file, path, partition);
    ASSERT_TRUE(expected.ok() && found.ok());
    ASSERT_EQ(found->partition, partition);
    ASSERT_EQ(found->offset, expected->offset);
    ASSERT_EQ(found->stored_bytes, expected->stored_bytes);
    ASSERT_EQ(found->summary.exclusive_or, expected->summary.exclusive_or);
    Buffer raw;
    if (found->stored_bytes > 0) {
      kept.prefetch(file, *found);
      ASSERT_TRUE(kept.append(file, path, *found, &raw).ok());
    }
    ASSERT_EQ(raw.view(), found->stored_bytes > 0 ? raw_bytes(path, *expected) : "");
  }

  std::shared_ptr<const int> some_list() { return std::make_shared<const int>(0); }

  TemporaryDirectory directory_;
  std::mt19937_64 random_{5};
  CountingFileSystem files_;
};

TEST_F(KeptRunsTest, GivesWhatTheFilesHoldInWhateverOrderItIsAsked) {
  const std::vector<std::string> paths = {write_run("dense", 700, 1), write_run("sparse", 700, 20),
                                          write_run("few", 700, 200),
                                          write_run("large", 90, 2, 9000), write_run("none", 0, 1)};
  for (const std::uint64_t memory : {kPlenty, std::uint64_t{20} << 10, std::uint64_t{0}}) {
    KeptRuns kept(files_);
    kept.begin(some_list(), paths.size(), memory);
    for (std::uint32_t partition = 0; partition < 720; partition += 3) {
      for (std::size_t file = 0; file < paths.size(); ++file) {
        kept.prefetch(file, partition);
        expect_as_in_file(kept, file, paths[file], partition);
      }
    }
    for (int i = 0; i < 500; ++i) {
      const std::size_t file = random_() % paths.size();
      expect_as_in_file(kept, file, paths[file], static_cast<std::uint32_t>(random_() % 720));
    }
  }
  EXPECT_EQ(files_.open_now(), 0u);
}

TEST_F(KeptRunsTest, OpensAFileOnceForManySegments) {
  constexpr std::uint32_t kPartitions = 2000;
  const std::string path = write_run("run", kPartitions, 1);
  KeptRuns kept(files_);
  kept.begin(some_list(), 1, kPlenty);
  for (std::uint32_t partition = 0; partition < kPartitions; partition += 2) {
    expect_as_in_file(kept, 0, path, partition);
  }
  EXPECT_LT(files_.opened(), kPartitions / 50);
}

TEST_F(KeptRunsTest, ReadsOnlyWhatItIsAskedForWhenThatIsAllItUses) {
  const std::string path = write_run("run", 3000, 1);
  KeptRuns kept(files_);
  kept.begin(some_list(), 1, kPlenty);
  const std::uint64_t before = files_.bytes_read();
  // One in a hundred, as one of many executors has it.
  for (std::uint32_t partition = 0; partition < 3000; partition += 100) {
    expect_as_in_file(kept, 0, path, partition);
  }
  EXPECT_LT(files_.bytes_read() - before, 30u * 5000);
}

TEST_F(KeptRunsTest, KeepsNothingThatIsLargerThanItsShareOfTheMemory) {
  const std::string path = write_run("run", 40, 1, 9000);
  KeptRuns kept(files_);
  // Of two windows, 2 KiB each; and none.
  for (const std::uint64_t memory : {std::uint64_t{4096}, std::uint64_t{0}}) {
    kept.begin(some_list(), 1, memory);
    std::size_t large = 0;
    for (std::uint32_t partition = 0; partition < 40; ++partition) {
      const auto segment = kept.find(0, path, partition);
      ASSERT_TRUE(segment.ok());
      if (segment->stored_bytes <= memory / 2) continue;
      ++large;
      for (int again = 0; again < 2; ++again) {
        const std::size_t opened = files_.opened();
        Buffer raw;
        ASSERT_TRUE(kept.append(0, path, *segment, &raw).ok());
        EXPECT_EQ(files_.opened(), opened + 1) << "partition " << partition;
      }
    }
    EXPECT_GT(large, 5u);
  }
}

TEST_F(KeptRunsTest, ForgetsAnotherListAndKeepsItsOwn) {
  const std::string first = write_run("first", 100, 1);
  const std::string second = write_run("second", 100, 3);
  const auto list = some_list();
  KeptRuns kept(files_);
  kept.begin(list, 1, kPlenty);
  expect_as_in_file(kept, 0, first, 7);
  const std::size_t opened = files_.opened();
  kept.begin(list, 1, kPlenty);
  expect_as_in_file(kept, 0, first, 8);
  EXPECT_EQ(files_.opened(), opened);
  // The same number is another file now.
  kept.begin(some_list(), 1, kPlenty);
  expect_as_in_file(kept, 0, second, 9);
  kept.begin(nullptr, 1, kPlenty);
  expect_as_in_file(kept, 0, first, 9);
  kept.begin(nullptr, 1, kPlenty);
  expect_as_in_file(kept, 0, second, 9);
}

TEST_F(KeptRunsTest, NamesWhatIsDamaged) {
  const std::string path = write_run("run", 10, 1);
  const auto segment = find_segment(files_, path, 4);
  ASSERT_TRUE(segment.ok());
  const std::uint64_t size = std::filesystem::file_size(path);
  std::size_t found = 0;
  for (std::uint64_t offset = 0; offset < size; ++offset) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto flip = [&] {
      file.seekg(static_cast<std::streamoff>(offset));
      const char byte = static_cast<char>(file.get());
      file.seekp(static_cast<std::streamoff>(offset));
      file.put(static_cast<char>(byte ^ 1));
      file.flush();
    };
    flip();
    KeptRuns kept(files_);
    kept.begin(some_list(), 1, kPlenty);
    Buffer raw;
    const auto entry = kept.find(0, path, 4);
    Status status = entry.status();
    if (entry.ok()) status = kept.append(0, path, *entry, &raw);
    const bool inside =
        offset >= segment->offset && offset < segment->offset + segment->stored_bytes;
    if (inside) {
      EXPECT_EQ(status.code(), StatusCode::kCorruption) << "byte " << offset;
    }
    if (!status.ok()) {
      ++found;
      EXPECT_NE(status.message().find(path), std::string::npos) << status.message();
    }
    flip();
  }
  // Those of the segment, of its entry and of the footer.
  EXPECT_GE(found, segment->stored_bytes + 64 + 32);
  std::filesystem::resize_file(path, segment->offset + 10);
  KeptRuns kept(files_);
  kept.begin(some_list(), 1, kPlenty);
  Buffer raw;
  EXPECT_EQ(kept.find(0, path, 4).status().code(), StatusCode::kCorruption);
  EXPECT_EQ(kept.append(0, path, *segment, &raw).code(), StatusCode::kCorruption);
  std::filesystem::remove(path);
  kept.begin(some_list(), 1, kPlenty);
  EXPECT_EQ(kept.find(0, path, 4).status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace fanfold::io
