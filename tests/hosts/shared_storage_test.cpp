// Hosts whose inputs and outputs lie on a real MooseFS, which two of them see through clients that
// know nothing of each other.  tests/deploy/with_moosefs mounts it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>

#include "tests/hosts/hosted_cluster.hpp"

namespace fanfold::hosts {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

constexpr const char* kClients[] = {"/mnt/one", "/mnt/two"};

/// Below the workspace, `shared` is one client on host 1 and here, and the other on host 2.
class SharedStorage : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(workspace_.path("shared"));
    const std::string here = workspace_.path("shared");
    ASSERT_EQ(::mount(kClients[0], here.c_str(), nullptr, MS_BIND, nullptr), 0)
        << "tests/deploy/with_moosefs starts this program";
    workspace_.write("shared/in.txt", e2e::make_text(5, 40'000));
    cluster_ = std::make_unique<HostedCluster>(workspace_);
    cluster_->mount_on(2, kClients[1], here);
    cluster_->add_worker(1);
    cluster_->add_worker(2);
  }
  void TearDown() override {
    cluster_.reset();
    for (const auto& entry : std::filesystem::directory_iterator(workspace_.path("shared"))) {
      std::filesystem::remove_all(entry.path());
    }
    EXPECT_EQ(::umount2(workspace_.path("shared").c_str(), MNT_DETACH), 0);
  }

  static std::vector<std::string> words_of(const std::string& job, const std::string& output) {
    return {"run",           job,    "shared/in.txt", "-o", output,
            "--split-bytes", "100K", "--reducers",    "4",  "--quiet"};
  }
  /// That the cluster wrote what one host writes.
  void expect_right(const std::string& job) const {
    const e2e::Outcome near = e2e::run(workspace_, words_of(job, job));
    ASSERT_EQ(near.exit_code, 0) << near.both();
    EXPECT_TRUE(workspace_.fingerprint("shared/" + job) == workspace_.fingerprint(job)) << job;
  }
  void run_on_hosts(const std::string& job) {
    const e2e::Outcome far = cluster_->run(words_of(job, "shared/" + job));
    ASSERT_EQ(far.exit_code, 0) << far.both() << cluster_->logs();
  }

  const e2e::Workspace workspace_;
  std::unique_ptr<HostedCluster> cluster_;
};

TEST_F(SharedStorage, TakesOutputsOfSeveralHostsWhole) {
  for (const char* job : {"word_count", "sort"}) {
    run_on_hosts(job);
    expect_right(job);
  }
  const e2e::Outcome seen =
      cluster_->on_host(2, "fanfold", {"verify", "shared/word_count"})->wait();
  EXPECT_EQ(seen.exit_code, 0) << seen.both();
  EXPECT_THAT(workspace_.list("shared"), UnorderedElementsAre("in.txt", "sort", "word_count"));
}

TEST_F(SharedStorage, NeverReplacesAnOutputThatIsThere) {
  run_on_hosts("word_count");
  const std::string before = workspace_.fingerprint("shared/word_count");
  const e2e::Outcome again = cluster_->run(words_of("word_count", "shared/word_count"));
  EXPECT_NE(again.exit_code, 0);
  EXPECT_THAT(again.err, HasSubstr("exists"));

  // MooseFS 3 cannot exchange two directories: said before anything starts.
  std::vector<std::string> words = words_of("word_count", "shared/word_count");
  words.insert(words.end(), {"--on-exists", "replace"});
  const e2e::Outcome replaced = cluster_->run(words);
  EXPECT_NE(replaced.exit_code, 0);
  EXPECT_THAT(replaced.err, HasSubstr("cannot replace output"));
  EXPECT_TRUE(workspace_.fingerprint("shared/word_count") == before);
}

TEST_F(SharedStorage, LosesAHostInTheMiddleOfAJob) {
  Link slow;
  slow.bytes_per_second = 150'000;
  cluster_->network().set_all(slow);
  const auto job = cluster_->start(words_of("word_count", "shared/word_count"));
  ASSERT_TRUE(e2e::eventually([&] { return workspace_.list("shared").size() > 1; }));
  cluster_->kill_host(2);
  cluster_->network().set_all(Link());
  const e2e::Outcome far = job->wait();
  ASSERT_EQ(far.exit_code, 0) << far.both() << cluster_->logs();
  expect_right("word_count");
}

TEST_F(SharedStorage, KeepsASecondMasterOutOfAState) {
  const std::vector<std::string> words = {"--listen",   "ipc://" + workspace_.path("second"),
                                          "--state",    workspace_.path("shared/state"),
                                          "--log-file", workspace_.path("second.log")};
  const auto first = cluster_->on_host(1, "fanfold-master", words);
  const auto started = [&] {
    return workspace_.exists("second.log") &&
           workspace_.read("second.log").find("master.started") != std::string::npos;
  };
  ASSERT_TRUE(e2e::eventually([&] { return started() || first->ended(); }));
  EXPECT_THAT(workspace_.read("second.log"), HasSubstr("state.on_shared_storage"));

  std::vector<std::string> others = words;
  others[1] = "ipc://" + workspace_.path("third");
  others[5] = workspace_.path("third.log");
  const e2e::Outcome second = cluster_->on_host(2, "fanfold-master", others)->wait();
  EXPECT_NE(second.exit_code, 0);
  EXPECT_THAT(second.both(), HasSubstr("shared/state"));
}

}  // namespace
}  // namespace fanfold::hosts
