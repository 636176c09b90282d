// Map outputs that were at the homes of their partitions before anybody reduced them, and what
// becomes of a job whose homes, or whose outputs, go away.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "tests/e2e/gated_job.hpp"

namespace fanfold::e2e {
namespace {

class HomesOfPartitions : public GatedJob {
 protected:
  /// Segments of all partitions are with their homes.
  void submit_until_segments_are_early(const Cluster& cluster) {
    ASSERT_NO_FATAL_FAILURE(submit(cluster, {"--shuffle-over-network", "--shuffle", GetParam()}));
    ASSERT_TRUE(eventually([&] {
      return partitions_early().size() == kReduces && one_map_is_left(cluster);
    })) << status(cluster);
  }
  /// Files with segments that are with a home.
  std::vector<std::string> early() const {
    std::vector<std::string> paths;
    std::error_code changing;
    for (std::filesystem::recursive_directory_iterator at(workspace_.path("c"), changing), end;
         !changing && at != end; at.increment(changing)) {
      if (at->path().parent_path().filename() == "early") paths.push_back(at->path());
    }
    return paths;
  }
  std::set<std::string> partitions_early() const {
    std::set<std::string> partitions;
    for (const std::string& path : early()) {
      const std::string name = std::filesystem::path(path).filename();
      partitions.insert(name.substr(0, name.find('-')));
    }
    return partitions;
  }
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
  const pid_t idle = idle_worker(cluster);
  ASSERT_NE(idle, 0);
  ::kill(idle, SIGKILL);
  open_gate();
  ASSERT_NO_FATAL_FAILURE(expect_same_bytes(cluster));
}

TEST_P(HomesOfPartitions, BearThatOutputsAreLostThatTheyHave) {
  const Cluster cluster(workspace_, 3, 1);
  ASSERT_NO_FATAL_FAILURE(submit_until_segments_are_early(cluster));
  // What is with a home is read there; of the others some are made again.
  const std::vector<std::string> paths = outputs();
  ASSERT_GE(paths.size(), 10u);
  for (std::size_t i = 0; i < paths.size(); i += 3) std::filesystem::remove(paths[i]);
  open_gate();
  ASSERT_NO_FATAL_FAILURE(expect_same_bytes(cluster));
  EXPECT_EQ(status(cluster)["failed_attempts"], 0);
}

TEST_P(HomesOfPartitions, BearThatWhatTheyHaveIsDamagedOrGone) {
  const Cluster cluster(workspace_, 3, 1);
  ASSERT_NO_FATAL_FAILURE(submit_until_segments_are_early(cluster));
  const std::vector<std::string> files = early();
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
