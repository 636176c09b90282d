#include "common/items/answers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfold::items {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

AnswerField field(const char* text) { return *AnswerField::parse(text); }

std::vector<std::string> texts(const AnswerRules& rules, const Json& output) {
  std::uint64_t duplicates = 0;
  const auto answers = read_answers(rules, output, &duplicates);
  std::vector<std::string> found;
  if (!answers.ok()) return {answers.status().message()};
  for (const Answer& answer : *answers) found.push_back(answer.text);
  return found;
}

TEST(Answers, AreTheLinesThatAreNotBlank) {
  EXPECT_THAT(texts({}, "b\r\n\n \t\na\tx\nlast"), ElementsAre("b", "a\tx", "last"));
}

TEST(Answers, OfTextAreRankedByAColumn) {
  AnswerRules rules;
  rules.rank = field("2");
  EXPECT_THAT(texts(rules, "a\t1\nb\t1e3\nc\t-2\nd\t 1 \n"),
              ElementsAre("b\t1e3", "a\t1", "d\t 1 ", "c\t-2"));
  rules.least_first = true;
  rules.top = 2;
  EXPECT_THAT(texts(rules, "a\t1\nb\t1e3\nc\t-2\nd\t1\n"), ElementsAre("c\t-2", "a\t1"));
}

TEST(Answers, OfJsonAreRankedAndPrintedAsTheyCame) {
  AnswerRules rules;
  rules.json = true;
  rules.rank = field("$.of.score");
  EXPECT_THAT(texts(rules, "{\"z\": 1, \"of\": {\"score\": 1}}\n{\"of\":{\"score\":2}}\n"),
              ElementsAre("{\"of\":{\"score\":2}}", "{\"z\": 1, \"of\": {\"score\": 1}}"));
}

TEST(Answers, ThatAreEqualAreKeptOnceTheBestOfThem) {
  AnswerRules rules;
  rules.json = true;
  rules.distinct = true;
  std::uint64_t duplicates = 0;
  const Json list = Json::parse(R"([{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}])");
  EXPECT_EQ(read_answers(rules, list, &duplicates)->size(), 2u);
  EXPECT_EQ(duplicates, 1u);
  rules.identity = field("$.a");
  rules.rank = field("$.b");
  EXPECT_THAT(
      texts(rules, Json::parse(R"([{"a": 1, "b": 2}, {"a": 1, "b": 3}, {"a": 2, "b": 1}])")),
      ElementsAre(R"({"a":1,"b":3})", R"({"a":2,"b":1})"));
}

TEST(Answers, ThatAreNotAsTheRulesWantThemAreNamed) {
  const auto because = [](const AnswerRules& rules, const Json& output) {
    return texts(rules, output).at(0);
  };
  AnswerRules rules;
  rules.rank = field("2");
  EXPECT_THAT(because(rules, "a\t1\nb\n"), HasSubstr("answer 2 has no number in column 2: b"));
  EXPECT_THAT(because(rules, "a\tnan\n"), HasSubstr("no number in column 2"));
  EXPECT_THAT(because(rules, "a\tinf\n"), HasSubstr("no number in column 2"));
  EXPECT_THAT(because(rules, "a\t1x\n"), HasSubstr("no number in column 2"));
  rules = {};
  rules.distinct = true;
  rules.identity = field("3");
  EXPECT_THAT(because(rules, "a\tb\n"), HasSubstr("answer 1 has no column 3"));
  rules = {};
  rules.json = true;
  EXPECT_THAT(because(rules, "{}\n{broken\n"), HasSubstr("answer 2 it is no JSON"));
  rules.rank = field("$.score");
  EXPECT_THAT(because(rules, "{\"score\": \"1\"}\n"), HasSubstr("no number at $.score"));
  EXPECT_THAT(because({}, Json::array({1})), HasSubstr("no answers"));
  EXPECT_THAT(because({}, Json()), HasSubstr("no answers"));
}

TEST(Answers, FieldsArePathsOrColumns) {
  for (const char* bad : {"", "0", "-1", "score", "$.", "$$.Map", "1.5", "$.list[*]"}) {
    EXPECT_FALSE(AnswerField::parse(bad).ok()) << bad;
  }
  EXPECT_TRUE(field("12").is_column());
  EXPECT_FALSE(field("$.a").is_column());
}

TEST(Answers, RulesAreReadAsTheyWereWritten) {
  AnswerRules rules;
  rules.json = rules.distinct = rules.least_first = true;
  rules.rank = field("$.score");
  rules.identity = field("$.id");
  rules.top = 7;
  const auto back = parse_rules(json_of(rules));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(json_of(*back), json_of(rules));
  for (const char* bad : {"null", "[]", "{}", R"({"Top": -1})", R"({"Top": 1, "Rank": 3})"}) {
    EXPECT_FALSE(parse_rules(Json::parse(bad)).ok()) << bad;
  }
}

}  // namespace
}  // namespace fanfold::items
