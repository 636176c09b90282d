// Jobs with dead letters, and plugins that leave and that mend them.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {

using Json = nlohmann::json;
using Words = std::vector<std::string>;

class RedriveTest : public testing::Test {
 protected:
  RedriveTest() : before_(faulty_plugin("mending_0")), after_(faulty_plugin("mending_1")) {}
  ~RedriveTest() override { EXPECT_THAT(workspace_.remains(), testing::IsEmpty()); }

  static Words with(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Outcome run_job(const std::string& job, const std::string& input, const Words& more = {}) {
    return run(workspace_, with({"run", before_ + ":" + job, input, "-o", "out", "--quiet",
                                 "--on-bad-record", "dead-letter"},
                                more));
  }
  Outcome redrive(const Words& more = {}) {
    return run(workspace_, with({"redrive", "out", "--plugin", after_}, more));
  }
  /// What the mended plugin makes of all of the input.
  void run_mended(const std::string& job, const std::string& input, const Words& more = {}) {
    const Outcome whole =
        run(workspace_, with({"run", after_ + ":" + job, input, "-o", "whole", "--quiet"}, more));
    ASSERT_EQ(whole.exit_code, 0) << whole.both();
  }
  std::string cat(const std::string& output) {
    const Outcome outcome = run(workspace_, {"cat", output});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
    return outcome.out;
  }
  std::vector<std::string> sorted_lines(const std::string& name) const {
    std::vector<std::string> lines;
    std::istringstream text(workspace_.read(name));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  /// How many maps wait, or have waited, for this file.
  std::size_t waiting_for(const std::string& name) const {
    const std::vector<std::string> names = workspace_.list("");
    return static_cast<std::size_t>(
        std::count_if(names.begin(), names.end(),
                      [&name](const std::string& one) { return one.starts_with(name + "."); }));
  }
  /// Changes a byte of a file.
  void damage(const std::string& name, const std::string& before, const std::string& after) const {
    std::string text = workspace_.read(name);
    const std::size_t at = text.find(before);
    ASSERT_NE(at, std::string::npos) << text;
    workspace_.write(name, text.replace(at, before.size(), after));
  }
  Json manifest(const std::string& output = "out") const {
    return Json::parse(workspace_.read(output + "/_SUCCESS"));
  }
  void expect_verified(const std::string& fragment) {
    const Outcome verified = run(workspace_, {"verify", "out"});
    EXPECT_EQ(verified.exit_code, 0) << verified.both();
    EXPECT_THAT(verified.out, testing::HasSubstr(fragment));
  }
  void expect_refused(const Outcome& outcome, const std::string& why) const {
    EXPECT_EQ(outcome.exit_code, 2) << outcome.both();
    EXPECT_THAT(outcome.err, testing::HasSubstr(why));
    EXPECT_FALSE(workspace_.exists("out.work"));
  }

  Workspace workspace_;
  const std::string before_;
  const std::string after_;
};

}  // namespace fanfold::e2e
