// Parsing by table: flags, values, positionals, and the messages for what does not fit.

#include "cli/options/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fanfold::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Syntax example() {
  Syntax syntax;
  syntax.command = "go";
  syntax.positionals = "FROM TO";
  syntax.summary = "Goes.";
  syntax.flags = {{"speed", 's', "N", "How fast.", false},
                  {"via", '\0', "PLACE", "Where to pass.", true},
                  {"quiet", 'q', "", "Silently.", false}};
  syntax.positionals_min = 1;
  syntax.positionals_max = 2;
  return syntax;
}

Result<Arguments> parsed(const std::vector<std::string>& words) { return parse(example(), words); }

std::string refusal(const std::vector<std::string>& words) {
  const Result<Arguments> arguments = parsed(words);
  EXPECT_FALSE(arguments.ok());
  EXPECT_EQ(arguments.status().code(), StatusCode::kInvalidArgument);
  return arguments.status().message();
}

TEST(CommandLine, KeepsTheWordsOfAProgramApart) {
  Syntax syntax = example();
  syntax.takes_program = true;
  const std::vector<std::string> words = {"a", "-q", "--", "ls", "--speed", "--", "b"};
  const auto arguments = parse(syntax, words);
  ASSERT_TRUE(arguments.ok()) << arguments.status().message();
  EXPECT_THAT(arguments->positionals(), ElementsAre("a"));
  EXPECT_THAT(arguments->program(), ElementsAre("ls", "--speed", "--", "b"));
  // Elsewhere they are positionals.
  EXPECT_THAT(parsed({"a", "--", "-b"})->positionals(), ElementsAre("a", "-b"));
}

TEST(CommandLine, TakesFlagsBetweenPositionals) {
  const auto arguments = parsed({"a", "--speed", "3", "b", "-q"});
  ASSERT_TRUE(arguments.ok()) << arguments.status().message();
  EXPECT_THAT(arguments->positionals(), ElementsAre("a", "b"));
  EXPECT_EQ(arguments->value("speed"), "3");
  EXPECT_TRUE(arguments->has("quiet"));
  EXPECT_FALSE(arguments->has("via"));
}

TEST(CommandLine, TakesShortAndJoinedForms) {
  EXPECT_EQ(parsed({"a", "-s", "3"})->value("speed"), "3");
  EXPECT_EQ(parsed({"a", "-s3"})->value("speed"), "3");
  EXPECT_EQ(parsed({"a", "--speed=3"})->value("speed"), "3");
}

TEST(CommandLine, KeepsRepeatedValuesInOrder) {
  const auto arguments = parsed({"a", "--via", "x", "--via=y=z"});
  ASSERT_TRUE(arguments.ok()) << arguments.status().message();
  EXPECT_THAT(arguments->values("via"), ElementsAre("x", "y=z"));
}

TEST(CommandLine, LeavesWordsAfterTwoDashesAlone) {
  const auto arguments = parsed({"--", "--speed", "-q"});
  ASSERT_TRUE(arguments.ok()) << arguments.status().message();
  EXPECT_THAT(arguments->positionals(), ElementsAre("--speed", "-q"));
}

TEST(CommandLine, TakesASingleDashAsAPositional) {
  EXPECT_THAT(parsed({"-"})->positionals(), ElementsAre("-"));
}

TEST(CommandLine, SuggestsTheFlagThatWasMeant) {
  EXPECT_THAT(refusal({"a", "--sped", "3"}),
              HasSubstr("unknown flag '--sped'. Did you mean '--speed'?"));
}

TEST(CommandLine, NeverGuessesAFlagFromItsBeginning) {
  EXPECT_THAT(refusal({"a", "--spe", "3"}), HasSubstr("unknown flag '--spe'"));
}

TEST(CommandLine, NamesAFlagThatLacksItsValue) {
  EXPECT_THAT(refusal({"a", "--speed"}), HasSubstr("'--speed' needs a value"));
}

TEST(CommandLine, NamesAFlagThatTakesNoValue) {
  EXPECT_THAT(refusal({"a", "--quiet=yes"}), HasSubstr("'--quiet' takes no value"));
}

TEST(CommandLine, RefusesASingleFlagGivenTwice) {
  EXPECT_THAT(refusal({"a", "--speed", "1", "--speed", "2"}), HasSubstr("given twice"));
}

TEST(CommandLine, CountsPositionals) {
  EXPECT_THAT(refusal({}), HasSubstr("fanfold go FROM TO"));
  EXPECT_THAT(refusal({"a", "b", "c"}), HasSubstr("unexpected argument 'c'"));
}

TEST(CommandLine, SaysWhereTheHelpIs) { EXPECT_THAT(refusal({}), HasSubstr("fanfold go --help")); }

TEST(CommandLine, FindsARequestForHelpAnywhereBeforeTwoDashes) {
  EXPECT_TRUE(asks_for_help(std::vector<std::string>{"a", "-h"}));
  EXPECT_TRUE(asks_for_help(std::vector<std::string>{"--help"}));
  EXPECT_FALSE(asks_for_help(std::vector<std::string>{"a", "--", "--help"}));
}

TEST(CommandLine, HelpListsEveryFlagOnLinesOfAtMost100Columns) {
  Syntax syntax = example();
  syntax.flags.push_back(
      {"long", '\0', "A|VERY|LONG|LIST|OF|CHOICES",
       std::string(30, 'x') + " " + std::string(30, 'y') + " " + std::string(30, 'z'), false});
  const std::string text = help_text(syntax);
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = text.find('\n', begin);
    ASSERT_NE(end, std::string::npos);
    EXPECT_LE(end - begin, 100u);
    begin = end + 1;
  }
  for (const Flag& flag : syntax.flags) EXPECT_THAT(text, HasSubstr("--" + flag.name));
  EXPECT_THAT(text, HasSubstr("-h, --help"));
}

}  // namespace
}  // namespace fanfold::cli
