// Which partition a key belongs to: by a hash that is fixed for ever, by ranges, or by the job.

#include <fanfold/hash.hpp>
#include <fanfold/testing.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace fanfold {
namespace {

// Other builds and hosts rely on these numbers: XXH3-64 as published, seed 0.
TEST(Hash, IsXxh3ForEver) {
  EXPECT_EQ(hash(""), 0x2d06800538d394c2u);
  EXPECT_EQ(hash("a"), 0xe6c632b61e964e1fu);
  EXPECT_EQ(hash("abc"), 0x78af5f94892f3950u);
  EXPECT_EQ(hash(std::string(1000, 'x')), 0xc0a4877b962cba82u);
}

TEST(Hash, SharesItsRangeAmongPartitionsInOrder) {
  EXPECT_EQ(partition_of(0, 7), 0u);
  EXPECT_EQ(partition_of(~std::uint64_t{0}, 7), 6u);
  EXPECT_EQ(partition_of(std::uint64_t{1} << 63, 2), 1u);
  EXPECT_EQ(partition_of((std::uint64_t{1} << 63) - 1, 2), 0u);
  EXPECT_EQ(partition_of(~std::uint64_t{0}, 1), 0u);
  std::uint32_t last = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::uint32_t partition = partition_of(i << 54, 100000);
    EXPECT_GE(partition, last);
    last = partition;
  }
}

TEST(Hash, SpreadsKeysEvenly) {
  std::vector<int> counts(8);
  for (int i = 0; i < 80000; ++i) ++counts[partition_of(hash("key" + std::to_string(i)), 8)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
}

struct Repeat {
  void map(std::string_view line, Emitter<std::string_view, Nothing>& out) { out.emit(line); }
};

std::string many_lines(std::size_t count) {
  std::mt19937_64 random(12);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += std::to_string(random() % 1000000) + "\n";
  return text;
}

TEST(HashPartitioning, PutsAKeyWhereItsHashSays) {
  const auto result = testing::run<Repeat>({.input = many_lines(1000), .partitions = 5});
  for (std::uint32_t i = 0; i < 5; ++i) {
    ASSERT_FALSE(result.parts[i].empty());
    std::string_view rest = result.parts[i];
    for (std::size_t end = 0; !rest.empty(); rest.remove_prefix(end + 1)) {
      end = rest.find('\n');
      EXPECT_EQ(partition_of(hash(rest.substr(0, end)), 5), i);
    }
  }
}

struct Sort : Repeat {
  static constexpr auto partitioning = kRangePartitioned;
};

TEST(RangePartitioning, PutsPartsInKeyOrder) {
  const std::string text = many_lines(5000);
  const auto result = testing::run<Sort>({.input = text, .partitions = 4, .split_bytes = 1000});
  const auto lines = result.lines();
  EXPECT_EQ(lines.size(), 5000u);
  EXPECT_TRUE(std::is_sorted(lines.begin(), lines.end()));
  for (const std::string& part : result.parts) {
    EXPECT_GT(part.size(), text.size() / 8) << "an uneven part";
  }
}

TEST(RangePartitioning, KeepsEqualKeysTogether) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "same\n";
  const auto result = testing::run<Sort>({.input = text + "other\nzebra\n", .partitions = 4});
  int parts_with_same = 0;
  for (const std::string& part : result.parts) {
    parts_with_same += part.find("same") != std::string::npos;
  }
  EXPECT_EQ(parts_with_same, 1);
  EXPECT_EQ(result.lines().size(), 1002u);
}

TEST(RangePartitioning, WorksWithoutAnyKeys) {
  const auto result = testing::run<Sort>({.input = "", .partitions = 3});
  EXPECT_EQ(result.parts, std::vector<std::string>(3));
}

TEST(Sampler, CutsIntoEvenRanges) {
  detail::Sampler sampler;
  for (int i = 999; i >= 0; --i) sampler.add(std::to_string(1000 + i));
  EXPECT_EQ(sampler.splitters(4), (std::vector<std::string>{"1250", "1500", "1750"}));
  EXPECT_TRUE(sampler.splitters(1).empty());
}

TEST(Sampler, ChoosesNoKeyTwiceAndNotTheSmallest) {
  detail::Sampler sampler;
  for (int i = 0; i < 100; ++i) sampler.add("a");
  sampler.add("b");
  EXPECT_TRUE(sampler.splitters(4).empty() ||
              sampler.splitters(4) == std::vector<std::string>{"b"});
  const auto splitters = sampler.splitters(1000);
  EXPECT_EQ(std::set<std::string>(splitters.begin(), splitters.end()).size(), splitters.size());
}

TEST(Sampler, ThinsOutEvenlyWhatIsTooMuch) {
  detail::Sampler sampler;
  for (int i = 0; i < 1 << 20; ++i) sampler.add(std::to_string(10000000 + i));
  const auto splitters = sampler.splitters(2);
  ASSERT_EQ(splitters.size(), 1u);
  EXPECT_NEAR(std::stod(splitters[0]), 10000000 + (1 << 19), 1000);
}

struct ByLength {
  void map(std::string_view line, Emitter<std::string, int>& out) { out.emit(line, 1); }
  static std::uint32_t partition(const std::string& key, std::uint32_t partitions) {
    return static_cast<std::uint32_t>(key.size()) % partitions;
  }
};

TEST(CustomPartitioning, AsksTheJob) {
  const auto result = testing::run<ByLength>({.input = "a\nbb\nccc\ndddd\n", .partitions = 3});
  EXPECT_EQ(result.parts, (std::vector<std::string>{"ccc\t1\n", "a\t1\ndddd\t1\n", "bb\t1\n"}));
}

struct OutOfRange : ByLength {
  static std::uint32_t partition(const std::string&, std::uint32_t partitions) {
    return partitions;
  }
};

TEST(CustomPartitioning, RefusesAPartitionThatIsNone) {
  EXPECT_THROW(testing::run<OutOfRange>({.input = "a\n", .partitions = 3}), std::out_of_range);
  EXPECT_EQ(testing::run<OutOfRange>({.input = "a\n"}).output(), "a\t1\n")
      << "one partition needs no choice";
}

}  // namespace
}  // namespace fanfold
