// Reference paths, intrinsic functions and payload templates of the States Language.

#include <gtest/gtest.h>

#include "common/items/expression.hpp"
#include "common/items/payload.hpp"

namespace fanfold::items {
namespace {

const Json kInput =
    Json::parse(R"({"a": {"b c": [10, {"d": null}]}, "text": "{\"x\": 1}", "n": 3})");
const Json kContext = Json::parse(R"({"Map": {"Item": {"Index": 7}}})");

std::string evaluated(const std::string& text) {
  const Result<Expression> expression = Expression::parse(text);
  if (!expression.ok()) return "refused";
  const Result<Json> value = expression->evaluate({kInput, kContext});
  return value.ok() ? text_of(*value) : value.status().message();
}

struct Row {
  const char* text;
  const char* value;
};
class ExpressionTable : public testing::TestWithParam<Row> {};
TEST_P(ExpressionTable, GivesWhatTheStatesLanguageSays) {
  EXPECT_EQ(evaluated(GetParam().text), GetParam().value);
}
constexpr Row kRows[] = {
    {"$.n", "3"},
    {"$.a['b c'][0]", "10"},
    {"$.a['b c'][1].d", "null"},
    {"$$.Map.Item.Index", "7"},
    {"$.a.missing", "there is nothing at $.a.missing"},
    {"$.a['b c'][2]", "there is nothing at $.a['b c'][2]"},
    {"$.n.x", "there is nothing at $.n.x"},
    {"$.", "refused"},
    {"$.a[*]", "refused"},
    {"$..b", "refused"},
    {"$.a[", "refused"},
    {"n", "refused"},
    {"", "refused"},
    {"States.Array($.n, 'two', 3, true)", R"([3,"two",3,true])"},
    {"States.Array()", "[]"},
    {"States.Format('{} of {}', $.n, 'all')", R"("3 of all")"},
    {"States.Format('{} {}', $.n)", "States.Format: there are more {} than values"},
    {"States.Format('{}', $.a)", "States.Format: an object or array is no text"},
    {"States.StringToJson($.text)", R"({"x":1})"},
    {"States.JsonToString(States.Array($.n))", R"("[3]")"},
    {"States.Format('it\\'s {}', $.n)", R"("it's 3")"},
    {"States.Uuid()", "refused"},
    {"States.Array($.n", "refused"},
    {"States.JsonToString()", "refused"},
};
INSTANTIATE_TEST_SUITE_P(Expressions, ExpressionTable, testing::ValuesIn(kRows));

TEST(Path, PutsValuesAndMakesTheObjectsOnTheWay) {
  Json json = {{"kept", 1}};
  ASSERT_TRUE(Path::parse("$.made.inner")->put("value", &json).ok());
  EXPECT_EQ(text_of(json), R"({"kept":1,"made":{"inner":"value"}})");
  EXPECT_FALSE(Path::parse("$.kept.x")->put(1, &json).ok());
  EXPECT_FALSE(Path::parse("$.list[0]")->put(1, &json).ok());
  EXPECT_FALSE(Path::parse("$$.x")->put(1, &json).ok());
}

TEST(Payload, ComputesFieldsAtAnyDepthAndLeavesTheRest) {
  const auto payload = Payload::parse(Json::parse(
      R"({"fixed": {"x": 1}, "n.$": "$.n", "list": [{"i.$": "$$.Map.Item.Index"}, 2]})"));
  ASSERT_TRUE(payload.ok()) << payload.status().message();
  EXPECT_EQ(text_of(*payload->expand({kInput, kContext})),
            R"({"fixed":{"x":1},"list":[{"i":7},2],"n":3})");
}

TEST(Payload, RefusesWhatIsNoPathAndNamesTheField) {
  for (const char* text : {R"({"a.$": 1})", R"({"a.$": "b"})", R"({"a": 1, "a.$": "$"})"}) {
    const auto payload = Payload::parse(Json::parse(text));
    ASSERT_FALSE(payload.ok()) << text;
    EXPECT_NE(payload.status().message().find("'a"), std::string::npos);
  }
}

TEST(JsonText, IsTotal) {
  EXPECT_FALSE(parse_json("{\"a\": ").ok());
  EXPECT_FALSE(parse_json(std::string(100'000, '[')).ok());
  EXPECT_TRUE(parse_json("\"" + std::string(100'000, '[') + "\"").ok());
  EXPECT_FALSE(parse_json("\"\xff\"").ok());
  EXPECT_FALSE(parse_json_strictly(R"({"a": 1, "a": 2})").ok());
  EXPECT_TRUE(parse_json_strictly(R"([{"a": 1}, {"a": 2}])").ok());
}

}  // namespace
}  // namespace fanfold::items
