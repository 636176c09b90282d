// Map outputs that were at the homes of their partitions before anybody reduced them, and what
// becomes of a job whose homes, or whose outputs, go away.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using Json = nlohmann::json;

constexpr int kMaps = 24;
constexpr int kReduces = 3;

/// A job whose last map waits until the test opens the gate.
class HomesOfPartitions : public testing::TestWithParam<const char*> {
 protected:
  HomesOfPartitions() {
    std::string text;
    for (int i = 0; i < kMaps - 1; ++i) text += make_text(static_cast<unsigned>(i), 60);
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

  /// Segments of all partitions are with their homes.
  void submit_until_segments_are_early(const Cluster& cluster) {
    std::vector<std::string> words = job("submit", "out");
    words.insert(words.end(), {"--shuffle-over-network", "--shuffle", GetParam()});
    const Outcome outcome = cluster.run(words);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
    id_ = outcome.out.substr(0, outcome.out.find('\n'));
    ASSERT_TRUE(eventually([&] { return early().size() == kReduces && one_map_is_left(cluster); }))
        << status(cluster);
  }
  bool one_map_is_left(const Cluster& cluster) const {
    const Json whole = status(cluster);
    for (const Json& stage : whole["stages"]) {
      if (stage["stage"] != "map") continue;
      return stage["tasks"].get<int>() >= kMaps - 1 &&
             stage["done"].get<int>() == stage["tasks"].get<int>() - 1;
    }
    return false;
  }
  Json status(const Cluster& cluster) const {
    return Json::parse(cluster.run({"status", id_, "--json"}).out);
  }
  /// Partitions of which something is with a home.
  std::set<std::string> early() const {
    std::set<std::string> partitions;
    std::error_code changing;
    for (std::filesystem::recursive_directory_iterator at(workspace_.path("c"), changing), end;
         !changing && at != end; at.increment(changing)) {
      const std::filesystem::path batch = at->path().parent_path();
      const std::filesystem::path partition = batch.parent_path();
      if (partition.parent_path().filename() != "early") continue;
      if (at->path().extension() == ".blocks") partitions.insert(partition.filename());
    }
    return partitions;
  }
  void expect_same_bytes(const Cluster& cluster) {
    const Outcome outcome = cluster.run({"wait", id_});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
    EXPECT_EQ(workspace_.fingerprint("out"), expected_);
    const Outcome verified = cluster.run({"verify", "out"});
    EXPECT_EQ(verified.exit_code, 0) << verified.both();
  }

  Workspace workspace_;
  std::string expected_;
  std::string id_;
};

TEST_P(HomesOfPartitions, HaveWhatReducesReadBeforeTheyBegin) {
  const Cluster cluster(workspace_, 3, 1);
  ASSERT_NO_FATAL_FAILURE(submit_until_segments_are_early(cluster));
  open_gate();
  ASSERT_NO_FATAL_FAILURE(expect_same_bytes(cluster));
  const Json ended = status(cluster);
  EXPECT_EQ(ended["shuffle"]["mode"], GetParam());
  EXPECT_GT(ended["shuffle"]["early_bytes"], 0) << ended;
  const Json manifest = Json::parse(workspace_.read("out/_SUCCESS"));
  EXPECT_EQ(manifest["run"]["shuffle"]["early_bytes"], ended["shuffle"]["early_bytes"]);
  EXPECT_TRUE(eventually([&] { return early().empty(); })) << "homes keep what is over";
}

TEST_P(HomesOfPartitions, MayDieBeforeTheReduces) {
  const Cluster cluster(workspace_, 3, 1);
  ASSERT_NO_FATAL_FAILURE(submit_until_segments_are_early(cluster));
  const Json listed = Json::parse(cluster.run({"cluster", "status", "--json"}).out);
  const auto& workers = listed["workers"];
  const auto idle = std::find_if(workers.begin(), workers.end(),
                                 [](const Json& worker) { return worker["busy"] == 0; });
  ASSERT_NE(idle, workers.end()) << listed;
  ::kill((*idle)["process"].get<pid_t>(), SIGKILL);
  open_gate();
  ASSERT_NO_FATAL_FAILURE(expect_same_bytes(cluster));
}

TEST_P(HomesOfPartitions, BearThatOutputsAreLostThatTheyHave) {
  const Cluster cluster(workspace_, 3, 1);
  ASSERT_NO_FATAL_FAILURE(submit_until_segments_are_early(cluster));
  // What is with a home is read there; of the others some are made again.
  std::vector<std::string> outputs;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(workspace_.path("c"))) {
    if (entry.path().filename() == "output.run") outputs.push_back(entry.path());
  }
  ASSERT_GE(outputs.size(), 10u);
  for (std::size_t i = 0; i < outputs.size(); i += 3) std::filesystem::remove(outputs[i]);
  open_gate();
  ASSERT_NO_FATAL_FAILURE(expect_same_bytes(cluster));
  EXPECT_EQ(status(cluster)["failed_attempts"], 0);
}

TEST_P(HomesOfPartitions, BearThatWhatTheyHaveIsDamagedOrGone) {
  const Cluster cluster(workspace_, 3, 1);
  ASSERT_NO_FATAL_FAILURE(submit_until_segments_are_early(cluster));
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(workspace_.path("c"))) {
    if (entry.path().extension() == ".blocks") files.push_back(entry.path());
  }
  ASSERT_GE(files.size(), 3u);
  std::filesystem::remove(files[0]);
  std::filesystem::resize_file(files[1], std::filesystem::file_size(files[1]) / 2);
  open_gate();
  ASSERT_NO_FATAL_FAILURE(expect_same_bytes(cluster));
  EXPECT_EQ(status(cluster)["failed_attempts"], 0);
}

INSTANTIATE_TEST_SUITE_P(Modes, HomesOfPartitions, testing::Values("push", "hybrid", "auto"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace fanfold::e2e
