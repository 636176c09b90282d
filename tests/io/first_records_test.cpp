// Blocks cut after a number of records, by each rule of where records end.

#include "common/io/first_records.hpp"

#include <gtest/gtest.h>

namespace fanfold::io {
namespace {

std::string_view first(abi::RecordFormat format, std::string_view block, std::uint64_t records) {
  ReadOptions options;
  options.format = format;
  options.fixed_length = 4;
  return first_records(block, options, records);
}

TEST(FirstRecords, OfTextEndAtLineFeeds) {
  using enum abi::RecordFormat;
  EXPECT_EQ(first(kLines, "one\n\nthree\nfour", 1), "one\n");
  EXPECT_EQ(first(kLines, "one\n\nthree\nfour", 2), "one\n\n");
  EXPECT_EQ(first(kJsonLines, "{}\r\n[]\r\n", 1), "{}\r\n");
  EXPECT_EQ(first(kKeyValue, "a\t1\nb\t2\n", 0), "");
}

TEST(FirstRecords, AreAllWhenThereAreNoMore) {
  using enum abi::RecordFormat;
  for (const std::uint64_t records : {4u, 5u, 1'000'000u}) {
    EXPECT_EQ(first(kLines, "one\n\nthree\nfour", records), "one\n\nthree\nfour");
  }
  EXPECT_EQ(first(kFixed, "aaaabbbb", 2), "aaaabbbb");
  EXPECT_EQ(first(kFixed, "aaaabbbb", ~std::uint64_t{0}), "aaaabbbb");
  EXPECT_EQ(first(kWholeFile, "all\nof\nit", 1), "all\nof\nit");
}

TEST(FirstRecords, OfCsvMayHoldLineFeedsInQuotes) {
  using enum abi::RecordFormat;
  EXPECT_EQ(first(kCsv, "a,\"b\nc\"\nd,e\nf", 1), "a,\"b\nc\"\n");
  EXPECT_EQ(first(kCsv, "a,\"b\nc\"\nd,e\nf", 2), "a,\"b\nc\"\nd,e\n");
}

TEST(FirstRecords, OfOneLengthAreCounted) {
  EXPECT_EQ(first(abi::RecordFormat::kFixed, "aaaabbbbcccc", 2), "aaaabbbb");
}

}  // namespace
}  // namespace fanfold::io
