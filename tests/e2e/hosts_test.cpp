// Clusters whose workers are started through ssh, by a real sshd.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/e2e/host_cluster.hpp"

namespace fanfold::e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::json;

TEST_F(HostCluster, RunsAJobOnHostsWithKeysOfTheirOwnAndLeavesNothing) {
  std::filesystem::create_directory(workspace_.path("home-here"));
  const Outcome started =
      up(line(1) + line(2) + "here slots=1 memory=64M scratch=" + workspace_.path("scratch-here") +
         "\n");
  ASSERT_EQ(started.exit_code, 0) << started.both();
  EXPECT_THAT(started.out, HasSubstr("export FANFOLD_MASTER=tcp://127.0.0.1:"));
  EXPECT_THAT(started.out, HasSubstr("FANFOLD_KEY=" + workspace_.path("c/keys/owner.key")));
  EXPECT_THAT(worker_names(), ElementsAre("h1", "h2", "here"));
  for (const int host : {1, 2}) {
    struct stat info {};
    ASSERT_EQ(::stat((place(host) + "/key").c_str(), &info), 0) << place(host);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
  }
  EXPECT_THAT(workspace_.list("c/keys"), ElementsAre("keys", "lock", "master.key", "owner.key"))
      << "private halves of workers' keys stay where they were made";
  for (const std::string& name : workspace_.list("c")) EXPECT_THAT(name, Not(HasSubstr("call-")));

  const std::string text = make_text(3, 20'000);
  workspace_.write("in.txt", text);
  const Outcome counted = ask({"run", "word_count", "in.txt", "-o", "far", "--reducers", "3"});
  ASSERT_EQ(counted.exit_code, 0) << counted.both();
  ASSERT_EQ(
      run(workspace_, {"run", "word_count", "in.txt", "-o", "near", "--reducers", "3"}).exit_code,
      0);
  EXPECT_EQ(workspace_.fingerprint("far"), workspace_.fingerprint("near"));

  const Outcome ended = down();
  EXPECT_EQ(ended.exit_code, 0) << ended.both();
  EXPECT_FALSE(workspace_.exists("c"));
  for (const char* home : {"home-1", "home-2", "home-here"}) {
    EXPECT_THAT(workspace_.list(home), IsEmpty()) << home;
  }
}

TEST_F(HostCluster, IsNotStartedWhenAHostIsNotReached) {
  std::ofstream(hosts_->config(), std::ios::app) << "Host h9\n  HostName 127.0.0.1\n  Port 1\n";
  const Outcome outcome = up(line(1) + "h9\nh8.invalid\n");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("host h9 is not reached"));
  EXPECT_THAT(outcome.err, HasSubstr("Connection refused"));
  EXPECT_THAT(outcome.err, HasSubstr("host h8.invalid is not reached"));
  EXPECT_THAT(outcome.err, HasSubstr("Could not resolve hostname"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("host h1")));
  EXPECT_FALSE(workspace_.exists("c"));
  EXPECT_THAT(workspace_.list("home-1"), IsEmpty());
}

TEST_F(HostCluster, IsNotStartedOnAHostThatIsAnother) {
  workspace_.write("ssh/known", "");
  const Outcome outcome = up(line(1));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("Host key verification failed"));
  EXPECT_FALSE(workspace_.exists("c"));
}

TEST_F(HostCluster, IsNotStartedWithProgramsOfAnotherVersionOrNone) {
  workspace_.write("old/fanfold-worker", "#!/bin/sh\necho fanfold-worker 0.0.1\n");
  std::filesystem::permissions(workspace_.path("old/fanfold-worker"),
                               std::filesystem::perms::owner_all);
  const Outcome outcome =
      up("h1 bin=" + workspace_.path("old") + "\nh2 bin=" + workspace_.path("none") + "\n");
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("host h1 has 'fanfold-worker 0.0.1'"));
  EXPECT_THAT(outcome.err, HasSubstr("install the same version there"));
  EXPECT_THAT(outcome.err, HasSubstr("host h2: there is no program"));
  EXPECT_FALSE(workspace_.exists("c"));
}

