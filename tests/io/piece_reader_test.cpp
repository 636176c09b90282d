// Splits are record-exact: whatever the contents and wherever a file is cut, the pieces together
// give each record once, in order.

#include "common/io/piece_reader.hpp"

#include <gtest/gtest.h>

#include "tests/io/piece_fixture.hpp"

namespace fanfold::io {
namespace {

using abi::RecordFormat;

void expect_exact_for_every_split(const std::string& contents, const ReadOptions& options,
                                  std::uint64_t seed) {
  const TemporaryDirectory directory;
  const std::string path = directory.write("input", contents);
  const std::vector<Record> records = records_of(contents, options);
  for (std::size_t size = 1; size <= contents.size() + 1; ++size) {
    for (const Piece& piece : cut(path, contents, size)) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " piece " + std::to_string(piece.begin) + ".." +
                   std::to_string(piece.end) + " of " + testing::PrintToString(contents));
      const PieceRead read = read_piece(piece, options);
      ASSERT_TRUE(read.status.ok()) << read.status.message();
      ASSERT_EQ(read.bytes, expected_bytes(records, piece));
      expect_whole_records(read, records);
      ASSERT_EQ(read.bytes_read, piece.end - piece.begin);
      if (testing::Test::HasFailure()) return;
    }
  }
}

void expect_exact(RecordFormat format, std::string_view alphabet, std::uint64_t first_seed) {
  for (std::uint64_t seed = first_seed; seed < first_seed + 60; ++seed) {
    std::mt19937_64 random(seed);
    ReadOptions options;
    options.format = format;
    const std::size_t block_sizes[] = {1, 2, 5, 16, 1u << 20};
    options.block_bytes = block_sizes[seed % 5];
    const std::string contents = random_text(random, alphabet, 40);
    expect_exact_for_every_split(contents, options, seed);
    if (testing::Test::HasFailure()) return;
  }
}

TEST(PieceReader, GivesEachLineOnceForEverySplitSize) {
  expect_exact(RecordFormat::kLines, "ab\n\r", 1);
  expect_exact(RecordFormat::kLines, "abcdefghij\n", 101);
}

TEST(PieceReader, GivesEachKeyValueLineOnceForEverySplitSize) {
  expect_exact(RecordFormat::kKeyValue, "ab\t\n", 201);
}

TEST(PieceReader, GivesEachJsonLineOnceForEverySplitSize) {
  expect_exact(RecordFormat::kJsonLines, "{}\"\n\n", 301);
}

TEST(PieceReader, GivesEachFixedRecordOnceForEverySplitSize) {
  for (std::uint64_t seed = 1; seed < 60; ++seed) {
    std::mt19937_64 random(seed);
    ReadOptions options;
    options.format = RecordFormat::kFixed;
    options.fixed_length = 1 + random() % 7;
    options.block_bytes = 1 + random() % 30;
    std::string contents = random_text(random, "ab\n\"", 60);
    contents.resize(contents.size() / options.fixed_length * options.fixed_length);
    expect_exact_for_every_split(contents, options, seed);
  }
}

TEST(PieceReader, GivesEachCsvRecordOnceForEverySplitSize) {
  for (std::uint64_t seed = 1; seed < 200; ++seed) {
    std::mt19937_64 random(seed);
    ReadOptions options;
    options.format = RecordFormat::kCsv;
    const std::size_t block_sizes[] = {1, 2, 5, 16, 1u << 20};
    options.block_bytes = block_sizes[seed % 5];
    std::string contents = random_text(random, seed % 2 == 0 ? "ab\"\n" : "a,b,\"\n\r\n", 40);
    if (std::count(contents.begin(), contents.end(), '"') % 2 != 0) contents += '"';
    expect_exact_for_every_split(contents, options, seed);
    if (HasFailure()) return;
  }
}

TEST(PieceReader, KeepsQuotedLineEndsInsideTheirRecordWhereverTheFileIsCut) {
  ReadOptions options;
  options.format = RecordFormat::kCsv;
  expect_exact_for_every_split(
      "id,text\r\n1,\"two\r\nlines\"\r\n2,\"say \"\"hi\"\"\n\n\"\r\n3,\"\"\n", options, 0);
}

