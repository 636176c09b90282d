// Jobs without a combiner: pairs come out sorted by key, values in input order or sorted, whether
// or not they were spilled on the way.

#include <fanfold/testing.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace fanfold {
namespace {

/// `key number` lines; keys of all lengths, few enough to repeat.
std::string numbered_lines(std::size_t count) {
  std::mt19937_64 random(14);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t key = random() % (count / 20 + 1);
    text += std::string(key % 30, 'k') + std::to_string(key) + " " + std::to_string(i) + "\n";
  }
  return text;
}

struct Group {
  void map(std::string_view line, Emitter<std::string_view, std::uint32_t>& out) {
    const std::size_t space = line.find(' ');
    out.emit(line.substr(0, space),
             static_cast<std::uint32_t>(std::stoul(std::string(line.substr(space + 1)))));
  }
};

/// What Group writes, from a map.
std::string oracle(const std::string& text) {
  std::map<std::string, std::vector<std::string>> groups;
  std::istringstream stream(text);
  for (std::string key, number; stream >> key >> number;) groups[key].push_back(number);
  std::string lines;
  for (const auto& [key, numbers] : groups) {
    for (const std::string& number : numbers) lines += key + "\t" + number + "\n";
  }
  return lines;
}

TEST(SortBuffer, KeepsValuesOfAKeyInInputOrder) {
  const std::string text = numbered_lines(20000);
  const std::string expected = oracle(text);
  EXPECT_EQ(testing::run<Group>({.input = text}).output(), expected);
  EXPECT_EQ(testing::run<Group>({.input = text, .split_bytes = 5000}).output(), expected);
}

TEST(SortBuffer, KeepsThemSoThroughSpillsAndSeveralPasses) {
  const std::string text = numbered_lines(60000);
  // So little memory that many spills must be merged, and merged again: two runs at a time.
  const auto result = testing::run<Group>({.input = text, .memory_bytes = 1 << 16});
  EXPECT_GT(result.spills, 20u);
  EXPECT_EQ(result.output(), oracle(text));
}

TEST(SortBuffer, SplitsEachSpillIntoPartitions) {
  const std::string text = numbered_lines(20000);
  testing::Options options{.input = text, .partitions = 7};
  const auto whole = testing::run<Group>(options);
  options.memory_bytes = 1 << 16;
  EXPECT_EQ(testing::run<Group>(options).parts, whole.parts);
  EXPECT_EQ(whole.parts.size(), 7u);
}

TEST(SortBuffer, TakesAPairThatIsLargerThanItsBudget) {
  const std::string big(300'000, 'b');
  const std::string text = "a 1\n" + big + " 2\nc 3\n";
  const auto result = testing::run<Group>({.input = text, .memory_bytes = 1 << 16});
  EXPECT_EQ(result.output(), "a\t1\n" + big + "\t2\nc\t3\n");
}

TEST(SortBuffer, WritesAnEmptyRunForNoPairs) {
  EXPECT_EQ(testing::run<Group>({.input = ""}).output(), "");
  EXPECT_EQ(testing::run<Group>({.input = "", .partitions = 3}).parts, std::vector<std::string>(3));
}

struct Ordered : Group {
  static constexpr bool order_values = true;
};

TEST(OrderedValues, ComeSortedWhateverTheSplitsAndSpills) {
  std::string text;
  for (const int number : {10, 9, 200, 1, 30, 9}) text += "k " + std::to_string(number) + "\n";
  for (const std::uint64_t split : {0, 1, 10}) {
    EXPECT_EQ(testing::run<Ordered>({.input = text, .split_bytes = split}).output(),
              "k\t1\nk\t9\nk\t9\nk\t10\nk\t30\nk\t200\n");
  }
}

TEST(OrderedValues, OfMillionsOfBytesAgreeWithASort) {
  std::mt19937_64 random(15);
  std::string text;
  std::vector<std::uint32_t> numbers;
  for (int i = 0; i < 30000; ++i) {
    numbers.push_back(static_cast<std::uint32_t>(random()));
    text += "k " + std::to_string(numbers.back()) + "\n";
  }
  std::sort(numbers.begin(), numbers.end());
  std::string expected;
  for (const std::uint32_t number : numbers) expected += "k\t" + std::to_string(number) + "\n";
  const auto result =
      testing::run<Ordered>({.input = text, .split_bytes = 50000, .memory_bytes = 1 << 16});
  EXPECT_GT(result.spills, 0u);
  EXPECT_EQ(result.output(), expected);
}

}  // namespace
}  // namespace fanfold
