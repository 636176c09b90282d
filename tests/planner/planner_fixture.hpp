// Inputs in a directory of the test's own, and the plan that is made for them.

#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "master/planner/planner.hpp"
#include "tests/io/temporary_directory.hpp"

namespace fanfold::master {

class PlannerTest : public testing::Test {
 protected:
  PlannerTest() { spec_.partitions = 1; }

  std::string write(std::string_view name, std::string_view contents) {
    return directory_.write(name, contents);
  }
  std::string path(std::string_view name) const { return directory_.path(name); }

  Result<Plan> plan(const std::vector<std::string>& inputs) {
    spec_.inputs = inputs;
    return make_plan(io::posix_file_system(), spec_, limits_);
  }

  /// Names of the files below the test's directory, in the order of the plan; each once.
  std::vector<std::string> files_of(const std::vector<std::string>& inputs) {
    const auto planned = plan(inputs);
    EXPECT_TRUE(planned.ok()) << planned.status().message();
    std::vector<std::string> names;
    if (!planned.ok()) return names;
    for (const proto::Split& split : planned->splits) {
      for (const io::Piece& piece : split.pieces) {
        names.push_back(piece.path.substr(directory_.path().size() + 1));
      }
    }
    return names;
  }

  /// "CODE: message" must hold each of the words.
  void expect_refused(const std::vector<std::string>& inputs, StatusCode code,
                      const std::vector<std::string>& words) {
    const auto planned = plan(inputs);
    ASSERT_FALSE(planned.ok());
    EXPECT_EQ(planned.status().code(), code) << planned.status().message();
    for (const std::string& word : words) {
      EXPECT_NE(planned.status().message().find(word), std::string::npos)
          << word << " is missing in: " << planned.status().message();
    }
  }

  io::TemporaryDirectory directory_;
  proto::JobSpec spec_;
  PlanLimits limits_;
};

}  // namespace fanfold::master