TEST(PieceReader, NamesTheCsvHeaderInEveryPieceAndNeverDeliversIt) {
  const TemporaryDirectory directory;
  const std::string contents = "\"id\nx\",name\r\n1,a\n2,\"b\nc\"\n3,d";
  const std::string path = directory.write("input.csv", contents);
  ReadOptions options;
  options.format = RecordFormat::kCsv;
  options.csv_header = true;
  const std::vector<Record> records = records_of(contents, options);
  for (std::size_t size = 1; size <= contents.size(); ++size) {
    std::string all;
    for (const Piece& piece : cut(path, contents, size)) {
      const PieceRead read = read_piece(piece, options);
      ASSERT_TRUE(read.status.ok()) << read.status.message();
      ASSERT_EQ(read.bytes, expected_bytes(records, piece)) << "at " << piece.begin;
      for (const std::string& header : read.headers) ASSERT_EQ(header, "\"id\nx\",name");
      all += read.bytes;
    }
    ASSERT_EQ(all, "1,a\n2,\"b\nc\"\n3,d") << "size " << size;
  }
}

TEST(PieceReader, LeavesAByteOrderMarkOutOfTheCsvHeader) {
  const TemporaryDirectory directory;
  Piece piece;
  piece.path = directory.write("input.csv", "\xef\xbb\xbfid\n1\n");
  piece.end = 8;
  ReadOptions options;
  options.format = RecordFormat::kCsv;
  options.csv_header = true;
  const PieceRead read = read_piece(piece, options);
  ASSERT_EQ(read.headers, std::vector<std::string>{"id"});
  EXPECT_EQ(read.bytes, "1\n");
}

TEST(PieceReader, ReadsNothingFromAnEmptyFile) {
  const TemporaryDirectory directory;
  Piece piece;
  piece.path = directory.write("empty", "");
  for (const RecordFormat format : {RecordFormat::kLines, RecordFormat::kKeyValue,
                                    RecordFormat::kCsv, RecordFormat::kJsonLines}) {
    ReadOptions options;
    options.format = format;
    options.csv_header = true;
    const PieceRead read = read_piece(piece, options);
    EXPECT_TRUE(read.status.ok()) << read.status.message();
    EXPECT_TRUE(read.blocks.empty());
  }
}

