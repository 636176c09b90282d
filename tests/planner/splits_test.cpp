// How files become splits, partitions and samples.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "common/core/limits.hpp"
#include "tests/io/compressed_samples.hpp"
#include "tests/io/piece_fixture.hpp"
#include "tests/planner/planner_fixture.hpp"

namespace fanfold::master {
namespace {

using abi::RecordFormat;

class Splits : public PlannerTest {
 protected:
  io::ReadOptions read_options() const {
    io::ReadOptions options;
    options.format = spec_.format;
    options.fixed_length = spec_.fixed_length;
    options.csv_header = spec_.csv_header;
    return options;
  }

  /// All records of all splits, in order.
  std::string read_all(const Plan& plan) const {
    std::string all;
    for (const proto::Split& split : plan.splits) {
      for (const io::Piece& piece : split.pieces) {
        const io::PieceRead read = io::read_piece(piece, read_options());
        EXPECT_TRUE(read.status.ok()) << read.status.message();
        all += read.bytes;
      }
    }
    return all;
  }
};

TEST_F(Splits, CutAFileAtMultiplesOfTheChosenSize) {
  const std::string file = write("a", "0123456789");
  spec_.split_bytes = 4;
  const auto planned = plan({file});
  ASSERT_TRUE(planned.ok());
  ASSERT_EQ(planned->splits.size(), 3u);
  EXPECT_EQ(planned->splits[1].pieces[0].begin, 4u);
  EXPECT_EQ(planned->splits[1].pieces[0].end, 8u);
  EXPECT_EQ(planned->splits[2].bytes, 2u);
  EXPECT_EQ(planned->input_bytes, 10u);
  EXPECT_EQ(planned->input_files, 1u);
}

TEST_F(Splits, GiveEveryRecordOnceForEverySizeAndFormat) {
  for (const RecordFormat format :
       {RecordFormat::kLines, RecordFormat::kCsv, RecordFormat::kFixed}) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      SCOPED_TRACE("format " + std::to_string(static_cast<int>(format)) + " seed " +
                   std::to_string(seed));
      std::mt19937_64 random(seed);
      spec_.format = format;
      spec_.fixed_length = format == RecordFormat::kFixed ? 3 : 0;
      std::string expected;
      for (const char* name : {"d/a", "d/b", "d/c"}) {
        std::string contents = io::random_text(random, "abc,\"\n", 30);
        if (std::count(contents.begin(), contents.end(), '"') % 2 != 0) contents += '"';
        contents.resize(contents.size() / 3 * 3);
        if (std::count(contents.begin(), contents.end(), '"') % 2 != 0) contents += "\"..";
        write(name, contents);
        expected += contents;
      }
      for (spec_.split_bytes = 1; spec_.split_bytes < 95; ++spec_.split_bytes) {
        const auto planned = plan({path("d")});
        ASSERT_TRUE(planned.ok()) << planned.status().message();
        ASSERT_EQ(read_all(*planned), expected) << "split size " << spec_.split_bytes;
        for (const proto::Split& split : planned->splits) {
          ASSERT_LE(split.bytes, spec_.split_bytes);
        }
      }
    }
  }
}

TEST_F(Splits, PackSmallFilesInOrder) {
  for (int i = 0; i < 10; ++i) write("d/" + std::to_string(i), "12345");
  spec_.split_bytes = 16;
  const auto planned = plan({path("d")});
  ASSERT_TRUE(planned.ok());
  ASSERT_EQ(planned->splits.size(), 4u);
  EXPECT_EQ(planned->splits[0].pieces.size(), 3u);
  EXPECT_EQ(planned->splits[0].bytes, 15u);
  EXPECT_EQ(planned->splits[3].pieces.size(), 1u);
}

TEST_F(Splits, ShareFilesOutEvenlyWhenTheirNumberFillsThem) {
  for (std::uint32_t i = 0; i < limits::kPiecesPerSplit + 10; ++i) {
    write("d/" + std::to_string(i), "x");
  }
  const auto planned = plan({path("d")});
  ASSERT_TRUE(planned.ok());
  ASSERT_EQ(planned->splits.size(), 2u);
  EXPECT_EQ(planned->splits[0].pieces.size(), limits::kPiecesPerSplit / 2 + 5);
  EXPECT_EQ(planned->splits[1].pieces.size(), limits::kPiecesPerSplit / 2 + 5);
}

TEST_F(Splits, SuitTheSlotsWhenNoSizeIsChosen) {
  const std::string file = write("a", std::string(16u << 20, 'x'));
  limits_.slots = 2;
  EXPECT_EQ(plan({file})->splits.size(), 8u);
  limits_.slots = 100;
  const auto planned = plan({file});
  EXPECT_EQ(planned->splits.size(), 16u);
  for (const proto::Split& split : planned->splits) EXPECT_EQ(split.bytes, 1u << 20);
  const std::string odd = write("b", std::string((1u << 20) + 2, 'x'));
  const auto oddly = plan({odd});
  for (const proto::Split& split : oddly->splits) EXPECT_EQ(split.bytes, (1u << 19) + 1);
}

