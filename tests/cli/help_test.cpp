// The help of every command against tests/cli/golden/help: a changed text is seen in review.
// To accept a change: fanfold COMMAND --help > tests/cli/golden/help/COMMAND.txt

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "cli/commands/command.hpp"

namespace fanfold::cli {
namespace {

std::string golden_path(std::string command) {
  std::replace(command.begin(), command.end(), ' ', '_');
  return std::string(FANFOLD_GOLDEN_HELP) + "/" + command + ".txt";
}

class Help : public testing::TestWithParam<std::string> {};

TEST_P(Help, IsWhatTheGoldenFileSays) {
  const auto& commands = all_commands();
  const auto command = std::find_if(commands.begin(), commands.end(), [](const Command& c) {
    return c.syntax.command == GetParam();
  });
  ASSERT_NE(command, commands.end());
  std::ifstream file(golden_path(GetParam()));
  ASSERT_TRUE(file) << "no golden file " << golden_path(GetParam());
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(help_text(command->syntax), golden.str());
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const Command& command : all_commands()) names.push_back(command.syntax.command);
  return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Commands, Help, testing::ValuesIn(command_names()), test_name);

TEST(HelpFiles, HaveNoFileWithoutACommand) {
  std::set<std::string> expected;
  for (const std::string& name : command_names()) expected.insert(golden_path(name));
  for (const auto& entry : std::filesystem::directory_iterator(FANFOLD_GOLDEN_HELP)) {
    EXPECT_THAT(expected, testing::Contains(entry.path().string()));
  }
}

TEST(HelpTexts, OfTheWordClusterListsWhatFollowsIt) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"cluster", "--help"}, {"cluster", "-h"}, {"help", "cluster"}}) {
    testing::internal::CaptureStdout();
    EXPECT_EQ(dispatch({}, words), 0);
    const std::string text = testing::internal::GetCapturedStdout();
    for (const char* name : {"cluster up", "cluster down", "cluster status"}) {
      EXPECT_THAT(text, testing::HasSubstr(name));
    }
  }
}

TEST(HelpTexts, OfferJsonWhereverDataIsPrinted) {
  const std::set<std::string> without = {
      "new",         "cluster down", "cluster scale", "completion", "events",
      "trace",       "man",          "help",          "keys init",  "keys add",
      "keys revoke", "keys rotate",  "keys learn",    "replay",     "profile"};
  for (const Command& command : all_commands()) {
    const std::vector<Flag>& flags = command.syntax.flags;
    const bool json =
        std::any_of(flags.begin(), flags.end(), [](const Flag& f) { return f.name == "json"; });
    EXPECT_EQ(json, without.count(command.syntax.command) == 0) << command.syntax.command;
  }
}

TEST(HelpTexts, SayInOneSentenceWhatEachCommandDoes) {
  for (const Command& command : all_commands()) {
    EXPECT_TRUE(command.syntax.summary.ends_with('.')) << command.syntax.command;
    EXPECT_EQ(command.syntax.summary.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace fanfold::cli
