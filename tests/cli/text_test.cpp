// Words, sizes, times and columns.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cli/text/suggest.hpp"
#include "cli/text/table.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

TEST(Suggest, CountsInsertionsDeletionsSubstitutionsAndSwaps) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("abc", ""), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("cuont", "count"), 1u);
}

TEST(Suggest, IsSymmetric) {
  const std::vector<std::string> words = {"run", "rnu", "submit", "sumbit", "status", "list", ""};
  for (const std::string& a : words) {
    for (const std::string& b : words) EXPECT_EQ(edit_distance(a, b), edit_distance(b, a));
  }
}

TEST(Suggest, NamesTheNearestCandidate) {
  const std::vector<std::string> commands = {"run", "submit", "status", "list"};
  EXPECT_EQ(nearest("sttaus", commands), "status");
  EXPECT_EQ(nearest("rn", commands), "run");
}

TEST(Suggest, CompletesAnUnfinishedWord) {
  const std::vector<std::string> flags = {"--workers", "--slots"};
  EXPECT_EQ(nearest("--work", flags), "--workers");
}

TEST(Suggest, SaysNothingWhenNothingIsNear) {
  const std::vector<std::string> commands = {"run", "submit"};
  EXPECT_EQ(did_you_mean("frobnicate", commands), "");
  EXPECT_EQ(did_you_mean("", commands), "");
}

TEST(Suggest, JoinsWordsForASentence) {
  EXPECT_EQ(join_words(std::vector<std::string>{}, " and "), "");
  EXPECT_EQ(join_words(std::vector<std::string>{"a"}, " and "), "a");
  EXPECT_EQ(join_words(std::vector<std::string>{"a", "b", "c"}, " or "), "a, b or c");
}

TEST(Units, ReadsSizesInPowersOf1024) {
  EXPECT_EQ(*parse_bytes("4096"), 4096u);
  EXPECT_EQ(*parse_bytes("0"), 0u);
  EXPECT_EQ(*parse_bytes("17B"), 17u);
  EXPECT_EQ(*parse_bytes("64K"), 65536u);
  EXPECT_EQ(*parse_bytes("64KiB"), 65536u);
  EXPECT_EQ(*parse_bytes("64kb"), 65536u);
  EXPECT_EQ(*parse_bytes("1.5M"), 1572864u);
  EXPECT_EQ(*parse_bytes("2 G"), 2147483648u);
}

TEST(Units, RefusesWhatIsNoSize) {
  for (const char* text :
       {"", "x", "-1", "5X", "5KX", "M", "1e3", "nan", "inf", "99999999T", "1 2"}) {
    const auto bytes = parse_bytes(text);
    ASSERT_FALSE(bytes.ok()) << text;
    EXPECT_EQ(bytes.status().code(), StatusCode::kInvalidArgument);
  }
}

TEST(Units, ReadsTimes) {
  using namespace std::chrono_literals;
  EXPECT_EQ(*parse_duration("30"), Duration(30s));
  EXPECT_EQ(*parse_duration("500ms"), Duration(500ms));
  EXPECT_EQ(*parse_duration("1.5m"), Duration(90s));
  EXPECT_EQ(*parse_duration("2h"), Duration(2h));
  for (const char* text : {"", "s", "-1s", "5d", "1e300h"}) {
    EXPECT_FALSE(parse_duration(text).ok()) << text;
  }
}

TEST(Units, ReadsCountsWithinTheirBounds) {
  EXPECT_EQ(*parse_count("1", 1, 10), 1u);
  EXPECT_EQ(*parse_count("10", 1, 10), 10u);
  for (const char* text : {"0", "11", "-1", "1.5", "", "x", "1x", "99999999999999999999999"}) {
    EXPECT_FALSE(parse_count(text, 1, 10).ok()) << text;
  }
}

TEST(Units, WritesSizesForPeople) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(1024), "1.0 KiB");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes((1u << 20) - 1), "1.0 MiB");
  EXPECT_EQ(format_bytes(UINT64_MAX), "16777216.0 TiB");
}

TEST(Units, WritesCountsWithSeparators) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(plural(1, "task"), "1 task");
  EXPECT_EQ(plural(0, "task"), "0 tasks");
}

TEST(Units, WritesTimesForPeople) {
  EXPECT_EQ(format_milliseconds(0), "0.00 s");
  EXPECT_EQ(format_milliseconds(420), "0.42 s");
  EXPECT_EQ(format_milliseconds(12'340), "12.3 s");
  EXPECT_EQ(format_milliseconds(59'990), "1 min 00 s");
  EXPECT_EQ(format_milliseconds(123'000), "2 min 03 s");
  EXPECT_EQ(format_milliseconds(7'260'000), "2 h 01 min");
}

TEST(Units, CutsTextToColumns) {
  EXPECT_EQ(fit("hello", 5), "hello");
  EXPECT_EQ(fit("hello!", 5), "he...");
  EXPECT_EQ(fit("hello", 2), "..");
  EXPECT_EQ(fit("hello", 0), "");
  EXPECT_EQ(fit("\xc3\xa9t\xc3\xa9s", 4), "\xc3\xa9t\xc3\xa9s");
  EXPECT_EQ(fit("\xc3\xa9t\xc3\xa9s!!", 4), "\xc3\xa9...");
}

TEST(Units, KeepsControlCharactersFromTheTerminal) {
  EXPECT_EQ(printable("a\x1b[31mb\n", false), "a?[31mb?");
  EXPECT_EQ(printable("a\tb\nc\r", true), "a\tb\nc?");
  EXPECT_EQ(printable("\xc3\xa9", false), "\xc3\xa9");
}

TEST(Table, AlignsColumnsWithoutTrailingSpaces) {
  Table table({"JOB", "STATE"});
  table.add({"1", "running"});
  table.add({"12345", ""});
  EXPECT_EQ(table.text(), "JOB    STATE\n1      running\n12345\n");
}

}  // namespace
}  // namespace fanfold::cli