TEST_F(Splits, OfNothingAreOneEmptyTask) {
  const auto planned = plan({write("a", ""), write("b", "")});
  ASSERT_TRUE(planned.ok());
  ASSERT_EQ(planned->splits.size(), 1u);
  EXPECT_EQ(planned->splits[0].bytes, 0u);
  EXPECT_EQ(read_all(*planned), "");
}

TEST_F(Splits, LeaveOutEmptyFilesUnlessTheyAreRecords) {
  write("d/a", "x");
  write("d/b", "");
  EXPECT_EQ(plan({path("d")})->splits[0].pieces.size(), 1u);
  spec_.format = RecordFormat::kWholeFile;
  EXPECT_EQ(plan({path("d")})->splits[0].pieces.size(), 2u);
}

TEST_F(Splits, NeverCutWholeFiles) {
  spec_.format = RecordFormat::kWholeFile;
  spec_.split_bytes = 2;
  const auto planned = plan({write("a", "123456"), write("b", "7")});
  ASSERT_EQ(planned->splits.size(), 2u);
  EXPECT_EQ(planned->splits[0].pieces[0].end, 6u);
}

TEST_F(Splits, NeverCutCompressedFilesAndSayWhenThatHurts) {
  std::mt19937_64 random(1);
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::to_string(random()) + "\n";
  for (const io::Compression compression :
       {io::Compression::kGzip, io::Compression::kZstd, io::Compression::kLz4}) {
    const std::string file = write("a.compressed", io::compressed(compression, text));
    spec_.split_bytes = 1000;
    const auto planned = plan({file, file});
    ASSERT_TRUE(planned.ok());
    ASSERT_EQ(planned->splits.size(), 2u);
    EXPECT_EQ(planned->splits[0].pieces[0].compression, compression);
    EXPECT_EQ(read_all(*planned), text + text);
    ASSERT_EQ(planned->notes.size(), 2u);
    EXPECT_NE(planned->notes[0].find(file), std::string::npos);
    EXPECT_NE(planned->notes[0].find("cannot be split"), std::string::npos);
    EXPECT_NE(planned->notes[1].find("1 more"), std::string::npos);
    spec_.split_bytes = 0;
    EXPECT_TRUE(plan({file})->notes.empty());
  }
}

TEST_F(Splits, OfFixedRecordsNeedAWholeNumberOfThem) {
  spec_.format = RecordFormat::kFixed;
  const std::string file = write("a", "1234567");
  expect_refused({file}, StatusCode::kInvalidArgument, {"record_length"});
  spec_.fixed_length = 4;
  expect_refused({file}, StatusCode::kInvalidArgument, {file, "7 bytes", "multiple", "4"});
  // Compressed sizes say nothing of the contents.
  const std::string packed = write("a.gz", io::compressed(io::Compression::kGzip, "12345678"));
  EXPECT_EQ(read_all(*plan({packed})), "12345678");
}

TEST_F(Splits, HaveALimitedNumber) {
  // A file that is large only by its size: nothing of it is read.
  const std::string file = write("a", "");
  std::filesystem::resize_file(file, 1u << 30);
  spec_.split_bytes = 1;
  expect_refused({file}, StatusCode::kInvalidArgument, {"split size", "larger"});
}

TEST_F(Splits, AreTheSameEveryTime) {
  for (int i = 0; i < 50; ++i) write("d/" + std::to_string(i), std::string(i * 7 % 40, 'x'));
  spec_.split_bytes = 16;
  const auto describe = [](const Plan& planned) {
    std::string text;
    for (const proto::Split& split : planned.splits) {
      for (const io::Piece& piece : split.pieces) {
        text += piece.path + " " + std::to_string(piece.begin) + "\n";
      }
      text += "--\n";
    }
    return text;
  };
  EXPECT_EQ(describe(*plan({path("d")})), describe(*plan({path("d")})));
}

class Partitions : public PlannerTest {};

TEST_F(Partitions, AreAsManyAsAsked) {
  spec_.partitions = 17;
  const auto planned = plan({write("a", "x")});
  EXPECT_EQ(planned->partitions, 17u);
  EXPECT_TRUE(planned->notes.empty());
  spec_.partitions = limits::kPartitions + 1;
  expect_refused({path("a")}, StatusCode::kInvalidArgument, {"100000"});
}