TEST(PieceReader, GivesAWholeFileAsOneRecordToTheFirstPiece) {
  const TemporaryDirectory directory;
  std::string contents;
  for (int i = 0; i < 100'000; ++i) contents += "line " + std::to_string(i) + "\n";
  const std::string path = directory.write("input", contents);
  ReadOptions options;
  options.format = RecordFormat::kWholeFile;
  std::vector<Piece> pieces = cut(path, contents, contents.size() / 2);
  EXPECT_EQ(read_piece(pieces[0], options).bytes, contents);
  EXPECT_EQ(read_piece(pieces[0], options).blocks.size(), 1u);
  EXPECT_TRUE(read_piece(pieces[1], options).blocks.empty());
}

TEST(PieceReader, GivesAnEmptyWholeFileAsAnEmptyRecord) {
  const TemporaryDirectory directory;
  Piece piece;
  piece.path = directory.write("empty", "");
  ReadOptions options;
  options.format = RecordFormat::kWholeFile;
  const PieceRead read = read_piece(piece, options);
  ASSERT_EQ(read.blocks.size(), 1u);
  EXPECT_EQ(read.bytes, "");
}

TEST(PieceReader, ReadsALargeFileInBlocksOfAboutTheWantedSize) {
  const TemporaryDirectory directory;
  std::string contents;
  for (int i = 0; i < 300'000; ++i) contents += "record number " + std::to_string(i) + "\n";
  const std::string path = directory.write("input", contents);
  const ReadOptions options;
  std::string all;
  for (const Piece& piece : cut(path, contents, contents.size() / 3)) {
    const PieceRead read = read_piece(piece, options);
    ASSERT_TRUE(read.status.ok()) << read.status.message();
    for (const Record& block : read.blocks) {
      EXPECT_EQ(block.offset, all.size());
      EXPECT_LE(block.bytes.size(), options.block_bytes);
      all += block.bytes;
    }
  }
  EXPECT_EQ(all, contents);
}

TEST(PieceReader, AcceptsARecordOfExactlyTheLimitAndRefusesOneByteMore) {
  const TemporaryDirectory directory;
  for (const RecordFormat format : {RecordFormat::kLines, RecordFormat::kCsv}) {
    for (const char* end : {"", "\n", "\nnext\n"}) {
      for (const std::size_t block : {1u, 7u, 10u, 1u << 20}) {
        ReadOptions options;
        options.format = format;
        options.record_bytes_max = 10;
        options.block_bytes = block;
        Piece piece;
        piece.path = directory.write("fits", "ab\n1234567890" + std::string(end));
        piece.end = std::filesystem::file_size(piece.path);
        const PieceRead fits = read_piece(piece, options);
        EXPECT_TRUE(fits.status.ok()) << fits.status.message();
        EXPECT_EQ(fits.bytes.size(), piece.end);

        piece.path = directory.write("longer", "ab\n12345678901" + std::string(end));
        piece.end = std::filesystem::file_size(piece.path);
        const PieceRead longer = read_piece(piece, options);
        EXPECT_EQ(longer.status.code(), StatusCode::kExhausted) << "block " << block;
      }
    }
  }
}

TEST(PieceReader, SaysWhichLineIsTooLong) {
  const TemporaryDirectory directory;
  Piece piece;
  piece.path = directory.write("input", "short\n" + std::string(5000, 'x') + "\nshort\n");
  piece.end = 5013;
  ReadOptions options;
  options.record_bytes_max = 1000;
  const Status status = read_piece(piece, options).status;
  EXPECT_EQ(status.code(), StatusCode::kExhausted);
  EXPECT_NE(status.message().find("line longer than limit"), std::string::npos);
  EXPECT_NE(status.message().find("byte 6 of " + piece.path), std::string::npos);
  EXPECT_NE(status.message().find("1000"), std::string::npos);
}

TEST(PieceReader, RefusesAQuoteThatIsNeverClosed) {
  const TemporaryDirectory directory;
  const std::string contents = "a,b\n1,\"open\n2,x\n";
  const std::string path = directory.write("input.csv", contents);
  ReadOptions options;
  options.format = RecordFormat::kCsv;
  for (std::size_t size = 1; size <= contents.size(); ++size) {
    int refused = 0;
    for (const Piece& piece : cut(path, contents, size)) {
      const PieceRead read = read_piece(piece, options);
      if (read.status.ok()) continue;
      EXPECT_EQ(read.status.code(), StatusCode::kCorruption);
      EXPECT_NE(read.status.message().find("byte 4"), std::string::npos) << read.status.message();
      ++refused;
    }
    EXPECT_EQ(refused, 1) << "split size " << size;
  }
}

TEST(PieceReader, RefusesALastFixedRecordThatIsTooShort) {
  const TemporaryDirectory directory;
  Piece piece;
  piece.path = directory.write("input", "12341234123");
  piece.end = 11;
  ReadOptions options;
  options.format = RecordFormat::kFixed;
  options.fixed_length = 4;
  const Status status = read_piece(piece, options).status;
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("byte 8"), std::string::npos) << status.message();
}

TEST(PieceReader, NoticesAFileThatShrankSinceItWasPlanned) {
  const TemporaryDirectory directory;
  Piece piece;
  piece.path = directory.write("input", "only\nthis\n");
  piece.end = 100;
  const Status status = read_piece(piece, {}).status;
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_NE(status.message().find("had at least 100"), std::string::npos) << status.message();
}

TEST(PieceReader, NamesAFileThatVanished) {
  const TemporaryDirectory directory;
  Piece piece;
  piece.path = directory.path("gone");
  piece.end = 10;
  const Status status = read_piece(piece, {}).status;
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_NE(status.message().find(piece.path), std::string::npos) << status.message();
}

}  // namespace
}  // namespace fanfold::io
