// A line of an event log is JSON whatever is put into it.

#include "master/events/json_line.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace fanfold::master {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLong = 1u << 20;

std::string as_json(std::string_view text, std::size_t bytes_max = kLong) {
  std::string out;
  append_json_text(text, bytes_max, &out);
  return out;
}

TEST(JsonLine, HasItsFieldsInTheOrderOfTheCalls) {
  std::string out;
  JsonLine(&out, "job.ended", 17)
      .text("name", "a \"b\"")
      .number("bytes", 18446744073709551615u)
      .flag("sample", true)
      .texts("notes", std::vector<std::string>{"x", "y\n"})
      .counters("counters", {{"lost", -3}, {"seen", 4}});
  EXPECT_EQ(out,
            "{\"event\":\"job.ended\",\"time\":17,\"name\":\"a "
            "\\\"b\\\"\",\"bytes\":18446744073709551615,"
            "\"sample\":true,\"notes\":[\"x\",\"y\\n\"],\"counters\":{\"lost\":-3,\"seen\":4}}\n");
}

TEST(JsonLine, IsJsonWithAnyBytesInItsTexts) {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes(random() % 24, '\0');
    // Many bytes that begin or continue a character of several bytes.
    for (char& byte : bytes)
      byte = static_cast<char>(random() % 3 == 0 ? random() : random() | 0x80);
    const Json read = Json::parse(as_json(bytes, 1 + random() % 24), nullptr, false);
    ASSERT_TRUE(read.is_string()) << "seed 7, text " << i;
  }
}

TEST(JsonLine, KeepsEveryValidCharacter) {
  const std::string text = "\t\x01 \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xed\x9f\xbf \x7f";
  EXPECT_EQ(Json::parse(as_json(text)).get<std::string>(), text);
}

TEST(JsonLine, ReplacesWhatIsNoCharacter) {
  // A lone continuation, an overlong slash, a surrogate, beyond the last character, the end in one.
  for (const char* text : {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    const auto read = Json::parse(as_json(text)).get<std::string>();
    EXPECT_NE(read.find("\xef\xbf\xbd"), std::string::npos) << text;
  }
}

TEST(JsonLine, CutsLongTextsBetweenCharacters) {
  EXPECT_EQ(as_json("abcdef", 3), "\"abc...\"");
  EXPECT_EQ(as_json("ab\xe2\x82\xac", 3), "\"ab...\"");
  EXPECT_EQ(as_json("abc", 3), "\"abc\"");
}

}  // namespace
}  // namespace fanfold::master
