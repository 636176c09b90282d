// A job whose last map waits until the test opens the gate: all other outputs are there by then,
// and nobody has reduced any.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {

class GatedJob : public testing::TestWithParam<const char*> {
 protected:
  using Json = nlohmann::json;

  static constexpr int kMaps = 24;
  static constexpr int kReduces = 3;

  GatedJob() {
    std::string text;
    for (int i = 0; i < kMaps - 1; ++i) text += make_text(static_cast<unsigned>(i), 60);
    // A split of its own, or several.
    text += "wait for " + gate() + "\n";
    workspace_.write("in.txt", text);
    open_gate();
    std::vector<std::string> words = job("run", "expected");
    words.insert(words.end(), {"--in-process", "--quiet"});
    const Outcome outcome = run(workspace_, words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
    expected_ = workspace_.fingerprint("expected");
    std::filesystem::remove(gate());
  }

  void open_gate() const { workspace_.write("gate", ""); }

  void submit(const Cluster& cluster, const std::vector<std::string>& flags) {
    std::vector<std::string> words = job("submit", "out");
    words.insert(words.end(), flags.begin(), flags.end());
    const Outcome outcome = cluster.run(words);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
    id_ = outcome.out.substr(0, outcome.out.find('\n'));
  }
  Json status(const Cluster& cluster) const {
    return Json::parse(cluster.run({"status", id_, "--json"}).out);
  }
  Json stage(const Cluster& cluster, const std::string& name) const {
    const Json whole = status(cluster);
    for (const Json& stage : whole["stages"]) {
      if (stage["stage"] == name) return stage;
    }
    return {{"tasks", 0}, {"done", 0}, {"running", 0}};
  }
  bool one_map_is_left(const Cluster& cluster) const {
    const Json map = stage(cluster, "map");
    return map["tasks"].get<int>() >= kMaps - 1 &&
           map["done"].get<int>() == map["tasks"].get<int>() - 1;
  }
  /// The process of a worker that has nothing to do.
  static pid_t idle_worker(const Cluster& cluster) {
    const Json listed = Json::parse(cluster.run({"cluster", "status", "--json"}).out);
    for (const Json& worker : listed["workers"]) {
      if (worker["busy"] == 0) return worker["process"].get<pid_t>();
    }
    ADD_FAILURE() << listed;
    return 0;
  }

  void expect_same_bytes(const Cluster& cluster) {
    const Outcome outcome = cluster.run({"wait", id_});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
    EXPECT_EQ(workspace_.fingerprint("out"), expected_);
    const Outcome verified = cluster.run({"verify", "out"});
    EXPECT_EQ(verified.exit_code, 0) << verified.both();
  }

  /// Run files of maps.
  std::vector<std::string> outputs() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(workspace_.path("c"))) {
      if (entry.path().filename() == "output.run") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }

  Workspace workspace_;
  std::string id_;

 private:
  std::string gate() const { return workspace_.path("gate"); }
  std::vector<std::string> job(const std::string& command, const std::string& output) const {
    const std::size_t bytes = workspace_.read("in.txt").size() / kMaps;
    return {command,
            faulty_plugin("faulty"),
            "in.txt",
            "-o",
            output,
            "-r",
            std::to_string(kReduces),
            "--no-speculation",
            "--split-bytes",
            std::to_string(bytes)};
  }

  std::string expected_;
};

}  // namespace fanfold::e2e