TEST_F(HostCluster, TakesPathsForPathsWhateverTheyHold) {
  const std::string scratch = "s'$(touch${IFS}pwned)`touch${IFS}pwned`;\"&";
  ASSERT_EQ(up("h1 slots=1 memory=64M scratch=" + workspace_.path(scratch) + "\n").exit_code, 0);
  EXPECT_TRUE(workspace_.exists(scratch));
  EXPECT_EQ(down().exit_code, 0);
  EXPECT_THAT(workspace_.list("home-1"), IsEmpty());
  EXPECT_FALSE(workspace_.exists("pwned"));
}

TEST_F(HostCluster, UsesHostsThatGreetWhoeverComes) {
  workspace_.write("home-1/.bashrc", "echo Welcome to h1\nprintf 'worker 1'\n");
  const Outcome started = up(line(1));
  EXPECT_EQ(started.exit_code, 0) << started.both();
  EXPECT_THAT(worker_names(), ElementsAre("h1"));
}

TEST_F(HostCluster, StartsAgainWhatDiedAndAddsHosts) {
  ASSERT_EQ(up(line(1) + line(2)).exit_code, 0);
  const pid_t first = process_of("h1");
  const std::string key_of_2 = key_of(2);
  signal_worker("h1", SIGKILL);
  signal_worker("h2", SIGKILL);
  // A host whose disk is new.
  ASSERT_TRUE(eventually(
      [&] { return processes_naming(place(1)).empty() && processes_naming(place(2)).empty(); }));
  std::filesystem::remove_all(hosts_->home(1) + "/.fanfold");
  const Outcome again = up(line(1) + line(2) + line(3));
  ASSERT_EQ(again.exit_code, 0) << again.both();
  EXPECT_THAT(again.err, HasSubstr("3 workers started now"));
  EXPECT_NE(process_of("h1"), first);
  EXPECT_NE(process_of("h3"), 0);
  EXPECT_EQ(key_of_2, key_of(2)) << "a key that is there is used again";
  const Outcome moved = up("h2 name=h1\n");
  EXPECT_EQ(moved.exit_code, 2);
  EXPECT_THAT(moved.err, HasSubstr("is named 'h1' already, at h1"));
  const Outcome third = up(line(1));
  EXPECT_EQ(third.exit_code, 0) << third.both();
  EXPECT_THAT(third.err, HasSubstr("a cluster of 3 hosts is up"));
  EXPECT_THAT(third.err, HasSubstr("0 workers started now"));
}

TEST_F(HostCluster, GoesOnWithItsJobsWhenItsMasterWasKilled) {
  ASSERT_EQ(up(line(1)).exit_code, 0);
  workspace_.write("in.txt", "wait for " + workspace_.path("go") + "\n");
  const std::string job =
      first_line(ask({"submit", faulty_plugin("faulty"), "in.txt", "-o", "out"}).out);
  const Json before = Json::parse(workspace_.read("c/master.json"));
  kill_and_wait(before["process"].get<pid_t>());
  const Outcome again = up(line(1));
  ASSERT_EQ(again.exit_code, 0) << again.both();
  EXPECT_EQ(Json::parse(workspace_.read("c/master.json"))["address"], before["address"]);
  workspace_.write("go", "");
  const Outcome waited = ask({"wait", job, "--quiet"});
  EXPECT_EQ(waited.exit_code, 0) << waited.both();
  EXPECT_TRUE(workspace_.exists("out/_SUCCESS"));
}

