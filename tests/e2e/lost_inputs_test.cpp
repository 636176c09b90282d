// Map outputs that reduces cannot read: whoever keeps them dies, or they are deleted or damaged.
// The maps run again, and no reduce begins anew because of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using Json = nlohmann::json;

constexpr int kMaps = 24;
constexpr int kReduces = 3;

/// A job whose last map waits until the test opens the gate: all other outputs are there by then,
/// and nobody has read any.
class LostInputs : public testing::TestWithParam<const char*> {
 protected:
  LostInputs() {
    std::string text;
    for (int i = 0; i < kMaps - 1; ++i) text += make_text(static_cast<unsigned>(i), 60);
    // As long as the others together, so that it is a split, or several, of its own.
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

  std::string gate() const { return workspace_.path("gate"); }
  void open_gate() const { workspace_.write("gate", ""); }

  std::vector<std::string> job(const std::string& command, const std::string& output) const {
    const std::size_t bytes = workspace_.read("in.txt").size() / kMaps;
    std::vector<std::string> words = {command,
                                      faulty_plugin("faulty"),
                                      "in.txt",
                                      "-o",
                                      output,
                                      "-r",
                                      std::to_string(kReduces),
                                      "--no-speculation",
                                      "--split-bytes",
                                      std::to_string(bytes)};
    return words;
  }

  void submit_until_one_map_is_left(const Cluster& cluster) {
    std::vector<std::string> words = job("submit", "out");
    if (GetParam()[0] != 0) words.push_back(GetParam());
    const Outcome outcome = cluster.run(words);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
    id_ = outcome.out.substr(0, outcome.out.find('\n'));
    ASSERT_TRUE(eventually([&] {
      const Json map = stage(cluster, "map");
      return map["tasks"].get<int>() >= kMaps - 1 &&
             map["done"].get<int>() == map["tasks"].get<int>() - 1;
    })) << status(cluster);
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

  void expect_same_bytes(const Cluster& cluster) {
    const Outcome outcome = cluster.run({"wait", id_});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
    EXPECT_EQ(workspace_.fingerprint("out"), expected_);
    const Outcome verified = cluster.run({"verify", "out"});
    EXPECT_EQ(verified.exit_code, 0) << verified.both();
  }

  std::vector<std::string> outputs() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(workspace_.path("c"))) {
      if (entry.path().filename() == "output.run") paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    return paths;
  }
  std::string master_log() const { return workspace_.read("c/master.log"); }

  Workspace workspace_;
  std::string expected_;
  std::string id_;
};

void flip_a_byte_in_the_middle(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 3);
  file.seekg(middle);
  const int byte = file.get();
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 0x10));
}

TEST_P(LostInputs, DeletedAndDamagedFilesAreMadeAgainAndNoReduceBeginsAnew) {
  const Cluster cluster(workspace_, 2, 1);
  ASSERT_NO_FATAL_FAILURE(submit_until_one_map_is_left(cluster));
  const std::vector<std::string> paths = outputs();
  ASSERT_GE(paths.size(), 10u);
  std::filesystem::remove(paths[1]);
  flip_a_byte_in_the_middle(paths[3]);
  std::filesystem::resize_file(paths[5], std::filesystem::file_size(paths[5]) - 7);
  open_gate();
  ASSERT_NO_FATAL_FAILURE(expect_same_bytes(cluster));
  EXPECT_EQ(status(cluster)["lost_attempts"], 0) << status(cluster);
  EXPECT_EQ(status(cluster)["failed_attempts"], 0);
  EXPECT_NE(master_log().find("outputs.told"), std::string::npos) << master_log();
}

INSTANTIATE_TEST_SUITE_P(Shuffle, LostInputs, testing::Values("", "--shuffle-over-network"),
                         [](const auto& info) {
                           return info.param[0] == 0 ? "OfFiles" : "OverNetwork";
                         });

class LostHolder : public LostInputs {};

TEST_P(LostHolder, AWorkerThatDiesWhileReducesReadFromItCostsOnlyWhatItRanItself) {
  const Cluster cluster(workspace_, 3, 1);
  ASSERT_NO_FATAL_FAILURE(submit_until_one_map_is_left(cluster));
  // One that has nothing to do: its attempt is the only one that may be lost.
  std::vector<std::pair<pid_t, int>> workers;
  const Json listed = Json::parse(cluster.run({"cluster", "status", "--json"}).out);
  for (const Json& worker : listed["workers"]) {
    workers.emplace_back(worker["process"].get<pid_t>(), worker["busy"].get<int>());
  }
  ASSERT_EQ(workers.size(), 3u);
  const auto idle = std::find_if(workers.begin(), workers.end(),
                                 [](const auto& worker) { return worker.second == 0; });
  ASSERT_NE(idle, workers.end()) << listed;
  // It takes requests and answers none, so that the others are in the middle of reading.
  ::kill(idle->first, SIGSTOP);
  open_gate();
  ASSERT_TRUE(eventually([&] { return stage(cluster, "reduce")["running"].get<int>() == 3; }));
  ::kill(idle->first, SIGKILL);
  ASSERT_NO_FATAL_FAILURE(expect_same_bytes(cluster));
  EXPECT_LE(status(cluster)["lost_attempts"], 1) << status(cluster);
  EXPECT_NE(master_log().find("outputs.told"), std::string::npos) << master_log();
}

INSTANTIATE_TEST_SUITE_P(Shuffle, LostHolder, testing::Values("--shuffle-over-network"),
                         [](const auto&) { return "OverNetwork"; });

}  // namespace
}  // namespace fanfold::e2e
