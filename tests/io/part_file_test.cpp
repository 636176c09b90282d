#include "common/io/part_file.hpp"

#include <gtest/gtest.h>

#include <random>

#include "common/io/manifest.hpp"
#include "tests/io/piece_fixture.hpp"

namespace fanfold::io {
namespace {

class PartFile : public testing::TestWithParam<PartCompression> {
 protected:
  PartInfo write(const std::string& name, std::string_view text, std::size_t step) {
    auto part = create_part(posix_file_system(), directory_.path(name), name, GetParam());
    EXPECT_TRUE(part.ok()) << part.status().message();
    for (std::size_t at = 0; at < text.size(); at += step) {
      EXPECT_TRUE((*part)->write(text.substr(at, step), 1).ok());
    }
    EXPECT_TRUE((*part)->finish().ok());
    return (*part)->info();
  }

  std::string read(const std::string& name) const {
    Piece piece;
    piece.path = directory_.path(name);
    piece.end = std::filesystem::file_size(piece.path);
    return read_piece(piece, {}).bytes;
  }

  const TemporaryDirectory directory_;
};

std::string sample_text(std::size_t bytes) {
  std::mt19937_64 random(5);
  std::string text;
  while (text.size() < bytes) text += std::to_string(random() % 1000) + "\n";
  return text;
}

TEST_P(PartFile, HoldsWhatWasWritten) {
  for (const std::size_t size : {0u, 10u, 1'000'000u}) {
    const std::string name = "part" + std::to_string(size);
    const std::string text = size == 0 ? "" : sample_text(size);
    write(name, text, 1000);
    EXPECT_EQ(read(name), text);
  }
}

TEST_P(PartFile, TellsSizeRecordsAndChecksumOfWhatIsOnDisk) {
  const PartInfo info = write("part", sample_text(1'000'000), 1000);
  const auto digest = digest_file(posix_file_system(), directory_.path("part"));
  ASSERT_TRUE(digest.ok());
  EXPECT_EQ(info.name, "part");
  EXPECT_EQ(info.bytes, std::filesystem::file_size(directory_.path("part")));
  EXPECT_EQ(info.bytes, digest->bytes);
  EXPECT_EQ(info.checksum, digest->checksum);
  EXPECT_EQ(info.records, 1001u);
}

TEST_P(PartFile, HasTheSameBytesHoweverTheWritesAreCut) {
  const std::string text = sample_text(2'000'000);
  const PartInfo once = write("once", text, text.size());
  for (const std::size_t step : {100u, 4099u, 300'000u}) {
    const PartInfo cut = write("cut" + std::to_string(step), text, step);
    EXPECT_EQ(cut.bytes, once.bytes);
    EXPECT_EQ(cut.checksum, once.checksum) << "step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Compressions, PartFile,
                         testing::Values(PartCompression::kNone, PartCompression::kGzip,
                                         PartCompression::kZstd));

TEST(PartName, CountsInFiveDigitsSoThatNamesSort) {
  EXPECT_EQ(part_name("", 3, 8, PartCompression::kNone), "part-00003-of-00008");
  EXPECT_EQ(part_name("rejects", 0, 1, PartCompression::kGzip), "rejects-00000-of-00001.gz");
  EXPECT_EQ(map_part_name("rejects", PartCompression::kZstd), "rejects-map.zst");
}

Manifest sample_manifest() {
  Manifest manifest;
  manifest.job_name = "word_count";
  manifest.plugin_sha256 = std::string(64, 'a');
  manifest.parameters = {{"pattern", "a\"b\\c\n"}};
  manifest.inputs = {"/data/in"};
  manifest.partitions = 2;
  manifest.partitioning = abi::Partitioning::kRange;
  manifest.key_order = "bytes";
  manifest.output_format = abi::OutputFormat::kJsonLines;
  manifest.compression = PartCompression::kZstd;
  manifest.input_records = 12;
  manifest.bytes = 34;
  manifest.records = 5;
  manifest.counters = {{"bad lines", -3}, {"good", INT64_MAX}};
  manifest.files = {{"part-00000-of-00002.zst", 30, 4, 0x0123456789abcdef},
                    {"part-00001-of-00002.zst", 4, 1, UINT64_MAX}};
  manifest.run.job_id = 7;
  manifest.run.client_id = "abc";
  manifest.run.wall_ms = 1234;
  manifest.run.finished_unix_ms = 1'700'000'000'123;
  manifest.run.ledger = {.input_files = 2,
                         .input_bytes = 99,
                         .input_covered = true,
                         .records_mapped = 12,
                         .maps_compared = 4,
                         .pairs_emitted = 40,
                         .pairs_written = {20, 1, UINT64_MAX},
                         .pairs_read = {20, 1, 3}};
  return manifest;
}

TEST(Manifest, ReadsBackWhatItWrote) {
  const Manifest manifest = sample_manifest();
  const std::string json = to_json(manifest);
  const auto read = parse_manifest(json);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(to_json(*read), json);
  EXPECT_EQ(read->files[0].checksum, 0x0123456789abcdefu);
  ASSERT_TRUE(read->run.ledger.has_value());
  EXPECT_EQ(read->run.ledger->pairs_written.exclusive_or, UINT64_MAX);
  EXPECT_EQ(read->run.ledger->pairs_read.records, 20u);
  EXPECT_EQ(read->counters, manifest.counters);
  EXPECT_EQ(read->parameters, manifest.parameters);
  EXPECT_EQ(read->partitioning, abi::Partitioning::kRange);
  EXPECT_NE(json.find("\"2023-11-14T22:13:20.123Z\""), std::string::npos) << json;
  EXPECT_EQ(json.find("started"), std::string::npos);
}

TEST(Manifest, IsStillJsonWhenTextsAreNoUnicode) {
  Manifest manifest = sample_manifest();
  manifest.inputs = {"/data/\xff\xfe"};
  EXPECT_TRUE(parse_manifest(to_json(manifest)).ok());
}

TEST(Manifest, IsRefusedByFieldWhenDamaged) {
  const std::string json = to_json(sample_manifest());
  for (std::size_t size = 0; size + 2 < json.size(); ++size) {
    ASSERT_EQ(parse_manifest(json.substr(0, size)).status().code(), StatusCode::kCorruption);
  }
  for (const auto& [from, to] :
       std::map<std::string, std::string>{{"\"partitions\": 2", "\"partitions\": -2"},
                                          {"\"partitions\": 2,", "\"partitions\": 4294967296,"},
                                          {"\"range\"", "\"other\""},
                                          {"0123456789abcdef", "0123456789abcdeg"},
                                          {"part-00000", "../etc/passwd"},
                                          {"\"run\"", "\"walk\""}}) {
    std::string damaged = json;
    damaged.replace(damaged.find(from), from.size(), to);
    EXPECT_EQ(parse_manifest(damaged).status().code(), StatusCode::kCorruption) << from;
  }
}

TEST(Manifest, SurvivesAnyBytes) {
  const std::string json = to_json(sample_manifest());
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    std::mt19937_64 random(seed);
    std::string damaged = json;
    for (int i = 0; i < 3; ++i) {
      damaged[random() % damaged.size()] = "{}[]\",:0-9etn\xff"[random() % 14];
    }
    const auto read = parse_manifest(damaged);
    if (!read.ok()) {
      EXPECT_FALSE(read.status().message().empty());
    }
  }
}

TEST(Manifest, TellsALaterFormatFromDamage) {
  std::string json = to_json(sample_manifest());
  json.replace(json.find("\"format_version\": 1"), 19, "\"format_version\": 2");
  const Status status = parse_manifest(json).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("version 2"), std::string::npos) << status.message();
}

TEST(Manifest, IsMissingFromADirectoryThatIsNoOutput) {
  const TemporaryDirectory directory;
  const Status status = read_manifest(posix_file_system(), directory.path()).status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(status.message().find("not a finished output"), std::string::npos);
}

}  // namespace
}  // namespace fanfold::io
