// Manual pages have what the help has.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "cli/commands/command.hpp"

namespace fanfold::cli {
namespace {

using testing::HasSubstr;

std::string printed(const std::vector<std::string>& words, int exit_code = 0) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(dispatch({}, words), exit_code);
  return testing::internal::GetCapturedStdout();
}

TEST(Man, HasAPageForEachCommandWithAllItsFlags) {
  std::istringstream names(printed({"man", "--list"}));
  std::vector<std::string> pages;
  for (std::string name; names >> name;) pages.push_back(name);
  EXPECT_EQ(pages.size(), all_commands().size() + 1);
  for (const Command& command : all_commands()) {
    std::string name = "fanfold-" + command.syntax.command;
    std::replace(name.begin(), name.end(), ' ', '-');
    EXPECT_THAT(pages, testing::Contains(name));
    const std::string page = printed({"man", name});
    for (const Flag& flag : command.syntax.flags) {
      std::string escaped;
      for (const char c : flag.name) escaped += c == '-' ? std::string("\\-") : std::string(1, c);
      EXPECT_THAT(page, HasSubstr("\\fB\\-\\-" + escaped + "\\fR")) << name;
    }
  }
}

TEST(Man, EscapesWhatTroffWouldObey) {
  for (const Command& command : all_commands()) {
    std::istringstream page(printed({"man", command.syntax.command}));
    for (std::string line; std::getline(page, line);) {
      if (!line.starts_with('.')) continue;
      const std::string request = line.substr(0, line.find(' '));
      EXPECT_THAT((std::vector<std::string>{".TH", ".SH", ".PP", ".TP", ".nf", ".fi"}),
                  testing::Contains(request));
    }
  }
}

TEST(Man, SaysThatThereIsNoSuchCommand) {
  testing::internal::CaptureStderr();
  printed({"man", "runn"}, 2);
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("'run'"));
}

}  // namespace
}  // namespace fanfold::cli
