// Runs Maps from files in a workspace, and reads what they wrote.

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

class ItemJobsTest : public testing::Test {
 protected:
  /// A Map over "items" of its input with one Task.
  static Json map_of(const Json& task, const Json& more = Json::object()) {
    Json state = {{"Type", "Task"}, {"End", true}};
    state.update(task);
    Json map = {{"Type", "Map"},
                {"ItemsPath", "$.items"},
                {"ItemProcessor", {{"StartAt", "Task"}, {"States", {{"Task", state}}}}}};
    map.update(more);
    return map;
  }
  static Json command_of(const Json& words) {
    return {{"Resource", "fanfold:exec"}, {"Parameters", {{"Command", words}, {"Stdin.$", "$"}}}};
  }
  /// A script for `sh` that finds the item in $item.
  static Json script_of(const std::string& script) {
    return command_of({"sh", "-c", "read -r item; " + script});
  }

  std::vector<std::string> words_for(const Json& map, const Json& items) {
    workspace_.write("m.asl.json", map.dump(2));
    workspace_.write("in.json", Json({{"items", items}}).dump());
    return {"run", "m.asl.json", "in.json", "-o", "out", "--json"};
  }
  Outcome run_map(const Json& map, const Json& items, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = words_for(map, items);
    words.insert(words.end(), more.begin(), more.end());
    return run(workspace_, words);
  }
  Json results(const std::string& kind) const {
    return Json::parse(workspace_.read("out/" + kind + "_0.json"), nullptr, false);
  }
  Json manifest() const {
    return Json::parse(workspace_.read("out/manifest.json"), nullptr, false);
  }
  void expect_clean() const {
    EXPECT_THAT(workspace_.remains(), testing::IsEmpty());
    EXPECT_FALSE(workspace_.exists("out.work"));
  }
  /// Lines of a file, sorted.
  std::vector<std::string> lines_of(const std::string& name) const {
    std::istringstream text(workspace_.exists(name) ? workspace_.read(name) : "");
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  Workspace workspace_;
};

}  // namespace fanfold::e2e
