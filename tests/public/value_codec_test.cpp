// Values: every one comes back, in few bytes; no bytes do harm.

#include <fanfold/cereal.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cereal/types/map.hpp>
#include <cereal/types/vector.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/public/encodings.hpp"

namespace fanfold {
namespace {

using namespace std::string_literals;

template <class T>
void expect_returns(const std::vector<T>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const T& value = values[i];
    const std::optional<T> back = decoded_value<T>(value_bytes(value));
    ASSERT_TRUE(back.has_value()) << i;
    EXPECT_EQ(*back, value) << i;
    EXPECT_FALSE(decoded_value<T>(value_bytes(value) + "x")) << i << ": a byte too many";
  }
}

template <class T>
void expect_numbers_return() {
  using Limits = std::numeric_limits<T>;
  expect_returns(std::vector<T>{Limits::lowest(), T{0}, T{1}, T{64}, T{127}, Limits::max()});
}

enum class Colour : std::uint16_t { kRed = 1, kBlue = 60000 };

TEST(ValueCodec, ReturnsNumbersOfEachType) {
  expect_numbers_return<std::int8_t>();
  expect_numbers_return<std::uint8_t>();
  expect_numbers_return<std::int16_t>();
  expect_numbers_return<std::uint16_t>();
  expect_numbers_return<std::int32_t>();
  expect_numbers_return<std::uint32_t>();
  expect_numbers_return<std::int64_t>();
  expect_numbers_return<std::uint64_t>();
  expect_numbers_return<float>();
  expect_numbers_return<double>();
  expect_returns(std::vector<char>{'\0', 'a', '\xff'});
  expect_returns(std::vector<Colour>{Colour::kRed, Colour::kBlue});
  for (const bool value : {false, true}) {
    EXPECT_EQ(decoded_value<bool>(value_bytes(value)), value);
  }
}

TEST(ValueCodec, KeepsTheBitsOfFloatingPointNumbers) {
  EXPECT_TRUE(std::signbit(*decoded_value<double>(value_bytes(-0.0))));
  EXPECT_TRUE(std::isnan(*decoded_value<double>(value_bytes(std::nan("")))));
}

TEST(ValueCodec, SpendsFewBytesOnSmallNumbers) {
  EXPECT_EQ(value_bytes(std::uint64_t{127}).size(), 1u);
  EXPECT_EQ(value_bytes(std::uint64_t{128}).size(), 2u);
  EXPECT_EQ(value_bytes(std::int64_t{-64}).size(), 1u);
  EXPECT_EQ(value_bytes(std::int64_t{-65}).size(), 2u);
  EXPECT_EQ(value_bytes(std::numeric_limits<std::uint64_t>::max()).size(), 10u);
  EXPECT_EQ(value_bytes(std::uint8_t{255}).size(), 1u);
  EXPECT_EQ(value_bytes(Nothing()).size(), 0u);
  EXPECT_EQ(value_bytes("text"s).size(), 4u);
}

TEST(ValueCodec, ReturnsComposites) {
  expect_returns(std::vector<std::pair<std::string, int>>{{"", 0}, {"a\0b\t"s, -7}});
  expect_returns(std::vector<std::tuple<std::string, double, bool>>{{"x", 0.5, true}});
  expect_returns(std::vector<std::array<std::uint32_t, 3>>{{1, 2, 3}});
  expect_returns(std::vector<std::vector<std::string>>{{}, {""}, {"a", "", "\0"s}});
  expect_returns(std::vector<std::optional<std::string>>{std::nullopt, "", "a"});
  expect_returns(std::vector<std::vector<std::pair<std::string, std::vector<int>>>>{
      {{"a", {1, 2}}, {"b", {}}}});
  expect_returns(std::vector<std::vector<bool>>{{true, false, true}});
}

TEST(ValueCodec, RefusesWhatNoEncoderWrites) {
  EXPECT_FALSE(decoded_value<bool>("\2"));
  EXPECT_FALSE(decoded_value<std::uint8_t>(""));
  EXPECT_FALSE(decoded_value<std::uint16_t>("\xff\xff\x7f")) << "more than sixteen bits";
  EXPECT_FALSE(decoded_value<std::int16_t>("\x80\x80\x08")) << "beyond the type";
  EXPECT_FALSE(decoded_value<std::uint64_t>(std::string(10, '\xff'))) << "more than 64 bits";
  EXPECT_FALSE(decoded_value<std::uint32_t>("\x80")) << "an unfinished number";
  EXPECT_FALSE(decoded_value<double>("1234567"));
  EXPECT_FALSE(decoded_value<std::optional<int>>("\2\0"s));
  using Named = std::pair<std::string, int>;
  EXPECT_FALSE(
      decoded_value<Named>("\x05"
                           "abc"))
      << "a text that is longer than its bytes";
  EXPECT_FALSE(decoded_value<std::vector<std::string>>("\xff\xff\xff\xff\x0f"))
      << "more elements than bytes";
}

/// A user's struct, through cereal.
struct Visit {
  std::string page;
  std::uint64_t time = 0;
  bool first = false;
  std::vector<std::string> tags;
  std::map<std::string, double> weights;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::make_nvp("page", page), time, first, tags, weights);
  }
  bool operator==(const Visit&) const = default;
};

/// The other shape that cereal knows: two functions beside the type.
struct Degrees {
  double celsius = 0;
  bool operator==(const Degrees&) const = default;
};
template <class Archive>
void save(Archive& archive, const Degrees& degrees) {
  archive(degrees.celsius + 273.15);
}
template <class Archive>
void load(Archive& archive, Degrees& degrees) {
  archive(degrees.celsius);
  degrees.celsius -= 273.15;
}

const Visit kVisit{"/a\0b"s, 1u << 30, true, {"x", ""}, {{"w", -0.5}}};

TEST(ValueCodec, ReturnsStructsThatCerealSerialises) {
  expect_returns(std::vector<Visit>{{}, kVisit});
  expect_returns(std::vector<Degrees>{{20.0}});
}

TEST(ValueCodec, TakesStructsInsideComposites) {
  expect_returns(std::vector<std::pair<std::string, Visit>>{{"a", kVisit}});
  expect_returns(std::vector<std::vector<Visit>>{{kVisit, {}, kVisit}});
}

TEST(ValueCodec, RefusesAStructThatIsCutShort) {
  const std::string whole = value_bytes(kVisit);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decoded_value<Visit>(whole.substr(0, size))) << size;
  }
}

TEST(ValueCodec, SurvivesAnyBytes) {
  std::mt19937_64 random(4);
  std::size_t decoded = 0;
  for (int i = 0; i < 50000; ++i) {
    const std::string bytes = random_bytes(random, 24);
    decoded += decoded_value<Visit>(bytes).has_value();
    decoded += decoded_value<std::vector<std::pair<std::string, int>>>(bytes).has_value();
    decoded += decoded_value<std::tuple<double, std::optional<std::string>>>(bytes).has_value();
    decoded += decoded_value<std::vector<std::vector<std::uint64_t>>>(bytes).has_value();
  }
  EXPECT_GT(decoded, 0u);
}

TEST(ValueCodec, EncodesInOrderWhenAskedTo) {
  Bytes low;
  Bytes high;
  encode_value<true>(std::pair(std::string("a"), 2), low);
  encode_value<true>(std::pair(std::string("a"), 10), high);
  EXPECT_LT(low.view(), high.view());
  std::pair<std::string, int> value;
  Scratch scratch;
  ASSERT_TRUE(decode_value<true>(high.view(), value, scratch));
  EXPECT_EQ(value.second, 10);
}

}  // namespace
}  // namespace fanfold
