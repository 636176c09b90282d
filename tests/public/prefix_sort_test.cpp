// PrefixSort: against std::sort, for keys that share long beginnings and for many equal ones.

#include <fanfold/detail/prefix_sort.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace fanfold::detail {
namespace {

using namespace std::string_literals;

struct Entry {
  std::uint64_t prefix;
  std::size_t index;  // Of the key; also decides between equal keys.
};

struct Keys {
  const std::vector<std::string>& all;
  std::string_view key(const Entry& entry) const { return all[entry.index]; }
  std::size_t size_hint(const Entry& entry) const {
    return std::min<std::size_t>(all[entry.index].size(), 9);
  }
  bool equal_keys_less(const Entry& a, const Entry& b) const { return a.index < b.index; }
};

void expect_sorted(const std::vector<std::string>& all) {
  std::vector<Entry> entries;
  for (std::size_t i = 0; i < all.size(); ++i) {
    entries.push_back({prefix_of(all[i].data(), all[i].size()), i});
  }
  // The order in which entries arrive must not matter.
  std::shuffle(entries.begin(), entries.end(), std::mt19937_64(all.size()));
  const Keys keys{all};
  PrefixSort<Entry, Keys>(keys).sort(entries.data(), entries.data() + entries.size());
  std::vector<std::size_t> expected(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) expected[i] = i;
  std::stable_sort(expected.begin(), expected.end(),
                   [&](std::size_t a, std::size_t b) { return all[a] < all[b]; });
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(entries[i].index, expected[i]) << i;
}

TEST(PrefixSort, SortsNothingAndLittle) {
  expect_sorted({});
  expect_sorted({"a"});
  expect_sorted({"b", "a", "", "ab", "b"});
}

TEST(PrefixSort, TellsKeysApartThatOnlyDifferInZerosAtTheirEnd) {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < 100; ++i) {
    keys.push_back("k" + std::string(i % 20, '\0'));
    keys.push_back("same eight" + std::string(i % 20, '\0'));
  }
  expect_sorted(keys);
}

TEST(PrefixSort, SortsRandomKeysOfFewLetters) {
  std::mt19937_64 random(10);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> keys(random() % 500);
    const std::size_t size_max = 1 + random() % 40;
    const std::size_t letters = 1 + random() % 4;
    for (std::string& key : keys) {
      key.resize(random() % size_max);
      for (char& c : key) c = "\0ab\xff"[random() % letters];
    }
    expect_sorted(keys);
  }
}

TEST(PrefixSort, SortsManyKeysWithLongCommonBeginnings) {
  std::mt19937_64 random(11);
  std::vector<std::string> keys;
  for (int i = 0; i < 20000; ++i) {
    keys.push_back(std::string(random() % 3 * 40, 'x') + std::to_string(random() % 5000));
  }
  expect_sorted(keys);
}

TEST(PrefixSort, SortsManyEqualKeysByTheirEntries) {
  expect_sorted(std::vector<std::string>(5000, std::string(100, 'k')));
  expect_sorted(std::vector<std::string>(5000, "k"));
  expect_sorted(std::vector<std::string>(5000, ""));
}

}  // namespace
}  // namespace fanfold::detail
