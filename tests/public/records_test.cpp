// Records: what each format makes of a block, and where each record begins.

#include <fanfold/records.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace fanfold {
namespace {

using namespace std::string_literals;
using Found = std::vector<std::pair<std::string, std::uint64_t>>;  // Record, offset.

template <class Format, class Show>
Found records_of(std::string_view bytes, const Show& show, Format format = Format()) {
  Found found;
  abi::InputBlock block;
  block.bytes = bytes;
  block.file = "f";
  format.for_each(block, [&](auto&& record, std::uint64_t offset) {
    found.emplace_back(show(record), offset);
  });
  return found;
}
std::string as_it_is(std::string_view record) { return std::string(record); }

TEST(Lines, EndWithLineFeedOrCarriageReturnLineFeedOrTheBlock) {
  EXPECT_EQ(records_of<Lines>("a\nbc\r\n\nlast", as_it_is),
            (Found{{"a", 0}, {"bc", 2}, {"", 6}, {"last", 7}}));
}

TEST(Lines, KeepACarriageReturnThatEndsNoLine) {
  EXPECT_EQ(records_of<Lines>("a\rb\n\r\r\nc\r", as_it_is),
            (Found{{"a\rb", 0}, {"\r", 4}, {"c\r", 7}}));
}

TEST(Lines, OfAnEmptyBlockAreNone) { EXPECT_TRUE(records_of<Lines>("", as_it_is).empty()); }

TEST(KeyValueLines, AreCutAtTheFirstTab) {
  const auto show = [](const KeyValue& record) {
    return std::string(record.key) + "=" + std::string(record.value);
  };
  EXPECT_EQ(records_of<KeyValueLines>("k\tv\tw\nonly\n\tv\n\n", show),
            (Found{{"k=v\tw", 0}, {"only=", 6}, {"=v", 11}, {"=", 14}}));
}

TEST(JsonLines, LeaveOutBlankLines) {
  const auto show = [](JsonLine& line) { return std::string(line.text()); };
  EXPECT_EQ(records_of<JsonLines>("{\"a\":1}\n \t\n\r\n{}\r\n", show),
            (Found{{"{\"a\":1}", 0}, {"{}", 13}}));
}

TEST(Csv, LeavesOutEmptyLinesAndSpansQuotedOnes) {
  const auto show = [](const CsvRow& row) {
    std::string text;
    for (const std::string_view field : row) text += "[" + std::string(field) + "]";
    return text;
  };
  EXPECT_EQ(records_of<Csv>("a,b\r\n\r\n\n\"x\ny\",z\n,\n", show),
            (Found{{"[a][b]", 0}, {"[x\ny][z]", 8}, {"[][]", 16}}));
}

TEST(FixedLength, CutsEveryNBytes) {
  EXPECT_EQ(records_of<FixedLength<3>>("abc\ndeX Y", as_it_is),
            (Found{{"abc", 0}, {"\nde", 3}, {"X Y", 6}}));
}

TEST(FixedLength, TakesItsLengthFromAParameter) {
  FixedLength<> format;
  format.use_length(2);
  EXPECT_EQ(records_of("aabb", as_it_is, format), (Found{{"aa", 0}, {"bb", 2}}));
  EXPECT_THROW(FixedLength<>().use_length(0), std::invalid_argument);
}

TEST(FixedLength, RefusesAShorterLastRecord) {
  EXPECT_THROW(records_of<FixedLength<4>>("abcdef", as_it_is), std::runtime_error);
}

TEST(WholeFile, IsOneRecordEvenWhenEmpty) {
  EXPECT_EQ(records_of<WholeFile>("a\nb", as_it_is), (Found{{"a\nb", 0}}));
  EXPECT_EQ(records_of<WholeFile>("", as_it_is), (Found{{"", 0}}));
}

}  // namespace
}  // namespace fanfold
