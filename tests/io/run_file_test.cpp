// Run files: what goes in comes out; whatever else the bytes are, the answer is kCorruption.

#include "common/io/run_file.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "common/io/run_format.hpp"
#include "tests/io/temporary_directory.hpp"

namespace fanfold::io {
namespace {

using Blocks = std::vector<std::pair<std::uint32_t, std::string>>;

std::string random_bytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::string text_like(std::mt19937_64& random, std::size_t size) {
  std::string bytes;
  while (bytes.size() < size) bytes += "word" + std::to_string(random() % 50) + " ";
  bytes.resize(size);
  return bytes;
}

std::vector<Segment> write_run(const std::string& path, const Blocks& blocks,
                               BlockCompression compression = BlockCompression::kLz4) {
  auto writer = create_run_file(posix_file_system(), path, compression);
  EXPECT_TRUE(writer.ok()) << writer.status().message();
  std::uint64_t records = 0;
  for (const auto& [partition, bytes] : blocks) {
    ++records;
    const abi::BlockSummary summary{records, records * 1000, records * 7};
    EXPECT_TRUE((*writer)->write(partition, bytes, summary).ok());
  }
  EXPECT_TRUE((*writer)->finish().ok());
  EXPECT_EQ((*writer)->file_bytes(), std::filesystem::file_size(path));
  return (*writer)->segments();
}

/// Every block of every partition, or the first error.
Result<Blocks> read_run(const std::string& path) {
  FileSystem& files = posix_file_system();
  FANFOLD_ASSIGN_OR_RETURN(const std::vector<Segment> segments, read_run_index(files, path));
  Blocks blocks;
  for (const Segment& segment : segments) {
    FANFOLD_ASSIGN_OR_RETURN(const auto reader, open_segment(files, path, segment));
    while (true) {
      FANFOLD_ASSIGN_OR_RETURN(const std::string_view block, reader->next());
      if (block.empty()) break;
      blocks.emplace_back(segment.partition, block);
    }
  }
  return blocks;
}

void expect_same(const Segment& a, const Segment& b) {
  EXPECT_EQ(a.partition, b.partition);
  EXPECT_EQ(a.offset, b.offset);
  EXPECT_EQ(a.stored_bytes, b.stored_bytes);
  EXPECT_EQ(a.raw_bytes, b.raw_bytes);
  EXPECT_EQ(a.largest_block, b.largest_block);
  EXPECT_EQ(a.summary.records, b.summary.records);
  EXPECT_EQ(a.summary.sum, b.summary.sum);
  EXPECT_EQ(a.summary.exclusive_or, b.summary.exclusive_or);
}

TEST(RunFile, GivesBackEveryBlockOfEveryPartition) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Blocks blocks;
    std::uint32_t partition = 0;
    for (std::uint64_t i = random() % 40; i > 0; --i) {
      partition += static_cast<std::uint32_t>(random() % 3);
      const std::size_t size = 1 + random() % (i % 5 == 0 ? 300'000 : 500);
      blocks.emplace_back(partition,
                          i % 2 == 0 ? random_bytes(random, size) : text_like(random, size));
    }
    const TemporaryDirectory directory;
    const auto compression = seed % 2 == 0 ? BlockCompression::kLz4 : BlockCompression::kNone;
    const auto segments = write_run(directory.path("run"), blocks, compression);
    const auto read = read_run(directory.path("run"));
    ASSERT_TRUE(read.ok()) << read.status().message();
    EXPECT_EQ(*read, blocks);
    const auto index = read_run_index(posix_file_system(), directory.path("run"));
    ASSERT_EQ(index->size(), segments.size());
    for (std::size_t i = 0; i < segments.size(); ++i) expect_same((*index)[i], segments[i]);
  }
}

TEST(RunFile, KeepsBlocksAsTheyAreWhileWritingIsFast) {
  std::mt19937_64 random(22);
  Blocks blocks;
  for (int i = 0; i < 4; ++i) blocks.emplace_back(i, text_like(random, 200'000));
  const TemporaryDirectory directory;
  // Four writes are too few to call a file slow, however long they took.
  const auto raw = write_run(directory.path("raw"), blocks, BlockCompression::kLz4IfSlow);
  const auto small = write_run(directory.path("small"), blocks, BlockCompression::kLz4);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(raw[i].stored_bytes, kBlockHeaderBytes + blocks[i].second.size());
    EXPECT_LT(small[i].stored_bytes, raw[i].stored_bytes / 2);
  }
  EXPECT_EQ(*read_run(directory.path("raw")), blocks);
  EXPECT_EQ(*read_run(directory.path("small")), blocks);
}

/// A file that takes its time, says so, and keeps what it is given.
class SlowFile final : public WritableFile {
 public:
  explicit SlowFile(std::unique_ptr<WritableFile> file) : file_(std::move(file)) {}
  Status append(std::string_view bytes) override { return file_->append(bytes); }
  Status sync() override { return file_->sync(); }
  Status close() override { return file_->close(); }
  bool slow() const override { return true; }

 private:
  std::unique_ptr<WritableFile> file_;
};

TEST(RunFile, CompressesBlocksWhileWritingIsSlow) {
  std::mt19937_64 random(23);
  const TemporaryDirectory directory;
  auto file = posix_file_system().create(directory.path("run"));
  ASSERT_TRUE(file.ok());
  const auto writer = make_run_file_writer(std::make_unique<SlowFile>(*std::move(file)),
                                           BlockCompression::kLz4IfSlow);
  const Blocks blocks = {{0, text_like(random, 200'000)}, {1, text_like(random, 200'000)}};
  for (const auto& [partition, bytes] : blocks) {
    ASSERT_TRUE(writer->write(partition, bytes, {1, 2, 3}).ok());
  }
  ASSERT_TRUE(writer->finish().ok());
  for (const Segment& segment : writer->segments()) {
    EXPECT_LT(segment.stored_bytes, segment.raw_bytes / 2);
  }
  EXPECT_EQ(*read_run(directory.path("run")), blocks);
}

TEST(RunFile, StopsTryingToCompressWhatDoesNotShrinkButNotForEver) {
  std::mt19937_64 random(24);
  Blocks blocks;
  for (std::uint32_t i = 0; i < 100; ++i) {
    blocks.emplace_back(i, i < 50 ? random_bytes(random, 2000) : text_like(random, 2000));
  }
  const TemporaryDirectory directory;
  const auto segments = write_run(directory.path("run"), blocks);
  EXPECT_LT(segments.back().stored_bytes, segments.back().raw_bytes / 2);
  EXPECT_EQ(*read_run(directory.path("run")), blocks);
}

TEST(RunFile, AddsUpBlocksIntoSegments) {
  const TemporaryDirectory directory;
  const auto segments = write_run(directory.path("run"), {{2, "aaa"}, {2, "bbbbb"}, {7, "c"}},
                                  BlockCompression::kNone);
  ASSERT_EQ(segments.size(), 2u);
  EXPECT_EQ(segments[0].partition, 2u);
  EXPECT_EQ(segments[0].raw_bytes, 8u);
  EXPECT_EQ(segments[0].largest_block, 5u);
  EXPECT_EQ(segments[0].summary.records, 3u);
  EXPECT_EQ(segments[0].summary.sum, 3000u);
  EXPECT_EQ(segments[0].summary.exclusive_or, 7u ^ 14u);
  EXPECT_EQ(segments[1].offset, segments[0].stored_bytes);
}

TEST(RunFile, FindsOneSegmentWhateverOthersThereAre) {
  for (const std::uint32_t step : {1u, 3u, 10u}) {
    for (const std::uint32_t count : {0u, 1u, 2u, 50u, 3000u}) {
      const TemporaryDirectory directory;
      Blocks blocks;
      for (std::uint32_t i = 0; i < count; ++i) {
        blocks.emplace_back(i * step, "block " + std::to_string(i));
      }
      const auto segments = write_run(directory.path("run"), blocks);
      std::map<std::uint32_t, Segment> by_partition;
      for (const Segment& segment : segments) by_partition[segment.partition] = segment;
      const std::uint32_t stride = count > 100 ? 17 : 1;
      for (std::uint32_t wanted = 0; wanted <= count * step + 1; wanted += stride) {
        const auto found = find_segment(posix_file_system(), directory.path("run"), wanted);
        ASSERT_TRUE(found.ok()) << found.status().message();
        if (by_partition.contains(wanted)) {
          expect_same(*found, by_partition[wanted]);
        } else {
          EXPECT_EQ(found->partition, wanted);
          EXPECT_EQ(found->summary.records, 0u);
          EXPECT_EQ(found->stored_bytes, 0u);
        }
      }
    }
  }
}

TEST(RunFile, KeepsCompressionOnlyWhereItPays) {
  std::mt19937_64 random(1);
  const TemporaryDirectory directory;
  const auto segments = write_run(
      directory.path("run"), {{0, random_bytes(random, 100'000)}, {1, text_like(random, 100'000)}});
  EXPECT_EQ(segments[0].stored_bytes, 100'000 + kBlockHeaderBytes);
  EXPECT_LT(segments[1].stored_bytes, 88'000u);
}

TEST(RunFile, ReadsAFetchedSegmentFromAFileOfItsOwn) {
  std::mt19937_64 random(1);
  const TemporaryDirectory directory;
  const std::string first = text_like(random, 70'000);
  const std::string second = random_bytes(random, 90'000);
  write_run(directory.path("run"), {{0, "other"}, {1, first}, {1, second}, {2, "other"}});
  Segment segment = *find_segment(posix_file_system(), directory.path("run"), 1);
  directory.write("fetched", directory.read("run").substr(segment.offset, segment.stored_bytes));
  segment.offset = 0;
  auto reader = open_segment(posix_file_system(), directory.path("fetched"), segment);
  ASSERT_TRUE(reader.ok()) << reader.status().message();
  EXPECT_EQ(*(*reader)->next(), first);
  EXPECT_EQ(*(*reader)->next(), second);
  EXPECT_EQ(*(*reader)->next(), "");
  EXPECT_EQ(*(*reader)->next(), "");
}

TEST(RunFile, HoldsOneRecordOfTheLargestSizeAndRefusesMore) {
  const TemporaryDirectory directory;
  const std::string largest(limits::kRecordBytes + 16, 'x');
  write_run(directory.path("run"), {{0, largest}});
  const auto read = read_run(directory.path("run"));
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->front().second, largest);

  auto writer =
      create_run_file(posix_file_system(), directory.path("more"), BlockCompression::kNone);
  const Status status = (*writer)->write(0, std::string(kRawBlockBytesMax + 1, 'x'), {});
  EXPECT_EQ(status.code(), StatusCode::kExhausted);
}

TEST(RunFile, IsEmptyWithoutBlocks) {
  const TemporaryDirectory directory;
  write_run(directory.path("run"), {});
  EXPECT_TRUE(read_run(directory.path("run"))->empty());
}

TEST(RunFile, NeverReadsAnUnfinishedFile) {
  const TemporaryDirectory directory;
  auto writer = create_run_file(posix_file_system(), directory.path("run"), BlockCompression::kLz4);
  ASSERT_TRUE((*writer)->write(0, std::string(3u << 20, 'x'), {}).ok());
  writer->reset();
  const auto index = read_run_index(posix_file_system(), directory.path("run"));
  EXPECT_EQ(index.status().code(), StatusCode::kCorruption);
  EXPECT_NE(index.status().message().find(directory.path("run")), std::string::npos);
}

/// A small file with everything in it: stored and compressed blocks, several partitions.
Blocks small_blocks() {
  return {
      {0, "stored as it is"}, {0, std::string(200, 'z')}, {3, "abc"}, {4, std::string(99, 'y')}};
}

void expect_corruption_or_same(const TemporaryDirectory& directory, const std::string& bytes,
                               const std::string& what) {
  directory.write("damaged", bytes);
  const auto read = read_run(directory.path("damaged"));
  if (read.ok()) {
    ASSERT_EQ(*read, small_blocks()) << what;
  } else {
    ASSERT_EQ(read.status().code(), StatusCode::kCorruption) << what;
  }
  for (std::uint32_t partition = 0; partition < 6; ++partition) {
    const auto found = find_segment(posix_file_system(), directory.path("damaged"), partition);
    if (!found.ok()) {
      ASSERT_EQ(found.status().code(), StatusCode::kCorruption) << what;
    }
  }
}

TEST(RunFile, NoticesEveryFlippedBit) {
  const TemporaryDirectory directory;
  write_run(directory.path("run"), small_blocks());
  const std::string whole = directory.read("run");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      directory.write("damaged", bytes);
      const auto read = read_run(directory.path("damaged"));
      ASSERT_EQ(read.status().code(), StatusCode::kCorruption) << "byte " << at << " bit " << bit;
    }
  }
}

TEST(RunFile, NoticesEveryTruncationAndEveryAddition) {
  const TemporaryDirectory directory;
  write_run(directory.path("run"), small_blocks());
  const std::string whole = directory.read("run");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    directory.write("damaged", whole.substr(0, size));
    ASSERT_EQ(read_run(directory.path("damaged")).status().code(), StatusCode::kCorruption);
    directory.write("damaged", whole.substr(size));
    if (size != 0) {
      ASSERT_EQ(read_run(directory.path("damaged")).status().code(), StatusCode::kCorruption);
    }
  }
}

TEST(RunFile, SurvivesAnyBytes) {
  const TemporaryDirectory directory;
  write_run(directory.path("run"), small_blocks());
  const std::string whole = directory.read("run");
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    std::mt19937_64 random(seed);
    std::string bytes = whole;
    for (std::uint64_t i = 1 + random() % 5; i > 0; --i) {
      const std::size_t at = random() % bytes.size();
      const std::size_t count = std::min<std::size_t>(1 + random() % 8, bytes.size() - at);
      bytes.replace(at, count,
                    random() % 2 == 0 ? std::string(count, '\xff') : random_bytes(random, count));
    }
    expect_corruption_or_same(directory, bytes, "seed " + std::to_string(seed));
  }
}

TEST(RunFile, AllocatesNothingForAHugeClaim) {
  // A segment as another worker might describe it: far more than its file holds.
  const TemporaryDirectory directory;
  BlockHeader header{kRawBlockBytesMax, kRawBlockBytesMax, 0};
  std::string bytes(kBlockHeaderBytes, '\0');
  encode_block_header(header, bytes.data());
  directory.write("fetched", bytes);
  Segment segment;
  segment.stored_bytes = std::uint64_t{1} << 60;
  segment.raw_bytes = std::uint64_t{1} << 60;
  EXPECT_EQ(open_segment(posix_file_system(), directory.path("fetched"), segment).status().code(),
            StatusCode::kCorruption);
  segment.stored_bytes = bytes.size();
  auto reader = open_segment(posix_file_system(), directory.path("fetched"), segment);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ((*reader)->next().status().code(), StatusCode::kCorruption);

  header = {kRawBlockBytesMax, 1, 0};
  encode_block_header(header, bytes.data());
  EXPECT_FALSE(decode_block_header(bytes.data()).has_value());
  header = {kRawBlockBytesMax + 1, kRawBlockBytesMax, 0};
  encode_block_header(header, bytes.data());
  EXPECT_FALSE(decode_block_header(bytes.data()).has_value());
}

TEST(RunFile, RefusesAnIndexThatDoesNotAddUp) {
  const TemporaryDirectory directory;
  const auto footer_of = [](std::uint64_t data_bytes, std::uint32_t entries) {
    std::string bytes(kFooterBytes, '\0');
    encode_footer({data_bytes, entries}, bytes.data());
    return bytes;
  };
  EXPECT_TRUE(decode_footer(footer_of(0, 0).data(), kFooterBytes).has_value());
  EXPECT_FALSE(decode_footer(footer_of(1, 0).data(), kFooterBytes).has_value());
  EXPECT_FALSE(decode_footer(footer_of(0, 1).data(), kFooterBytes).has_value());
  EXPECT_FALSE(decode_footer(footer_of(UINT64_MAX, UINT32_MAX).data(), kFooterBytes).has_value());

  // Valid entries, but of segments that overlap.
  Segment segment;
  segment.stored_bytes = 10;
  std::string bytes(10, 'x');
  for (std::uint32_t i = 0; i < 2; ++i) {
    segment.partition = i;
    bytes.resize(bytes.size() + kIndexEntryBytes);
    encode_index_entry(segment, i, bytes.data() + bytes.size() - kIndexEntryBytes);
  }
  directory.write("overlap", bytes + footer_of(10, 2));
  EXPECT_EQ(read_run_index(posix_file_system(), directory.path("overlap")).status().code(),
            StatusCode::kCorruption);
}

// The bytes on disk are a format: workers of one version read what another version wrote.
TEST(RunFile, HasTheDocumentedBytes) {
  const TemporaryDirectory directory;
  write_run(directory.path("run"), {{5, "abc"}}, BlockCompression::kNone);
  std::string hex;
  for (const char byte : directory.read("run")) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[static_cast<unsigned char>(byte) >> 4];
    hex += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  EXPECT_EQ(hex,
            // Block: raw and stored size, checksum, bytes.
            "0300000003000000208b4d5df5629097616263"
            // Index entry: partition, largest block, offset, stored and raw size, ...
            "0500000003000000000000000000000013000000000000000300000000000000"
            // ... records, sum, exclusive or, checksum.
            "0100000000000000e803000000000000070000000000000002b015d759126fc1"
            // Footer: bytes of blocks, entries, version, checksum, "FANFRUN1".
            "13000000000000000100000001000000c9da3a619725f36446414e4652554e31");
}

}  // namespace
}  // namespace fanfold::io
