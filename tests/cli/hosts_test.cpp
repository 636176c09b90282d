// Files of hosts, and what becomes of their words on the way to a shell.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/cluster/keyed_master.hpp"
#include "cli/hosts/host_scripts.hpp"
#include "cli/hosts/hosts_file.hpp"
#include "cli/hosts/remote_shell.hpp"

namespace fanfold::cli {
namespace {

using testing::HasSubstr;

TEST(HostsFile, SaysWhereWorkersAreAndWhatTheyGet) {
  const auto hosts = parse_hosts(
      "# ours\n\n"
      "here slots=2\n"
      "alice@10.0.0.2 \t slots=8 memory=2G scratch=/data/s input=/var/log input=/srv  # large\n"
      "n3.example.org name=n3 port=2222 bin=/opt/fanfold/bin",
      "hosts");
  ASSERT_TRUE(hosts.ok()) << hosts.status().message();
  ASSERT_EQ(hosts->size(), 3u);
  EXPECT_TRUE((*hosts)[0].here());
  EXPECT_EQ((*hosts)[0].name, "here");
  EXPECT_EQ((*hosts)[1].destination, "alice@10.0.0.2");
  EXPECT_EQ((*hosts)[1].name, "10.0.0.2");
  EXPECT_EQ((*hosts)[1].slots, 8u);
  EXPECT_EQ((*hosts)[1].memory_bytes, std::uint64_t{2} << 30);
  EXPECT_EQ((*hosts)[1].scratch, "/data/s");
  EXPECT_EQ((*hosts)[1].inputs, (std::vector<std::string>{"/var/log", "/srv"}));
  EXPECT_EQ((*hosts)[2].name, "n3");
  EXPECT_EQ((*hosts)[2].port, 2222);
  EXPECT_EQ((*hosts)[2].bin, "/opt/fanfold/bin");
}

struct BadLine {
  const char* line;
  const char* said;
};

class BadHosts : public testing::TestWithParam<BadLine> {};

TEST_P(BadHosts, AreRefusedWithTheLineAndTheReason) {
  const auto hosts = parse_hosts("ok-host\n" + std::string(GetParam().line) + "\n", "my-hosts");
  ASSERT_FALSE(hosts.ok());
  EXPECT_THAT(hosts.status().message(), HasSubstr("my-hosts, line 2"));
  EXPECT_THAT(hosts.status().message(), HasSubstr(GetParam().said));
}

INSTANTIATE_TEST_SUITE_P(
    Lines, BadHosts,
    testing::Values(BadLine{"-oProxyCommand=touch", "is no host"},
                    BadLine{"a@-oProxyCommand=touch", "is no host"}, BadLine{"a@b@c", "is no host"},
                    BadLine{"h;reboot", "is no host"}, BadLine{"$(reboot)", "is no host"},
                    BadLine{"h\x1b[2J", "is no host"}, BadLine{"../h", "is no host"},
                    BadLine{"@h", "is no host"}, BadLine{"h name=../../x", "cannot be the name"},
                    BadLine{"fe80::1", "cannot be the name"}, BadLine{"h name=owner", "is taken"},
                    BadLine{"h name=master", "is taken"}, BadLine{"ok-host", "two hosts are named"},
                    BadLine{"h slots=0", "'slots'"}, BadLine{"h slots=-1", "'slots'"},
                    BadLine{"h port=70000", "'port'"}, BadLine{"here port=22", "'port'"},
                    BadLine{"h memory=1", "at least 32M"}, BadLine{"h bin=opt", "no absolute path"},
                    BadLine{"h scratch=/a/../b", "no absolute path"},
                    BadLine{"h scratch=/a\x01", "no absolute path"},
                    BadLine{"h input=/a input=/b/..", "no absolute path"},
                    BadLine{"h slots", "has no value"}, BadLine{"h slots=1 slots=2", "said twice"},
                    BadLine{"h colour=red", "'colour'"}));

TEST(HostsFile, WithoutAHostIsRefused) {
  EXPECT_THAT(parse_hosts("# none\n", "empty").status().message(), HasSubstr("names no host"));
}

TEST(HostsFile, TakesAddressesOfIpVersion6) {
  EXPECT_TRUE(is_destination("fe80::1%eth0"));
  EXPECT_TRUE(is_destination("::1"));
  EXPECT_FALSE(is_destination("[::1]"));
  EXPECT_TRUE(parse_hosts("::1 name=me", "f").ok());
}

TEST(MasterEndpoint, IsAnAddressThatOthersReach) {
  EXPECT_EQ(*master_endpoint("10.0.0.1"), "tcp://10.0.0.1:7077");
  EXPECT_EQ(*master_endpoint("10.0.0.1:9"), "tcp://10.0.0.1:9");
  EXPECT_EQ(*master_endpoint("::1"), "tcp://[::1]:7077");
  EXPECT_EQ(*master_endpoint("[::1]:9"), "tcp://[::1]:9");
  for (const char* bad : {"", "0.0.0.0", "*", "::", "h:port", "h:70000", "h:1:2:x", "a b"}) {
    EXPECT_FALSE(master_endpoint(bad).ok()) << bad;
  }
}

/// Runs `call` on this host.
RemoteAnswer run_here(const RemoteScript& script) {
  const std::string directory = testing::TempDir() + "/shell";
  std::filesystem::create_directories(directory);
  Interrupts interrupts;
  EXPECT_TRUE(interrupts.start().ok());
  RemoteCall call;
  call.host.name = "here";
  call.script = script;
  RemoteAnswer answer = RemoteShell{directory, ""}.run({call}, interrupts).front();
  EXPECT_TRUE(std::filesystem::is_empty(directory)) << "something of the call stays";
  return answer;
}

TEST(RemoteShellTest, GivesArgumentsToScriptsAsTheyAre) {
  const std::vector<std::string> nasty = {
      "plain",     "",     " two  words ", "'",  "''\\''", "$(touch x)",
      "`touch x`", "a\nb", "\"$HOME\"",    "-n", "*",      "\xff\x01;&|<>"};
  std::string wanted;
  for (const std::string& word : nasty) wanted += "<" + word + ">";
  const RemoteAnswer answer = run_here({"for word; do printf '<%s>' \"$word\"; done\n", nasty});
  EXPECT_TRUE(answer.status.ok()) << answer.status.message();
  EXPECT_EQ(answer.output, wanted);
}

TEST(RemoteShellTest, SaysWhatAScriptSaidThatFailed) {
  const RemoteAnswer answer = run_here({"echo out; echo because >&2; exit 3\n", {}});
  EXPECT_EQ(answer.status.code(), StatusCode::kAborted);
  EXPECT_EQ(answer.status.message(), "host here: because");
  EXPECT_THAT(run_here({"exit 3\n", {}}).status.message(), HasSubstr("exit status 3"));
}

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// A script of ours on this host, in a home of its own, after `before` has changed its world.
RemoteAnswer run_script(const std::string& home, const std::string& before, std::string_view script,
                        std::vector<std::string> arguments) {
  std::filesystem::create_directories(home + "/.fanfold/cluster/h1");
  arguments.insert(arguments.begin(), {"cluster", "h1"});
  return run_here({"HOME=" + shell_word(home) + "\n" + before + "\n" + std::string(kCommonScript) +
                       std::string(script),
                   arguments});
}

TEST(HostScripts, SayWhenAKeyStays) {
  const std::string home = testing::TempDir() + "/stays";
  const RemoteAnswer answer = run_script(home, "rm() { return 1; }", kStopScript, {});
  EXPECT_EQ(answer.status.code(), StatusCode::kAborted);
  EXPECT_THAT(answer.status.message(), HasSubstr("cannot remove " + home));
  EXPECT_TRUE(run_script(home, "", kStopScript, {}).status.ok());
  EXPECT_TRUE(std::filesystem::is_empty(home));
}

TEST(HostScripts, EndAWorkerThatNobodyWouldFind) {
  const std::string home = testing::TempDir() + "/unfound";
  const std::string started = home + "/started";
  const std::string program = home + "/worker";
  std::filesystem::create_directories(home);
  std::ofstream(program) << "#!/bin/sh\necho $$ >" << started << ".new\nmv " << started << ".new "
                         << started << "\nexec sleep 600\n";
  std::filesystem::permissions(program, std::filesystem::perms::owner_all);
  const std::string no_room =
      "echo() { until [ -e " + started + " ]; do sleep 0.01; done; return 1; }";
  const RemoteAnswer answer = run_script(home, no_room, kStartScript, {"key", program});
  EXPECT_THAT(answer.status.message(), HasSubstr("/pid"));
  std::string process = text_of(started);
  ASSERT_FALSE(process.empty());
  process.pop_back();
  // Its end follows the signal; what has ended has no command line.
  for (int i = 0; i < 6000 && !text_of("/proc/" + process + "/cmdline").empty(); ++i) {
    ::poll(nullptr, 0, 10);
  }
  EXPECT_EQ(text_of("/proc/" + process + "/cmdline"), "");
  std::filesystem::remove_all(home);
}

TEST(RemoteShellTest, RunsManyCallsAndKeepsTheirOrder) {
  const std::string directory = testing::TempDir() + "/many";
  std::filesystem::create_directories(directory);
  Interrupts interrupts;
  ASSERT_TRUE(interrupts.start().ok());
  std::vector<RemoteCall> calls(100);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    calls[i].host.name = "h" + std::to_string(i);
    calls[i].script = {"printf %s \"$1\"\n", {std::to_string(i)}};
  }
  const auto answers = RemoteShell{directory, ""}.run(calls, interrupts);
  for (std::size_t i = 0; i < calls.size(); ++i) EXPECT_EQ(answers[i].output, std::to_string(i));
}

}  // namespace
}  // namespace fanfold::cli
