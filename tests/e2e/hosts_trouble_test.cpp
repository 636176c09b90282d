// Clusters of hosts that are made twice at once, half made, or lose a host for ever.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "tests/e2e/host_cluster.hpp"

namespace fanfold::e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST_F(HostCluster, IsMadeOnceWhenManyMakeIt) {
  const std::string hosts = workspace_.write("hosts", line(1));
  std::vector<std::unique_ptr<Running>> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(std::make_unique<Running>(
        workspace_,
        std::vector<std::string>{"cluster", "up", "--dir", "c", "--address", "127.0.0.1:0",
                                 "--hosts", hosts, "--ssh-config", hosts_->config()},
        here()));
  }
  int made = 0;
  for (const auto& one : all) {
    const Outcome outcome = one->wait();
    if (outcome.exit_code == 0) {
      ++made;
    } else {
      EXPECT_THAT(outcome.err, HasSubstr("is at work in"));
    }
  }
  EXPECT_GE(made, 1);
  EXPECT_THAT(worker_names(), ElementsAre("h1")) << "a loser removed what the winner made";
}

TEST_F(HostCluster, DoesNotRememberHostsThatWereNeverThereAndForgetsDeadOnes) {
  std::ofstream(hosts_->config(), std::ios::app) << "Host h9\n  HostName 127.0.0.1\n  Port 1\n";
  ASSERT_EQ(up(line(1) + line(2)).exit_code, 0);
  EXPECT_EQ(up(line(1) + "h9\n").exit_code, 1);
  EXPECT_THAT(up(line(1)).err, HasSubstr("a cluster of 2 hosts is up"));
  signal_worker("h2", SIGKILL);
  ASSERT_TRUE(eventually([&] { return processes_naming(place(2)).empty(); }));
  hosts_->go_away();
  const std::vector<std::string> words = {"cluster", "down", "--dir", "c", "--host", "h2"};
  EXPECT_EQ(run(workspace_, words, here()).exit_code, 1);
  std::vector<std::string> forget = words;
  forget.push_back("--forget");
  const Outcome forgotten = run(workspace_, forget, here());
  EXPECT_EQ(forgotten.exit_code, 0) << forgotten.both();
  EXPECT_THAT(workspace_.read("c/keys/keys"), Not(HasSubstr("h2")));
  hosts_->come_back();
  EXPECT_THAT(up(line(1)).err, HasSubstr("a cluster of 1 host is up"));
}

TEST_F(HostCluster, RemembersAHostThatItCouldNotCleanUp) {
  // "fanfold 0.1.0 (...".
  const std::string version = run(workspace_, {"version"}).out;
  const std::string number = version.substr(8, version.find(' ', 8) - 8);
  // A worker that comes up and does not reach its master.
  workspace_.write("lost/fanfold-worker",
                   "#!/bin/sh\nif [ \"$1\" = --version ]; then echo fanfold-worker " + number +
                       "; exit; fi\n: >" + workspace_.path("runs") +
                       "\nwhile :; do sleep 0.1; done\n");
  std::filesystem::permissions(workspace_.path("lost/fanfold-worker"),
                               std::filesystem::perms::owner_all);
  Running command(workspace_,
                  {"cluster", "up", "--dir", "c", "--address", "127.0.0.1:0", "--hosts",
                   workspace_.write("hosts", "h1 bin=" + workspace_.path("lost") + "\n"),
                   "--ssh-config", hosts_->config()},
                  here());
  ASSERT_TRUE(eventually([&] { return workspace_.exists("runs") || command.ended(); }));
  ASSERT_TRUE(workspace_.exists("runs")) << command.err_so_far();
  // The call that started it has been answered.
  ASSERT_TRUE(eventually([&] { return !workspace_.exists("c/call-0.err"); }));
  hosts_->go_away();
  command.signal(SIGINT);
  const Outcome interrupted = command.wait();
  EXPECT_EQ(interrupted.exit_code, 130);
  EXPECT_THAT(interrupted.err, HasSubstr("Not cleaned up: h1"));
  hosts_->come_back();
  const Outcome second = down();
  EXPECT_EQ(second.exit_code, 0) << second.both();
  EXPECT_THAT(workspace_.list("home-1"), IsEmpty());
  EXPECT_FALSE(workspace_.exists("c"));
}

TEST_F(HostCluster, GoesOnWithWhatAKilledCommandLeft) {
  constexpr auto kFileMode =
      std::filesystem::perms::owner_read | std::filesystem::perms::owner_write;
  const auto only_ours = [&](const std::string& path, std::filesystem::perms mode) {
    std::filesystem::permissions(workspace_.path(path), mode);
  };
  workspace_.write("c/hosts.json", R"({"cluster":"","ssh_config":"","hosts":[]})");
  workspace_.write("c/keys/half", "");
  only_ours("c", std::filesystem::perms::owner_all);
  only_ours("c/hosts.json", kFileMode);
  const Outcome started = up(line(1));
  ASSERT_EQ(started.exit_code, 0) << started.both();
  ASSERT_EQ(down().exit_code, 0);
  workspace_.write("c/master.json", R"({"address":"tcp://127.0.0.1:1","process":0})");
  only_ours("c", std::filesystem::perms::owner_all);
  only_ours("c/master.json", kFileMode);
  const Outcome ended = down();
  EXPECT_EQ(ended.exit_code, 0) << ended.both();
  EXPECT_FALSE(workspace_.exists("c"));
}

}  // namespace
}  // namespace fanfold::e2e
