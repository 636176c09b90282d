// Scans: each way that this processor can go finds what a simple loop finds.

#include <fanfold/detail/scan.hpp>
#include <fanfold/records.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace fanfold::detail {
namespace {

std::vector<Scan> all_ways() {
  std::vector<Scan> ways = {Scan::kPortable};
  for (const Scan better : {Scan::kSse2, Scan::kAvx2}) {
    if (best_scan() >= better) ways.push_back(better);
  }
  return ways;
}

std::string random_text(std::mt19937_64& random, std::size_t size, std::string_view letters) {
  std::string text(size, ' ');
  for (char& letter : text) letter = letters[random() % letters.size()];
  return text;
}

TEST(FindLiteral, FindsTheFirstPlaceInAnyWay) {
  std::mt19937_64 random(31);
  for (int round = 0; round < 3000; ++round) {
    // In memory of exactly its size, so that a sanitizer sees a read behind it.
    const std::string text = random_text(random, random() % 200, "ab\n\xff");
    const std::vector<char> exact(text.begin(), text.end());
    const std::string literal = random_text(random, 1 + random() % 6, "ab\xff");
    const std::size_t expected = text.find(literal);
    for (const Scan way : all_ways()) {
      ASSERT_EQ(find_literal({exact.data(), exact.size()}, literal, way),
                expected == std::string::npos ? kNotFound : expected)
          << "round " << round << ", way " << static_cast<int>(way);
    }
  }
}

TEST(CountByte, CountsInAnyWay) {
  std::mt19937_64 random(32);
  for (int round = 0; round < 300; ++round) {
    // Some longer than what one byte can count, all of one kind.
    const std::string text = random_text(random, random() % 20'000, round % 3 == 0 ? "a" : "ab");
    const auto expected = static_cast<std::size_t>(std::count(text.begin(), text.end(), 'a'));
    for (const Scan way : all_ways()) {
      ASSERT_EQ(count_byte(text, 'a', way), expected)
          << "round " << round << ", way " << static_cast<int>(way);
    }
  }
}

struct Line {
  std::string text;
  std::uint64_t offset;
  bool operator==(const Line&) const = default;
};

/// As the format is defined, byte by byte.
std::vector<Line> lines_of(const std::string& text) {
  std::vector<Line> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t feed = text.find('\n', at);
    std::string line = text.substr(at, feed == std::string::npos ? feed : feed - at);
    if (feed != std::string::npos && line.ends_with('\r')) line.pop_back();
    lines.push_back({line, at});
    at = feed == std::string::npos ? text.size() : feed + 1;
  }
  return lines;
}

TEST(ForEachLine, GivesTheLinesThatALoopFinds) {
  std::mt19937_64 random(33);
  for (int round = 0; round < 3000; ++round) {
    const std::string text =
        random_text(random, random() % 400, round % 2 == 0 ? "ab\n\r" : "aaaaaaaaaaaaaaaaaaaa\n");
    std::vector<Line> found;
    for_each_line(text, [&](std::string_view line, std::uint64_t offset) {
      found.push_back({std::string(line), offset});
    });
    ASSERT_EQ(found, lines_of(text)) << "round " << round;
  }
}

TEST(ForEachLineWith, GivesTheLinesWithTheLiteralAndCountsAll) {
  std::mt19937_64 random(34);
  for (int round = 0; round < 3000; ++round) {
    const std::string text = random_text(random, random() % 400, "abc\n\r");
    const std::string literal = random_text(random, 1 + random() % 3, "ab");
    std::vector<Line> expected = lines_of(text);
    const std::size_t all = expected.size();
    std::erase_if(expected,
                  [&](const Line& line) { return line.text.find(literal) == std::string::npos; });
    std::vector<Line> found;
    std::uint64_t counted = 0;
    counted += for_each_line_with(
        text, literal, [&](std::string_view line, std::uint64_t offset, std::uint64_t passed) {
          found.push_back({std::string(line), offset});
          counted += passed + 1;
        });
    ASSERT_EQ(found, expected) << "round " << round;
    ASSERT_EQ(counted, all) << "round " << round;
  }
}

}  // namespace
}  // namespace fanfold::detail
