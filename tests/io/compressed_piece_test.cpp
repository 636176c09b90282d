// Compressed input: recognised by its first bytes, read whole, and refused by name when damaged.

#include <gtest/gtest.h>

#include "tests/io/compressed_samples.hpp"
#include "tests/io/piece_fixture.hpp"

namespace fanfold::io {
namespace {

class CompressedPiece : public testing::TestWithParam<Compression> {
 protected:
  Piece write(const std::string& bytes, Compression known) const {
    Piece piece;
    piece.path = directory_.write("input.compressed", bytes);
    piece.end = bytes.size();
    piece.compression = known;
    return piece;
  }

  const TemporaryDirectory directory_;
};

std::string text_of(std::size_t lines) {
  std::string text;
  for (std::size_t i = 0; i < lines; ++i) text += "line " + std::to_string(i * i) + "\n";
  return text;
}

TEST_P(CompressedPiece, IsReadAsItsContents) {
  for (const std::size_t lines : {0u, 1u, 1000u, 200'000u}) {
    const std::string text = text_of(lines);
    const Piece piece = write(compressed(GetParam(), text), GetParam());
    const PieceRead read = read_piece(piece, {});
    ASSERT_TRUE(read.status.ok()) << read.status.message();
    EXPECT_EQ(read.bytes, text);
    EXPECT_EQ(read.bytes_read, piece.end);
    if (lines > 0) {
      EXPECT_EQ(read.blocks.front().offset, 0u);
    }
  }
}

TEST_P(CompressedPiece, IsRecognisedWhenThePlannerDidNotLook) {
  const std::string text = text_of(5000);
  const Piece piece = write(compressed(GetParam(), text), Compression::kNone);
  EXPECT_EQ(read_piece(piece, {}).bytes, text);
}

TEST_P(CompressedPiece, MayHaveSeveralMembersOrFrames) {
  const std::string text = text_of(1000);
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); at += 777) {
    bytes += compressed(GetParam(), std::string_view(text).substr(at, 777));
  }
  const Piece piece = write(bytes, GetParam());
  const PieceRead read = read_piece(piece, {});
  ASSERT_TRUE(read.status.ok()) << read.status.message();
  EXPECT_EQ(read.bytes, text);
}

TEST_P(CompressedPiece, CanHoldEveryRecordFormat) {
  ReadOptions options;
  options.format = abi::RecordFormat::kCsv;
  options.csv_header = true;
  PieceRead read =
      read_piece(write(compressed(GetParam(), "h\n\"1\n\"\n2\n"), GetParam()), options);
  EXPECT_EQ(read.bytes, "\"1\n\"\n2\n");
  EXPECT_EQ(read.headers, std::vector<std::string>{"h"});

  options.format = abi::RecordFormat::kFixed;
  options.fixed_length = 3;
  options.block_bytes = 4;
  read = read_piece(write(compressed(GetParam(), "123456789"), GetParam()), options);
  EXPECT_EQ(read.bytes, "123456789");
  EXPECT_EQ(read.blocks.size(), 3u);

  options.format = abi::RecordFormat::kWholeFile;
  const std::string text = text_of(100'000);
  read = read_piece(write(compressed(GetParam(), text), GetParam()), options);
  EXPECT_EQ(read.bytes, text);
  EXPECT_EQ(read.blocks.size(), 1u);
}

TEST_P(CompressedPiece, IsRefusedByNameWhenTruncatedAnywhere) {
  const std::string whole = compressed(GetParam(), text_of(200));
  // With fewer bytes than its magic number a file may be anything.
  for (std::size_t size = GetParam() == Compression::kGzip ? 3 : 4; size < whole.size(); ++size) {
    for (const Compression known : {GetParam(), Compression::kNone}) {
      const Piece piece = write(whole.substr(0, size), known);
      const Status status = read_piece(piece, {}).status;
      ASSERT_EQ(status.code(), StatusCode::kCorruption) << "cut at " << size;
      ASSERT_NE(status.message().find(piece.path), std::string::npos);
      ASSERT_NE(status.message().find("copy"), std::string::npos) << status.message();
    }
  }
}

TEST_P(CompressedPiece, GivesItsContentsOrAnErrorWhenAnyBitFlips) {
  const std::string text = text_of(60);
  const std::string whole = compressed(GetParam(), text);
  int refused = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; bit += 3) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      const PieceRead read = read_piece(write(damaged, GetParam()), {});
      if (read.status.ok()) {
        ASSERT_EQ(read.bytes, text) << "byte " << at << " bit " << bit;
      } else {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, static_cast<int>(whole.size()));
}

TEST_P(CompressedPiece, IsRefusedWhenSomethingElseFollows) {
  const Piece piece = write(compressed(GetParam(), "text\n") + "garbage that follows", GetParam());
  EXPECT_EQ(read_piece(piece, {}).status.code(), StatusCode::kCorruption);
}

TEST_P(CompressedPiece, GivesTheWholeRecordsOfItsHeadWhenItsEndComesEarlier) {
  std::mt19937_64 random(7);
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += std::to_string(random()) + "\n";
  Piece piece = write(compressed(GetParam(), text), GetParam());
  piece.end = 512u << 10;
  const PieceRead read = read_piece(piece, {});
  ASSERT_TRUE(read.status.ok()) << read.status.message();
  EXPECT_GT(read.bytes.size(), 100'000u);
  EXPECT_LT(read.bytes.size(), text.size());
  EXPECT_EQ(read.bytes, text.substr(0, read.bytes.size()));
  EXPECT_EQ(read.bytes.back(), '\n');
}

std::string name_of(const testing::TestParamInfo<Compression>& info) {
  if (info.param == Compression::kGzip) return "gzip";
  return info.param == Compression::kZstd ? "zstd" : "lz4";
}

INSTANTIATE_TEST_SUITE_P(Formats, CompressedPiece,
                         testing::Values(Compression::kGzip, Compression::kZstd, Compression::kLz4),
                         name_of);

TEST(DetectCompression, KnowsTheFormatsByTheirFirstBytes) {
  EXPECT_EQ(detect_compression(compressed(Compression::kGzip, "x")), Compression::kGzip);
  EXPECT_EQ(detect_compression(compressed(Compression::kZstd, "x")), Compression::kZstd);
  EXPECT_EQ(detect_compression(compressed(Compression::kLz4, "x")), Compression::kLz4);
  EXPECT_EQ(detect_compression("plain text"), Compression::kNone);
  EXPECT_EQ(detect_compression(""), Compression::kNone);
}

TEST(DetectCompression, LooksBehindSkippableFrames) {
  const std::string skippable("\x50\x2a\x4d\x18\x04\x00\x00\x00wxyz", 12);
  EXPECT_EQ(detect_compression(skippable + compressed(Compression::kZstd, "x")),
            Compression::kZstd);
  EXPECT_EQ(detect_compression(skippable + compressed(Compression::kLz4, "x")), Compression::kLz4);
}

TEST(Gzip, MayBePaddedWithZeros) {
  const TemporaryDirectory directory;
  Piece piece;
  piece.path = directory.write("padded.gz",
                               compressed(Compression::kGzip, "text\n") + std::string(1000, '\0'));
  piece.end = std::filesystem::file_size(piece.path);
  const PieceRead read = read_piece(piece, {});
  EXPECT_TRUE(read.status.ok()) << read.status.message();
  EXPECT_EQ(read.bytes, "text\n");
}

}  // namespace
}  // namespace fanfold::io
