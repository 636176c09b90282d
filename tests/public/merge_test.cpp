// Merging: equal keys keep the order of their segments; damaged segments are noticed.

#include <fanfold/detail/memory_host.hpp>
#include <fanfold/detail/merger.hpp>
#include <fanfold/detail/passes.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace fanfold::detail {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string encoded(const Pairs& pairs) {
  Bytes bytes;
  for (const auto& [key, value] : pairs) {
    append_varint(bytes, key.size());
    append_varint(bytes, value.size());
    bytes.append(key);
    bytes.append(value);
  }
  return std::string(bytes.view());
}

std::unique_ptr<abi::RunSource> segment(std::vector<std::string> blocks) {
  return std::make_unique<testing::MemorySource>(std::move(blocks));
}

Pairs merged(std::vector<std::unique_ptr<abi::RunSource>> sources, bool ordered_values = false) {
  abi::ProgressSlot progress;
  Merger merger(std::move(sources), ordered_values, progress);
  Pairs pairs;
  for (; !merger.at_end(); merger.advance()) {
    pairs.emplace_back(merger.record().key, merger.record().value);
  }
  return pairs;
}

template <class... Segments>
Pairs merged_segments(bool ordered_values, const Segments&... segments) {
  std::vector<std::unique_ptr<abi::RunSource>> sources;
  (sources.push_back(segment({encoded(segments)})), ...);
  return merged(std::move(sources), ordered_values);
}

TEST(Merger, OfNoSegmentsIsAtItsEnd) {
  EXPECT_TRUE(merged({}).empty());
  std::vector<std::unique_ptr<abi::RunSource>> sources;
  sources.push_back(segment({}));
  sources.push_back(segment({}));
  EXPECT_TRUE(merged(std::move(sources)).empty());
}

TEST(Merger, KeepsEqualKeysInTheOrderOfTheirSegments) {
  EXPECT_EQ(merged_segments(false, Pairs{{"a", "1"}, {"b", "2"}}, Pairs{{"a", "3"}},
                            Pairs{{"", "0"}, {"a", "4"}, {"a", "5"}}),
            (Pairs{{"", "0"}, {"a", "1"}, {"a", "3"}, {"a", "4"}, {"a", "5"}, {"b", "2"}}));
}

TEST(Merger, SortsValuesWhenToldTo) {
  EXPECT_EQ(merged_segments(true, Pairs{{"a", "3"}, {"a", "5"}}, Pairs{{"a", "1"}, {"a", "4"}}),
            (Pairs{{"a", "1"}, {"a", "3"}, {"a", "4"}, {"a", "5"}}));
}

TEST(Merger, ComparesKeysThatLookAlikeInTheirFirstEightBytes) {
  const std::string zeros(3, '\0');
  EXPECT_EQ(merged_segments(false, Pairs{{"k" + zeros, ""}, {"same eight b", ""}},
                            Pairs{{"k", ""}, {"same eight a", ""}, {"same eight b" + zeros, ""}}),
            (Pairs{{"k", ""},
                   {"k" + zeros, ""},
                   {"same eight a", ""},
                   {"same eight b", ""},
                   {"same eight b" + zeros, ""}}));
  // The prefix of a segment at its end is that of the largest key.
  EXPECT_EQ(merged_segments(false, Pairs{{"a", ""}}, Pairs{{std::string(8, '\xff'), ""}}),
            (Pairs{{"a", ""}, {std::string(8, '\xff'), ""}}));
}

TEST(Merger, AgreesWithAStableSort) {
  std::mt19937_64 random(16);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::unique_ptr<abi::RunSource>> sources;
    Pairs expected;
    for (std::size_t count = random() % 9; count > 0; --count) {
      Pairs pairs(random() % 30);
      for (auto& [key, value] : pairs) {
        key = std::string(random() % 12, "ab"[random() % 2]);
        value = std::to_string(random());
      }
      std::stable_sort(pairs.begin(), pairs.end(),
                       [](const auto& a, const auto& b) { return a.first < b.first; });
      expected.insert(expected.end(), pairs.begin(), pairs.end());
      // Blocks of any number of records.
      std::vector<std::string> blocks;
      for (std::size_t at = 0; at < pairs.size();) {
        const std::size_t size = std::min(pairs.size() - at, 1 + random() % 7);
        blocks.push_back(encoded(Pairs(pairs.begin() + at, pairs.begin() + at + size)));
        at += size;
      }
      sources.push_back(segment(std::move(blocks)));
    }
    std::stable_sort(expected.begin(), expected.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    ASSERT_EQ(merged(std::move(sources)), expected) << round;
  }
}

TEST(Merger, RefusesMalformedRecords) {
  using namespace std::string_literals;
  for (const std::string& bytes :
       {"\x01"s, "\x05\x01" + "abc"s, "\x01\x05" + "abc"s, std::string(20, '\xff'),
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s}) {
    std::vector<std::unique_ptr<abi::RunSource>> sources;
    sources.push_back(segment({bytes}));
    EXPECT_THROW(merged(std::move(sources)), std::runtime_error);
  }
}

TEST(Groups, GiveEachKeyItsValuesAndSkipThoseThatNobodyTook) {
  std::vector<std::unique_ptr<abi::RunSource>> sources;
  sources.push_back(segment({encoded({{"a", "1"}, {"a", "2"}, {"b", "3"}, {"c", "4"}})}));
  sources.push_back(segment({encoded({{"a", "5"}, {"b", "6"}})}));
  abi::ProgressSlot progress;
  Merger merger(std::move(sources), false, progress);
  Bytes key;
  Groups groups(merger, key, progress);
  std::string_view value;
  ASSERT_TRUE(groups.next_group());
  EXPECT_EQ(groups.key(), "a");
  ASSERT_TRUE(groups.next_value(value));
  EXPECT_EQ(value, "1");
  ASSERT_TRUE(groups.next_group()) << "two values of a are left alone";
  EXPECT_EQ(groups.key(), "b");
  ASSERT_TRUE(groups.next_group()) << "all of b are left alone";
  EXPECT_EQ(groups.key(), "c");
  EXPECT_TRUE(groups.next_value(value));
  EXPECT_FALSE(groups.next_value(value));
  EXPECT_FALSE(groups.next_value(value)) << "the end stays the end";
  EXPECT_FALSE(groups.next_group());
}

TEST(MergePlan, MergesAsFewAsLeaveEnoughForTheLastPass) {
  MergePlan plan;
  EXPECT_EQ(plan.size(10, 4), 4u);
  EXPECT_EQ(plan.size(5, 4), 2u);
  EXPECT_EQ(plan.size(6, 4), 3u);
}

TEST(MergePlan, OpensNoMoreRunsThanFitIntoTheBudget) {
  EXPECT_EQ(fan_in_of(0), 2u);
  EXPECT_EQ(fan_in_of(64u << 20), 85u);
  EXPECT_EQ(fan_in_of(std::uint64_t{1} << 40), 256u);
}

}  // namespace
}  // namespace fanfold::detail