TEST_F(HostCluster, FindsItsMasterThatHasAnotherKey) {
  ASSERT_EQ(up(line(1) + line(2)).exit_code, 0);
  const std::vector<pid_t> workers = {process_of("h1"), process_of("h2")};
  workspace_.write("in.txt", "wait for " + workspace_.path("go") + "\n");
  const std::string job =
      first_line(ask({"submit", faulty_plugin("faulty"), "in.txt", "-o", "out"}).out);
  const auto rotate = [&](std::vector<std::string> step) {
    step.insert(step.begin(), {"keys", "rotate", "master", "--dir", "c/keys"});
    const Outcome outcome = run(workspace_, step);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  };
  rotate({});
  const Outcome told = up(line(1));
  EXPECT_EQ(told.exit_code, 0) << told.both();
  EXPECT_THAT(told.err, Not(HasSubstr("new key"))) << "the master goes on";
  for (const int host : {1, 2}) EXPECT_THAT(key_of(host), HasSubstr("\nother "));
  rotate({"--switch"});
  const Outcome switched = up(line(1));
  EXPECT_EQ(switched.exit_code, 0) << switched.both();
  EXPECT_THAT(switched.err, HasSubstr("has its new key"));
  rotate({"--finish"});
  EXPECT_EQ(up(line(1)).exit_code, 0);
  for (const int host : {1, 2}) {
    EXPECT_THAT(key_of(host), Not(HasSubstr("\nother ")));
    struct stat info {};
    ASSERT_EQ(::stat((place(host) + "/key").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u);
  }
  // Without a word to the hosts in between, and one that is away: the others are told, and the
  // master waits.
  rotate({});
  rotate({"--switch"});
  const std::string config = workspace_.read("ssh/config");
  const std::string reached = "Host h2\n  HostName 127.0.0.1";
  ASSERT_NE(config.find(reached), std::string::npos);
  std::string away = config;
  away.replace(away.find(reached), reached.size(), "Host h2\n  HostName 127.0.0.1\n  Port 1");
  workspace_.write("ssh/config", away);
  const Outcome kept = up(line(1));
  EXPECT_EQ(kept.exit_code, 1);
  EXPECT_THAT(kept.err, HasSubstr("the master goes on with the key that it has"));
  EXPECT_THAT(kept.err, HasSubstr("host h2 is not reached"));
  EXPECT_THAT(key_of(1), HasSubstr("\nother "));
  EXPECT_THAT(worker_names(), ElementsAre("h1", "h2"));
  workspace_.write("ssh/config", config);
  EXPECT_EQ(up(line(1)).exit_code, 0);
  rotate({"--finish"});
  const Outcome at_once = up(line(1));
  EXPECT_EQ(at_once.exit_code, 0) << at_once.both();
  EXPECT_THAT(worker_names(), ElementsAre("h1", "h2"));
  EXPECT_EQ((std::vector<pid_t>{process_of("h1"), process_of("h2")}), workers);
  workspace_.write("go", "");
  EXPECT_EQ(ask({"wait", job, "--quiet"}).exit_code, 0);
  EXPECT_EQ(Json::parse(ask({"status", job, "--json"}).out)["lost_attempts"], 0);
  EXPECT_EQ(down().exit_code, 0);
  EXPECT_THAT(workspace_.list("home-1"), IsEmpty());
}

TEST_F(HostCluster, KeepsAHostThatIsNotReachedForTheNextTry) {
  ASSERT_EQ(up(line(1) + line(2)).exit_code, 0);
  EXPECT_THAT(ask({"cluster", "status", "--dir", "c"}).out, Not(HasSubstr("down")));
  signal_worker("h2", SIGTERM);
  ASSERT_TRUE(eventually([&] { return process_of("h2") == 0; }));
  EXPECT_THAT(ask({"cluster", "status", "--dir", "c"}).out,
              testing::ContainsRegex("\nh2( +-)+ +down\n"));
  hosts_->go_away();
  const Outcome first = down();
  EXPECT_EQ(first.exit_code, 1);
  EXPECT_THAT(first.err, HasSubstr("host h1 is not reached"));
  EXPECT_THAT(first.err, HasSubstr("tries again"));
  EXPECT_TRUE(workspace_.exists("c"));
  hosts_->come_back();
  const Outcome second = down();
  EXPECT_EQ(second.exit_code, 0) << second.both();
  EXPECT_THAT(workspace_.list("home-1"), IsEmpty());
  EXPECT_FALSE(workspace_.exists("c"));
}

TEST_F(HostCluster, LetsAHostGoThatHasFinishedWhatItRan) {
  ASSERT_EQ(up(line(1) + line(2)).exit_code, 0);
  const std::string text = "wait for " + workspace_.path("go") + "\n";
  workspace_.write("in.txt", text + text);
  const std::string job = first_line(ask({"submit", faulty_plugin("faulty"), "in.txt", "-o", "out",
                                          "--split-bytes", std::to_string(text.size())})
                                         .out);
  ASSERT_TRUE(eventually([&] {
    const Json json = Json::parse(ask({"cluster", "status", "--json"}).out);
    return json["workers"][0]["busy"] == 1 && json["workers"][1]["busy"] == 1;
  }));
  EXPECT_EQ(run(workspace_, {"cluster", "down", "--dir", "c", "--host", "h7"}, here()).exit_code,
            2);
  Running leaving(workspace_, {"cluster", "down", "--dir", "c", "--host", "h2"}, here());
  ASSERT_TRUE(eventually([&] {
    return ask({"cluster", "status"}).out.find("draining") != std::string::npos;
  }));
  EXPECT_FALSE(leaving.ended()) << "it did not wait for what runs there";
  workspace_.write("go", "");
  const Outcome left = leaving.wait();
  EXPECT_EQ(left.exit_code, 0) << left.both();
  EXPECT_EQ(ask({"wait", job, "--quiet"}).exit_code, 0);
  EXPECT_EQ(Json::parse(ask({"status", job, "--json"}).out)["lost_attempts"], 0);
  EXPECT_THAT(worker_names(), ElementsAre("h1"));
  EXPECT_THAT(workspace_.list("home-2"), IsEmpty());
  EXPECT_THAT(workspace_.read("c/keys/keys"), Not(HasSubstr("h2")));
  const Outcome again = up(line(1));
  EXPECT_THAT(again.err, HasSubstr("a cluster of 1 host is up"));
}

TEST_F(HostCluster, MentionsAClockThatIsFarOff) {
  workspace_.write("home-2/bin/date", "#!/bin/sh\necho $(($(/bin/date +%s) - 3600))\n");
  std::filesystem::permissions(workspace_.path("home-2/bin/date"),
                               std::filesystem::perms::owner_all);
  const Outcome outcome = up(line(1) + line(2));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_THAT(outcome.err,
              testing::ContainsRegex("the clock of host h2 is 3,[56][0-9][0-9] seconds behind"));
  EXPECT_THAT(outcome.err, Not(HasSubstr("host h1")));
}

TEST_F(HostCluster, LeavesNothingWhenItsStartIsInterrupted) {
  // A host that takes the connection and says nothing.
  std::ofstream(hosts_->config(), std::ios::app) << "Host h9\n  ProxyCommand sleep 600\n";
  Running command(workspace_,
                  {"cluster", "up", "--dir", "c", "--address", "127.0.0.1:0", "--hosts",
                   workspace_.write("hosts", "h9\n"), "--ssh-config", hosts_->config()},
                  here());
  ASSERT_TRUE(eventually([&] { return workspace_.exists("c/call-0.err"); }));
  const Outcome second = up(line(1));
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("is at work in"));
  command.signal(SIGINT);
  EXPECT_EQ(command.wait().exit_code, 130);
  EXPECT_FALSE(workspace_.exists("c"));
}

TEST_F(HostCluster, IsNotMixedWithALocalOne) {
  const std::string hosts = workspace_.write("hosts", line(1));
  ASSERT_EQ(run(workspace_, {"cluster", "up", "--dir", "c", "--workers", "1"}).exit_code, 0);
  const Outcome over = up(line(1));
  EXPECT_EQ(over.exit_code, 2);
  EXPECT_THAT(over.err, HasSubstr("holds other files"));
  for (const char* flag : {"--slots", "--workers"}) {
    const Outcome both = run(workspace_, {"cluster", "up", "--hosts", hosts, flag, "2"});
    EXPECT_EQ(both.exit_code, 2);
    EXPECT_THAT(both.err, HasSubstr("is for a local cluster"));
  }
}

}  // namespace
}  // namespace fanfold::e2e