TEST_F(Partitions, SuitTheInputWhenNotChosenAndSayWhy) {
  spec_.partitions = 0;
  const std::string file = write("a", "");
  const struct {
    std::uint64_t bytes;
    std::uint32_t partitions;
    const char* words;
  } rows[] = {{0, 1, "1 reducer: 0 bytes of input"},
              {64u << 20, 1, "1 reducer: 64.0 MiB of input"},
              {1u << 30, 16, "16 reducers: 1.0 GiB of input, about 64.0 MiB each"},
              {16ull << 30, 64, "64 reducers: 16.0 GiB"},
              {100ull << 30, 400, "400 reducers: 100.0 GiB"}};
  for (const auto& row : rows) {
    std::filesystem::resize_file(file, row.bytes);
    for (limits_.slots = 1; limits_.slots < 100; limits_.slots += 33) {
      const auto planned = plan({file});
      ASSERT_TRUE(planned.ok()) << planned.status().message();
      EXPECT_EQ(planned->partitions, row.partitions);
      ASSERT_EQ(planned->notes.size(), 1u);
      EXPECT_NE(planned->notes[0].find(row.words), std::string::npos) << planned->notes[0];
    }
  }
}

class Sample : public Splits {
 protected:
  Sample() { spec_.partitioning = abi::Partitioning::kRange; }

  std::string describe(const proto::Split& sample) const {
    std::string text;
    for (const io::Piece& piece : sample.pieces) {
      text +=
          piece.path + " " + std::to_string(piece.begin) + " " + std::to_string(piece.end) + "\n";
    }
    return text;
  }
};

TEST_F(Sample, IsOnlyTakenForRangePartitioning) {
  spec_.partitioning = abi::Partitioning::kHash;
  EXPECT_TRUE(plan({write("a", "x\n")})->sample.pieces.empty());
}

TEST_F(Sample, OfLittleInputIsAllOfIt) {
  const auto planned = plan({write("a", "1\n2\n"), write("b", ""), write("c", "3\n")});
  EXPECT_EQ(planned->sample.bytes, 6u);
  EXPECT_EQ(planned->sample.pieces.size(), 2u);
}

TEST_F(Sample, IsSpreadEvenlyAndDoesNotDependOnSplits) {
  const std::string a = write("a", std::string(5u << 20, 'x'));
  const std::string b = write("b", std::string(3u << 20, 'x'));
  const proto::Split sample = plan({a, b})->sample;
  spec_.split_bytes = 12345;
  limits_.slots = 50;
  EXPECT_EQ(describe(plan({a, b})->sample), describe(sample));
  EXPECT_EQ(sample.bytes, 64u * (16u << 10));
  std::uint64_t in_a = 0;
  for (const io::Piece& piece : sample.pieces)
    in_a += piece.path == a ? piece.end - piece.begin : 0;
  EXPECT_EQ(in_a, 40u * (16u << 10));
}

TEST_F(Sample, OfManyTinyFilesOpensALimitedNumber) {
  for (int i = 0; i < 3000; ++i) write("d/" + std::to_string(i), "1\n2\n");
  const auto planned = plan({path("d")});
  EXPECT_GE(planned->sample.pieces.size(), 16u);
  EXPECT_LE(planned->sample.pieces.size(), 64u * 16u);
}

TEST_F(Sample, OfCompressedInputIsItsFront) {
  std::mt19937_64 random(1);
  std::string text;
  for (int i = 0; i < 500'000; ++i) text += std::to_string(random()) + "\n";
  const std::string file = write("a.gz", io::compressed(io::Compression::kGzip, text));
  const auto planned = plan({file});
  ASSERT_EQ(planned->sample.pieces.size(), 1u);
  const io::Piece& piece = planned->sample.pieces[0];
  EXPECT_LT(piece.end, std::filesystem::file_size(file));
  const io::PieceRead read = io::read_piece(piece, read_options());
  ASSERT_TRUE(read.status.ok()) << read.status.message();
  EXPECT_GT(read.bytes.size(), 500'000u);
  EXPECT_EQ(text.substr(0, read.bytes.size()), read.bytes);
}

TEST_F(Sample, OfCsvHoldsWholeRecords) {
  spec_.format = RecordFormat::kCsv;
  std::string text;
  std::set<std::string> records;
  for (int i = 0; i < 100'000; ++i) {
    const std::string record = std::to_string(i) + ",\"two\nlines \"\"quoted\"\"\n\"\n";
    records.insert(record);
    text += record;
  }
  const auto planned = plan({write("a.csv", text)});
  ASSERT_TRUE(planned.ok());
  ASSERT_EQ(planned->sample.pieces.size(), 64u);
  for (const io::Piece& piece : planned->sample.pieces) {
    const io::PieceRead read = io::read_piece(piece, read_options());
    ASSERT_TRUE(read.status.ok()) << read.status.message();
    for (const io::Record& record : io::records_of(read.bytes, read_options())) {
      ASSERT_TRUE(records.contains(record.bytes)) << record.bytes;
    }
  }
}

TEST_F(Sample, OfWholeFilesIsWholeFiles) {
  spec_.format = RecordFormat::kWholeFile;
  const auto planned = plan({write("a", std::string(200'000, 'x')), write("b", "y")});
  ASSERT_GE(planned->sample.pieces.size(), 1u);
  EXPECT_EQ(planned->sample.pieces[0].begin, 0u);
  EXPECT_EQ(planned->sample.pieces[0].end, 200'000u);
}

}  // namespace
}  // namespace fanfold::master
