// JSON Lines: fields of well-formed objects; everything else is refused with its place.

#include <fanfold/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fanfold {
namespace {

JsonLine line_of(std::string_view text) {
  JsonLine line;
  line.assign(text);
  return line;
}

std::string problem_of(std::string_view text) {
  JsonLine line = line_of(text);
  try {
    line.has("a");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(JsonLine, GivesFieldsByTheirTypes) {
  JsonLine line =
      line_of(R"( {"s":"text", "n":-1.5e2 ,"i":-42,"t":true,"f":false,"z":null,"o":{"a":[1]}} )");
  EXPECT_EQ(line.string("s"), "text");
  EXPECT_EQ(line.number("n"), -150);
  EXPECT_EQ(line.number("i"), -42);
  EXPECT_EQ(line.integer("i"), -42);
  EXPECT_TRUE(line.boolean("t"));
  EXPECT_FALSE(line.boolean("f"));
  EXPECT_TRUE(line.is_null("z"));
  EXPECT_FALSE(line.is_null("s"));
  EXPECT_EQ(line.raw("o"), R"({"a":[1]})");
}

TEST(JsonLine, KnowsWhichFieldsAreThere) {
  JsonLine line = line_of(R"({"a":1})");
  EXPECT_TRUE(line.has("a"));
  EXPECT_FALSE(line.has("b"));
  EXPECT_FALSE(line.find("b").has_value());
  EXPECT_THROW(line.raw("b"), std::out_of_range);
  EXPECT_FALSE(line_of("{}").has(""));
}

TEST(JsonLine, TakesTheLastOfTwoFieldsWithOneName) {
  EXPECT_EQ(line_of(R"({"a":1,"\u0061":2})").integer("a"), 2);
}

TEST(JsonLine, UndoesEscapes) {
  JsonLine line = line_of(R"({"k\n":"\"\\\/\b\f\n\r\t","u":"\u0041\u00e9\u20ac\ud83d\ude00"})");
  EXPECT_EQ(line.string("k\n"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(line.string("u"), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}

TEST(JsonLine, TurnsHalfASurrogatePairIntoTheReplacementCharacter) {
  EXPECT_EQ(line_of(R"({"a":"\ud83d"})").string("a"), "\xef\xbf\xbd");
  EXPECT_EQ(line_of(R"({"a":"\ude00x"})").string("a"), "\xef\xbf\xbdx");
  EXPECT_EQ(line_of(R"({"a":"\ud83d\u0041"})").string("a"), "\xef\xbf\xbd\x41");
}

TEST(JsonLine, KeepsStringsUntilTheNextLine) {
  JsonLine line = line_of(R"({"a":"\n1","b":"\n2","c":"\n3"})");
  const std::string_view a = line.string("a");
  const std::string_view b = line.string("b");
  const std::string_view c = line.string("c");
  EXPECT_EQ(std::string(a) + std::string(b) + std::string(c), "\n1\n2\n3");
}

TEST(JsonLine, RefusesAFieldOfAnotherType) {
  JsonLine line = line_of(R"({"s":"1","n":1.5,"big":123456789012345678901,"t":true})");
  EXPECT_THROW(line.number("s"), std::runtime_error);
  EXPECT_THROW(line.string("n"), std::runtime_error);
  EXPECT_THROW(line.integer("n"), std::runtime_error);
  EXPECT_THROW(line.integer("big"), std::runtime_error);
  EXPECT_THROW(line.boolean("n"), std::runtime_error);
  EXPECT_THROW(line.number("t"), std::runtime_error);
}

TEST(JsonLine, RefusesWhatIsNotOneWellFormedObject) {
  for (const std::string_view text : {"",
                                      "[1]",
                                      "1",
                                      "{",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\":1,}",
                                      "{\"a\":1}x",
                                      "{\"a\":01}",
                                      "{\"a\":1.}",
                                      "{\"a\":.5}",
                                      "{\"a\":-}",
                                      "{\"a\":1e}",
                                      "{\"a\":tru}",
                                      "{\"a\":\"}",
                                      "{\"a\":\"\\x\"}",
                                      "{\"a\":\"\\u12\"}",
                                      "{\"a\":\"\\u123g\"}",
                                      "{\"a\":[1,]}",
                                      "{\"a\":[1}",
                                      "{\"a\":{\"b\"}}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "{\"a\":+1}",
                                      "{\"a\":\"\x01\"}",
                                      "{\"a\":\"\\",
                                      "{\"a\":nan}"}) {
    EXPECT_THAT(problem_of(text), ::testing::HasSubstr("malformed JSON at byte")) << text;
  }
}

TEST(JsonLine, SaysWhereTheFaultIs) {
  EXPECT_THAT(problem_of(R"({"a":1 "b":2})"),
              ::testing::HasSubstr("at byte 7 of the line: ',' or '}' expected"));
}

TEST(JsonLine, RefusesNestingThatWouldUseUpTheStack) {
  const auto nested = [](std::size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_EQ(problem_of(nested(500)), "");
  EXPECT_THAT(problem_of(nested(600)), ::testing::HasSubstr("less nesting"));
  EXPECT_THAT(problem_of("{\"a\":" + std::string(1 << 20, '[')),
              ::testing::HasSubstr("less nesting"));
}

TEST(JsonLine, ParsesNothingBeforeItIsAsked) {
  JsonLine line = line_of("no JSON at all");
  EXPECT_EQ(line.text(), "no JSON at all");
}

TEST(JsonLine, ThrowsAgainWhenAskedAgain) {
  JsonLine line = line_of("{\"a\":1,");
  EXPECT_THROW(line.has("a"), std::runtime_error);
  EXPECT_THROW(line.has("a"), std::runtime_error);
}

}  // namespace
}  // namespace fanfold
