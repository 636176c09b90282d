// Keys: every one comes back, and bytes compare as the keys do.

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/public/encodings.hpp"

namespace fanfold {
namespace {

using namespace std::string_literals;

/// Given keys in ascending order: their bytes ascend, and each comes back from its bytes.
template <class T>
void expect_ascending(const std::vector<T>& keys) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::optional<T> back = decoded_key<T>(key_bytes(keys[i]));
    ASSERT_TRUE(back.has_value()) << i;
    EXPECT_EQ(*back, keys[i]) << i;
    for (std::size_t j = i + 1; j < keys.size(); ++j) {
      EXPECT_LT(key_bytes(keys[i]), key_bytes(keys[j])) << i << " before " << j;
    }
  }
}

template <class T>
std::vector<T> around_the_edges() {
  using Limits = std::numeric_limits<T>;
  std::vector<T> keys{Limits::min(), static_cast<T>(Limits::min() + 1)};
  if constexpr (std::is_signed_v<T>) keys.insert(keys.end(), {T{-2}, T{-1}});
  if constexpr (std::is_signed_v<T>) keys.push_back(0);
  keys.insert(keys.end(), {T{2}, T{3}, T{100}, static_cast<T>(Limits::max() - 1), Limits::max()});
  return keys;
}

enum class Level : std::int8_t { kLow = -1, kMiddle = 0, kHigh = 1 };

TEST(KeyCodec, OrdersIntegersOfEachWidth) {
  expect_ascending(around_the_edges<std::int8_t>());
  expect_ascending(around_the_edges<std::uint8_t>());
  expect_ascending(around_the_edges<std::int16_t>());
  expect_ascending(around_the_edges<std::uint16_t>());
  expect_ascending(around_the_edges<std::int32_t>());
  expect_ascending(around_the_edges<std::uint32_t>());
  expect_ascending(around_the_edges<std::int64_t>());
  expect_ascending(around_the_edges<std::uint64_t>());
}

TEST(KeyCodec, OrdersCharactersAsBytes) {
  expect_ascending(std::vector<char>{'\0', 'A', 'a', '\x7f', '\x80', '\xff'});
}

TEST(KeyCodec, OrdersBooleansAndEnumerations) {
  expect_ascending(std::vector<bool>{false, true});
  expect_ascending(std::vector<Level>{Level::kLow, Level::kMiddle, Level::kHigh});
}

TEST(KeyCodec, OrdersFloatingPointNumbersWithTheirInfinities) {
  using Doubles = std::numeric_limits<double>;
  expect_ascending(std::vector<double>{
      -Doubles::infinity(), Doubles::lowest(), -1.5, -1.0, -Doubles::min(), -Doubles::denorm_min(),
      0.0, Doubles::denorm_min(), 1e-9, 1.0, 1.5, Doubles::max(), Doubles::infinity()});
  expect_ascending(std::vector<float>{-1e30F, -1.0F, -0.5F, 0.0F, 0.5F, 1e30F});
}

TEST(KeyCodec, TakesTheTwoZerosForOneKey) {
  EXPECT_EQ(key_bytes(-0.0), key_bytes(0.0));
  EXPECT_FALSE(std::signbit(*decoded_key<double>(key_bytes(-0.0))));
}

TEST(KeyCodec, TakesAllNaNsForOneKeyBehindAllNumbers) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(key_bytes(nan), key_bytes(std::copysign(std::nan("7"), -1.0)));
  EXPECT_LT(key_bytes(std::numeric_limits<double>::infinity()), key_bytes(nan));
  EXPECT_TRUE(std::isnan(*decoded_key<double>(key_bytes(nan))));
}

TEST(KeyCodec, KeepsAStringAsItIs) {
  const std::string text = "any\0bytes\xff"s;
  EXPECT_EQ(key_bytes(text), text);
  EXPECT_EQ(key_bytes(std::string_view(text)), text);
  EXPECT_EQ(decoded_key<std::string>(text), text);
}

TEST(KeyCodec, OrdersStringsInsideCompositesWhateverTheyHold) {
  using Key = std::pair<std::string, std::uint32_t>;
  expect_ascending(std::vector<Key>{{"", 0},
                                    {"", 7},
                                    {"\0"s, 0},
                                    {"\0\0"s, 0},
                                    {"\0a"s, 0},
                                    {"\0\xff"s, 0},
                                    {"\x01"s, 0},
                                    {"a", 3},
                                    {"a\0"s, 1},
                                    {"aa", 0},
                                    {"b", 0},
                                    {"\xff", 0}});
}

TEST(KeyCodec, OrdersTuplesArraysListsAndOptionalsPartByPart) {
  expect_ascending(std::vector<std::tuple<std::string, double, bool>>{
      {"a", -1.0, true}, {"a", 2.0, false}, {"a", 2.0, true}, {"b", -9.0, false}});
  expect_ascending(std::vector<std::array<std::int16_t, 2>>{{-1, 5}, {0, -3}, {0, 0}, {7, 0}});
  expect_ascending(std::vector<std::vector<std::string>>{
      {}, {""}, {"", ""}, {"a"}, {"a", ""}, {"a", "b"}, {"b"}});
  expect_ascending(std::vector<std::optional<std::int32_t>>{std::nullopt, -5, 0, 5});
  expect_ascending(std::vector<std::pair<std::vector<int>, int>>{
      {{}, 9}, {{1}, 1}, {{1}, 2}, {{1, -1}, 0}, {{2}, 0}});
}

