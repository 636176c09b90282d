// Map outputs that reduces cannot read: whoever keeps them dies, or they are deleted or damaged.
// The maps run again, and no reduce begins anew because of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <filesystem>
#include <fstream>

#include "tests/e2e/gated_job.hpp"

namespace fanfold::e2e {
namespace {

class LostInputs : public GatedJob {
 protected:
  void submit_until_one_map_is_left(const Cluster& cluster) {
    std::vector<std::string> flags;
    if (GetParam()[0] != 0) flags.push_back(GetParam());
    ASSERT_NO_FATAL_FAILURE(submit(cluster, flags));
    ASSERT_TRUE(eventually([&] { return one_map_is_left(cluster); })) << status(cluster);
  }
  std::string master_log() const { return workspace_.read("c/master.log"); }
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
  const pid_t idle = idle_worker(cluster);
  ASSERT_NE(idle, 0);
  // It takes requests and answers none, so that the others are in the middle of reading.
  ::kill(idle, SIGSTOP);
  open_gate();
  ASSERT_TRUE(eventually([&] { return stage(cluster, "reduce")["running"].get<int>() == 3; }));
  ::kill(idle, SIGKILL);
  ASSERT_NO_FATAL_FAILURE(expect_same_bytes(cluster));
  EXPECT_LE(status(cluster)["lost_attempts"], 1) << status(cluster);
  EXPECT_NE(master_log().find("outputs.told"), std::string::npos) << master_log();
}

INSTANTIATE_TEST_SUITE_P(Shuffle, LostHolder, testing::Values("--shuffle-over-network"),
                         [](const auto&) { return "OverNetwork"; });

}  // namespace
}  // namespace fanfold::e2e
