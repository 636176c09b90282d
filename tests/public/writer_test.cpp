// The three output formats, byte by byte, and that a reader can undo them.

#include <fanfold/detail/memory_host.hpp>
#include <fanfold/json.hpp>
#include <fanfold/writer.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <tuple>
#include <vector>

#include "cli/output/key_order.hpp"

namespace fanfold {
namespace {

using namespace std::string_literals;

enum class Level : std::uint8_t { kHigh = 3 };

struct Point {
  int x = 0;
  int y = 0;
};
std::string to_text(const Point& point) {
  return std::to_string(point.x) + "," + std::to_string(point.y);
}

/// What `act` writes, in a format.
template <class Act>
std::string written(abi::OutputFormat format, const Act& act) {
  testing::MemoryHost host;
  abi::ProgressSlot progress;
  detail::Outputs outputs(host, format, progress);
  act(outputs.to(""));
  outputs.flush();
  return host.outputs[""];
}
template <class K, class V>
std::string text_of(const K& key, const V& value) {
  return written(abi::OutputFormat::kText, [&](Writer& out) { out.write(key, value); });
}
template <class V>
std::string text_of(const V& value) {
  return written(abi::OutputFormat::kText, [&](Writer& out) { out.write(value); });
}
template <class V>
std::string json_of(const V& value) {
  const std::string line =
      written(abi::OutputFormat::kJsonLines, [&](Writer& out) { out.write(value); });
  EXPECT_TRUE(line.starts_with("{\"key\":") && line.ends_with("}\n")) << line;
  return line.substr(7, line.size() - 9);
}
template <class K, class V>
std::string binary_of(const K& key, const V& value) {
  return written(abi::OutputFormat::kBinary, [&](Writer& out) { out.write(key, value); });
}

TEST(TextOutput, IsKeyTabValueLineFeed) {
  EXPECT_EQ(text_of("word", 7), "word\t7\n");
  EXPECT_EQ(text_of(std::string("key")), "key\n");
  EXPECT_EQ(text_of("", ""), "\t\n");
}

TEST(TextOutput, EscapesWhatWouldBreakALine) {
  EXPECT_EQ(text_of("a\tb\nc\rd\\e", "\t"), "a\\tb\\nc\\rd\\\\e\t\\t\n");
  EXPECT_EQ(text_of(",\"'\0\x01\xff\xc3\xa9"s), ",\"'\0\x01\xff\xc3\xa9\n"s);
}

TEST(TextOutput, WritesNumbersInTheirShortestForm) {
  EXPECT_EQ(text_of(std::int64_t{std::numeric_limits<std::int64_t>::min()}, std::uint8_t{200}),
            "-9223372036854775808\t200\n");
  EXPECT_EQ(text_of(0.1, 1e100), "0.1\t1e+100\n");
  EXPECT_EQ(text_of(1.0f / 3, -0.0), "0.33333334\t-0\n");
  EXPECT_EQ(text_of(std::numeric_limits<double>::infinity(), std::nan("")), "inf\tnan\n");
  EXPECT_EQ(text_of(true, 'x'), "true\tx\n");
  EXPECT_EQ(text_of('\t', Level::kHigh), "\\t\t3\n");
  EXPECT_EQ(text_of(std::int8_t{-5}, std::uint8_t{65}), "-5\t65\n");
}

TEST(TextOutput, JoinsCompositesByCommas) {
  EXPECT_EQ(text_of(std::pair("a,b", 2), std::vector<std::string>{"x", "", ","}),
            "a\\,b,2\tx,,\\,\n");
  EXPECT_EQ(text_of(std::array<int, 2>{1, 2}, std::tuple("a"s, std::pair(1, 2.5))),
            "1,2\ta,1,2.5\n");
  EXPECT_EQ(text_of(std::optional<int>(), std::optional<std::string>("a\t")), "\ta\\t\n");
  EXPECT_EQ(text_of(std::vector<bool>{true, false}), "true,false\n");
}

TEST(TextOutput, PrintsAUsersTypeAsItSays) {
  EXPECT_EQ(text_of(Point{1, 2}, std::vector<Point>{{3, 4}}), "1,2\t3\\,4\n");
}

TEST(TextOutput, LeavesReadyLinesAlone) {
  const auto out = written(abi::OutputFormat::kText, [](Writer& writer) {
    writer.write_line("a\tb\\\r");
    writer.write_line("two\nlines\n");
    writer.write_line("");
  });
  EXPECT_EQ(out, "a\tb\\\r\ntwo\\nlines\\n\n\n");
}

TEST(TextOutput, ComesBackFromItsEscapes) {
  std::mt19937_64 random(8);
  for (int i = 0; i < 20000; ++i) {
    std::string text(random() % 40, '\0');
    for (char& c : text) c = random() % 3 != 0 ? "\t\n\r\\,tnr"[random() % 8] : char(random());
    const std::string line = text_of(text);
    ASSERT_EQ(line.find_first_of("\t\r"), std::string::npos) << i;
    ASSERT_EQ(line.find('\n'), line.size() - 1) << i;
    ASSERT_EQ(cli::unescape(line.substr(0, line.size() - 1)), text) << i;
    const std::string part = text_of(std::pair(text, text));
    ASSERT_EQ(cli::unescape(part.substr(0, part.size() / 2 - 1)), text) << i;
  }
}

TEST(JsonOutput, HasKeyAndValue) {
  const auto line = written(abi::OutputFormat::kJsonLines, [](Writer& out) {
    out.write("a\"b", 7);
    out.write("alone");
    out.write_line("a\tb\n");
  });
  EXPECT_EQ(line,
            "{\"key\":\"a\\\"b\",\"value\":7}\n{\"key\":\"alone\"}\n{\"line\":\"a\\tb\\n\"}\n");
}

TEST(JsonOutput, WritesTypesAsJsonHasThem) {
  EXPECT_EQ(json_of(-5), "-5");
  EXPECT_EQ(json_of(0.5), "0.5");
  EXPECT_EQ(json_of(true), "true");
  EXPECT_EQ(json_of('c'), "\"c\"");
  EXPECT_EQ(json_of(Level::kHigh), "3");
  EXPECT_EQ(json_of(std::pair("a", std::vector<int>{1, 2})), "[\"a\",[1,2]]");
  EXPECT_EQ(json_of(std::vector<int>()), "[]");
  EXPECT_EQ(json_of(std::optional<int>()), "null");
  EXPECT_EQ(json_of(std::optional<int>(3)), "3");
  EXPECT_EQ(json_of(Point{1, 2}), "\"1,2\"");
}

TEST(JsonOutput, WritesNumbersThatJsonDoesNotKnowAsNull) {
  EXPECT_EQ(json_of(std::nan("")), "null");
  EXPECT_EQ(json_of(-std::numeric_limits<float>::infinity()), "null");
}

TEST(JsonOutput, EscapesControlCharactersAndKeepsUtf8) {
  EXPECT_EQ(json_of("\0\x1f\x7f\b\"\\/"s), "\"\\u0000\\u001f\x7f\\u0008\\\"\\\\/\"");
  EXPECT_EQ(json_of("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
            "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

TEST(JsonOutput, ReplacesBytesThatAreNoUtf8) {
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(json_of("a\xff"), "\"a" + bad + "\"");
  EXPECT_EQ(json_of("\xc3"), "\"" + bad + "\"") << "cut short";
  EXPECT_EQ(json_of("\xc0\x80"), "\"" + bad + bad + "\"") << "overlong";
  EXPECT_EQ(json_of("\xed\xa0\x80"), "\"" + bad + bad + bad + "\"") << "a surrogate";
  EXPECT_EQ(json_of("\xf4\x90\x80\x80"), "\"" + bad + bad + bad + bad + "\"") << "beyond Unicode";
}

TEST(JsonOutput, ComesBackThroughAReader) {
  std::mt19937_64 random(9);
  for (int i = 0; i < 20000; ++i) {
    std::string text(random() % 20, '\0');
    for (char& c : text) c = static_cast<char>(random() % 128);
    const std::string line =
        written(abi::OutputFormat::kJsonLines, [&](Writer& out) { out.write(text, 1); });
    JsonLine read;
    read.assign(std::string_view(line).substr(0, line.size() - 1));
    ASSERT_EQ(read.string("key"), text) << i;
    ASSERT_EQ(read.integer("value"), 1) << i;
  }
}

TEST(BinaryOutput, IsTwoSizesAndTheEncodings) {
  EXPECT_EQ(binary_of("key", "value"), "\x03\x05keyvalue");
  EXPECT_EQ(binary_of(std::uint16_t{258}, std::uint16_t{3}), "\x02\x01\x01\x02\x03");
  EXPECT_EQ(binary_of(std::pair("k"s, true), Nothing()), "\x04\x00k\0\0\x01"s);
  EXPECT_EQ(binary_of(std::string(200, 'k'), "").substr(0, 3), "\xc8\x01\x00"s);
}

TEST(BinaryOutput, HoldsALineAsAValueWithoutAKey) {
  EXPECT_EQ(written(abi::OutputFormat::kBinary, [](Writer& out) { out.write_line("a\nb"); }),
            "\x00\x03"s + "a\nb");
}

TEST(BinaryOutput, HoldsTheTextOfATypeWithoutACodec) {
  EXPECT_EQ(binary_of("k", Point{1, 2}), "\x01\x03k1,2");
}

TEST(Outputs, GoToFilesOfTheirNames) {
  testing::MemoryHost host;
  abi::ProgressSlot progress;
  detail::Outputs outputs(host, abi::OutputFormat::kText, progress);
  Writer& out = outputs.to("");
  out.to("rejects").write_line("bad");
  out.write("good");
  out.to("rejects").write_line("worse");
  EXPECT_EQ(&out.to("rejects"), &outputs.to("rejects"));
  outputs.flush();
  EXPECT_EQ(host.outputs["rejects"], "bad\nworse\n");
  EXPECT_EQ(host.output_records["rejects"], 2u);
  EXPECT_EQ(host.outputs[""], "good\n");
  EXPECT_EQ(host.output_records[""], 1u);
}

TEST(Outputs, RefuseNamesThatCannotBeFiles) {
  testing::MemoryHost host;
  abi::ProgressSlot progress;
  detail::Outputs outputs(host, abi::OutputFormat::kText, progress);
  for (const std::string& name :
       {"a/b"s, ".hidden"s, "_x"s, "-x"s, "a b"s, "a\0b"s, "\xc3\xa9"s, std::string(65, 'a')}) {
    EXPECT_THROW(outputs.to(name), std::invalid_argument) << name;
  }
  EXPECT_NO_THROW(outputs.to("a.B-9_" + std::string(58, 'z')));
}

TEST(Outputs, HandOverLargeOutputInPieces) {
  testing::MemoryHost host;
  abi::ProgressSlot progress;
  detail::Outputs outputs(host, abi::OutputFormat::kText, progress);
  Writer& out = outputs.to("");
  const std::string line(1000, 'x');
  for (int i = 0; i < 1000; ++i) out.write_line(line);
  EXPECT_GT(host.outputs[""].size(), 700'000u) << "kept in memory";
  EXPECT_GT(progress.ticks.load(), 0u) << "a written block is a sign of life";
  outputs.flush();
  EXPECT_EQ(host.output_records[""], 1000u);
  EXPECT_EQ(host.outputs[""].size(), 1'001'000u);
}

}  // namespace
}  // namespace fanfold