/// A random key of strings and numbers, from few enough values for ties to happen.
std::tuple<std::string, std::int32_t, std::vector<std::string>> random_key(
    std::mt19937_64& random) {
  std::vector<std::string> list(random() % 3);
  for (std::string& text : list) text = random_bytes(random, 2);
  return {random_bytes(random, 3), static_cast<std::int32_t>(random() % 5) - 2, list};
}

TEST(KeyCodec, OrdersRandomCompositesAsTheLanguageDoes) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const auto a = random_key(random);
    const auto b = random_key(random);
    EXPECT_EQ(a < b, key_bytes(a) < key_bytes(b)) << i;
    EXPECT_EQ(a == b, key_bytes(a) == key_bytes(b)) << i;
    EXPECT_EQ(decoded_key<decltype(random_key(random))>(key_bytes(a)), a) << i;
  }
}

TEST(KeyCodec, NeverBeginsOneCompositeWithAnother) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 20000; ++i) {
    const auto a = random_key(random);
    const auto b = random_key(random);
    EXPECT_TRUE(a == b || !key_bytes(b).starts_with(key_bytes(a))) << i;
  }
}

/// Any bytes decode to a key that encodes to them again, or to nothing.
template <class T>
void expect_total() {
  std::mt19937_64 random(3);
  int decoded = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string bytes = random_bytes(random, 12);
    const auto key = decoded_key<T>(bytes);
    if (!key) continue;
    ++decoded;
    EXPECT_EQ(key_bytes(*key), bytes) << i;
  }
  EXPECT_GT(decoded, 0);
}

TEST(KeyCodec, DecodesAnyBytesToTheirKeyOrToNothing) {
  expect_total<bool>();
  expect_total<std::uint16_t>();
  expect_total<std::int64_t>();
  expect_total<std::pair<std::string, std::string>>();
  expect_total<std::vector<std::string>>();
  expect_total<std::tuple<std::optional<std::uint8_t>, std::vector<std::uint8_t>>>();
}

TEST(KeyCodec, RefusesBytesThatAreMissingOrTooMany) {
  const auto whole = key_bytes(std::tuple<std::string, std::int32_t>("a\0b"s, 7));
  using Key = std::tuple<std::string, std::int32_t>;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decoded_key<Key>(whole.substr(0, size))) << size;
  }
  EXPECT_FALSE(decoded_key<Key>(whole + "\0"s));
}

TEST(KeyCodec, LendsViewsFromItsBytesUnlessTheyWereEscaped) {
  const std::string plain = key_bytes(std::pair<std::string, int>("plain", 1));
  std::pair<std::string_view, int> key;
  Scratch scratch;
  ASSERT_TRUE(decode_key(plain, key, scratch));
  EXPECT_EQ(key.first.data(), plain.data());
  const std::string escaped = key_bytes(std::pair<std::string, int>("a\0b"s, 1));
  ASSERT_TRUE(decode_key(escaped, key, scratch));
  EXPECT_EQ(key.first, "a\0b"s);
  EXPECT_TRUE(key.first.data() < escaped.data() ||
              key.first.data() >= escaped.data() + escaped.size());
}

TEST(KeyCodec, NamesTheOrderOfEachType) {
  EXPECT_EQ(KeyCodec<std::string>::order(), "bytes");
  EXPECT_EQ(KeyCodec<std::string_view>::order(), "bytes");
  EXPECT_EQ(KeyCodec<char>::order(), "bytes");  // Printed as a character, not as a number.
  EXPECT_EQ(KeyCodec<std::uint8_t>::order(), "uint");
  EXPECT_EQ(KeyCodec<std::int8_t>::order(), "int");
  EXPECT_EQ(KeyCodec<Level>::order(), "int");
  EXPECT_EQ(KeyCodec<float>::order(), "float");
  EXPECT_EQ(KeyCodec<bool>::order(), "bool");
  using Pair = std::pair<std::string, std::uint64_t>;
  EXPECT_EQ(KeyCodec<Pair>::order(), "tuple(bytes,uint)");
  EXPECT_EQ((KeyCodec<std::array<int, 2>>::order()), "tuple(int,int)");
  EXPECT_EQ(KeyCodec<std::vector<Pair>>::order(), "list(tuple(bytes,uint))");
  EXPECT_EQ(KeyCodec<std::optional<int>>::order(), "optional(int)");
}

/// A key type of a user's own: sorted by its number, downwards.
struct Rank {
  std::uint32_t number = 0;
  bool operator==(const Rank&) const = default;
};

}  // namespace

template <>
struct KeyCodec<Rank> {
  static void encode(const Rank& key, Bytes& out) {
    KeyCodec<std::uint32_t>::encode(~key.number, out);
  }
  static bool decode(const char*& from, const char* end, Rank& key, Scratch& scratch) {
    if (!KeyCodec<std::uint32_t>::decode(from, end, key.number, scratch)) return false;
    key.number = ~key.number;
    return true;
  }
  static std::string order() { return "rank"; }
};

namespace {

TEST(KeyCodec, TakesTheCodecOfAUsersType) {
  expect_ascending(std::vector<Rank>{{9}, {5}, {0}});
  using Composite = std::pair<Rank, std::string>;
  expect_ascending(std::vector<Composite>{{{5}, "a"}, {{5}, "b"}, {{1}, "a"}});
  EXPECT_EQ(KeyCodec<Composite>::order(), "tuple(rank,bytes)");
}

}  // namespace
}  // namespace fanfold
