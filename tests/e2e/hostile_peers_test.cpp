// Peers that are not what they should be, while a job runs that has to end right.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <random>

#include "tests/e2e/keyed_cluster.hpp"
#include "tests/e2e/raw_peer.hpp"

namespace fanfold::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kGrowthMax = 50u << 20;

/// What ZMTP 3.1 begins with, and the mechanism CURVE.
std::string greeting() {
  std::string bytes("\xff\0\0\0\0\0\0\0\0\x7f\x03\x01", 12);
  bytes += "CURVE";
  bytes.resize(64, '\0');
  return bytes;
}

class HostilePeers : public testing::Test {
 protected:
  HostilePeers() {
    cluster_.add_worker();
    cluster_.add_worker();
    workspace_.write("wait.txt", "say hello\nwait for " + gate_ + "\ntwo\n");
  }

  /// A job that does not end before let_go().
  void begin_job() {
    const Outcome submitted = cluster_.run_as(
        "alice", {"submit", faulty_plugin("faulty"), "wait.txt", "-o", "out", "--attempts", "1"});
    ASSERT_EQ(submitted.exit_code, 0) << submitted.both();
    ASSERT_TRUE(eventually([&] {
      return cluster_.run_as("alice", {"logs", "1"}).out.find("running") != std::string::npos;
    }));
  }
  void let_go_and_expect_success(const std::string& who = "alice") {
    workspace_.write("gate", "");
    const Outcome over = cluster_.run_as(who, {"wait", "1"});
    EXPECT_EQ(over.exit_code, 0) << over.both() << cluster_.master_log();
    EXPECT_TRUE(workspace_.exists("out/_SUCCESS"));
  }

  Workspace workspace_;
  KeyedCluster cluster_{workspace_};
  const std::string gate_ = workspace_.path("gate");
};

TEST_F(HostilePeers, WithAKeyOfAnotherRoleAreToldSo) {
  begin_job();
  const Outcome submitted = cluster_.run_as("w1", {"submit", "word_count", "wait.txt", "-o", "w"});
  EXPECT_EQ(submitted.exit_code, 2);
  EXPECT_THAT(submitted.err, AllOf(HasSubstr("the key 'w1' is that of a worker"),
                                   HasSubstr("a client or an admin is needed")));
  EXPECT_EQ(cluster_.run_as("w1", {"cancel", "1"}).exit_code, 2);
  EXPECT_THAT(cluster_.audit_log(), HasSubstr("message.refused key=w1 address=127.0.0.1"));
  // Nor is a client's key one of a worker, whatever the file says about itself.
  std::string disguised = workspace_.read("keys/alice.key");
  disguised.replace(disguised.find("role client"), 11, "role worker");
  workspace_.write("disguised.key", disguised);
  std::filesystem::permissions(workspace_.path("disguised.key"),
                               std::filesystem::perms::owner_read);
  CommandOptions options;
  options.program = (std::filesystem::path(FANFOLD_BIN).parent_path() / "fanfold-worker").string();
  Running worker(workspace_,
                 {"--master", cluster_.address(), "--key", "disguised.key", "--scratch",
                  workspace_.path("s"), "--name", "wolf"},
                 options);
  EXPECT_TRUE(eventually(
      [&] { return cluster_.audit_log().find("message.refused key=alice") != std::string::npos; }));
  EXPECT_THAT(cluster_.run_as("alice", {"cluster", "status"}).out, Not(HasSubstr("wolf")));
  worker.signal(SIGTERM);
  worker.signal(SIGINT);
  worker.wait();
  let_go_and_expect_success();
}

TEST_F(HostilePeers, MayNotCancelWhatOthersSubmitted) {
  begin_job();
  cluster_.keys({"add", "mallory", "--role", "client"});
  const Outcome refused = cluster_.run_as("mallory", {"cancel", "1"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, AllOf(HasSubstr("submitted by 'alice'"), HasSubstr("'mallory'")));
  const Outcome cancelled = cluster_.run_as("root", {"cancel", "1"});
  EXPECT_EQ(cancelled.exit_code, 0) << cancelled.both();
  EXPECT_THAT(cluster_.audit_log(), HasSubstr("job.cancelled key=root address=127.0.0.1 job=1"));
}

TEST_F(HostilePeers, AreIgnoredOnceTheirKeyIsRevokedThoughTheyAreConnected) {
  begin_job();
  Running follower(workspace_, {"logs", "-f", "1"}, cluster_.as("alice"));
  // It is connected, and is answered.
  EXPECT_TRUE(eventually([&] { return !follower.out_so_far().empty(); }));
  cluster_.keys({"revoke", "alice"});
  EXPECT_TRUE(eventually([&] {
    return cluster_.master_log().find("frame.revoked") != std::string::npos;
  })) << "its questions arrive and are dropped unread";
  workspace_.write("gate", "");
  const Outcome over = cluster_.run_as("root", {"wait", "1"});
  EXPECT_EQ(over.exit_code, 0) << over.both();
  EXPECT_THAT(follower.out_so_far(), Not(HasSubstr("committed")))
      << "nobody tells it how the attempt ended";
  EXPECT_THAT(cluster_.audit_log(), HasSubstr("key.removed key=\"alice client "));
}

TEST_F(HostilePeers, ThatWereWorkersLoseWhatTheyHold) {
  begin_job();
  const auto runs_on = [&](const std::string& worker) {
    const std::string logs = cluster_.run_as("alice", {"logs", "1"}).out;
    return logs.find(worker + ": running") != std::string::npos;
  };
  const std::string held_by = runs_on("w1") ? "w1" : "w2";
  ASSERT_TRUE(runs_on(held_by)) << cluster_.run_as("alice", {"logs", "1"}).out;
  cluster_.keys({"revoke", held_by});
  EXPECT_TRUE(eventually([&] { return runs_on(held_by == "w1" ? "w2" : "w1"); }));
  EXPECT_THAT(cluster_.run_as("alice", {"cluster", "status"}).out, Not(HasSubstr(held_by)));
  let_go_and_expect_success();
}

TEST_F(HostilePeers, WithGarbageInPlaceOfAHandshakeCostNothing) {
  begin_job();
  const std::size_t before = resident_bytes(cluster_.master().pid());
  std::mt19937 random(20'261'127);
  for (int round = 0; round < 300; ++round) {
    const RawPeer peer(cluster_.port());
    ASSERT_TRUE(peer.connected());
    std::string bytes = round % 3 == 0 ? "" : greeting();
    // A command of a handshake with a length of 2 GiB, an HTTP request, noise.
    if (round % 3 == 1) bytes += std::string("\x06\0\0\0\0\x80\0\0\0", 9);
    if (round % 5 == 0) bytes = "POST /jobs HTTP/1.1\r\nHost: x\r\n\r\n" + bytes;
    for (int i = 0; i < 4096; ++i) bytes += static_cast<char>(random());
    peer.say(bytes);
  }
  // One that pours as much as it may.
  const RawPeer pourer(cluster_.port());
  pourer.say(greeting() + std::string("\x06\0\0\0\0\x7f\xff\xff\xff", 9));
  const std::string megabyte(1u << 20, 'm');
  EXPECT_TRUE(eventually([&] { return pourer.say(megabyte) < 0 && pourer.closed(); }));
  EXPECT_LT(resident_bytes(cluster_.master().pid()), before + kGrowthMax);
  let_go_and_expect_success();
}

// What a scanner does: it looks who answers, and with what.
TEST_F(HostilePeers, ThatScanThePortsOfMasterAndWorkersCostNothing) {
  begin_job();
  const std::string joined = cluster_.worker_log(1);
  const std::size_t at = joined.find("data=tcp://127.0.0.1:");
  ASSERT_NE(at, std::string::npos) << joined;
  const int worker_port = std::stoi(joined.substr(at + 21));
  const std::size_t before = resident_bytes(cluster_.master().pid());
  const std::vector<std::string> probes = {
      "",
      "\r\n\r\n",
      "GET / HTTP/1.0\r\n\r\n",
      "OPTIONS * RTSP/1.0\r\n\r\n",
      "SSH-2.0-scanner\r\n",
      std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),  // TLS
      std::string("\x00\x00\x00\xa4\xff\x53\x4d\x42", 8),               // SMB
      std::string("\xff\0\0\0\0\0\0\0\x01\x7f", 10) + "\x03",           // Half of ZMTP
      greeting()};
  for (int round = 0; round < 50; ++round) {
    for (const int port : {cluster_.port(), worker_port}) {
      for (const std::string& probe : probes) {
        RawPeer peer(port);
        ASSERT_TRUE(peer.connected());
        peer.say(probe);
        if (round % 2 == 0) peer.reset();
      }
    }
  }
  const RawPeer patient(worker_port);
  patient.say(probes[2]);
  EXPECT_TRUE(eventually([&] { return patient.closed(); })) << "who is no peer is hung up on";
  EXPECT_LT(resident_bytes(cluster_.master().pid()), before + kGrowthMax);
  let_go_and_expect_success();
}

// Its hello is in there, and all that proves that it is a worker.
TEST_F(HostilePeers, ThatPlayBackWhatAWorkerSaidAreNobody) {
  begin_job();
  const auto workers = [&] {
    const std::string log = cluster_.audit_log();
    int joined = 0;
    for (std::size_t at = 0; (at = log.find("worker.joined", at)) != std::string::npos; ++at) {
      ++joined;
    }
    return joined;
  };
  Recorder recorder(cluster_.port());
  cluster_.add_worker("tcp://127.0.0.1:" + std::to_string(recorder.port()));
  ASSERT_EQ(workers(), 3);
  const std::string said = recorder.said();
  ASSERT_GT(said.size(), greeting().size());
  for (int round = 0; round < 3; ++round) {
    const RawPeer echo(cluster_.port());
    ASSERT_TRUE(echo.connected());
    ASSERT_EQ(echo.say(said), static_cast<ssize_t>(said.size()));
    EXPECT_TRUE(eventually([&] { return echo.closed(); }));
  }
  EXPECT_EQ(workers(), 3);
  EXPECT_THAT(cluster_.run_as("alice", {"cluster", "status"}).out, HasSubstr("w3"));
  let_go_and_expect_success();
}

TEST_F(HostilePeers, ThatOpenThousandsOfConnectionsAndSayNothingStopNobody) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_GE(limit.rlim_cur, 3000u) << "this test needs more descriptors (ulimit -Hn)";
  const std::size_t connections = std::min<std::size_t>(5000, limit.rlim_cur - 1000);
  begin_job();
  const std::size_t before = resident_bytes(cluster_.master().pid());
  std::vector<RawPeer> peers;
  std::size_t most = 0;
  for (std::size_t i = 0; i < connections; ++i) {
    peers.emplace_back(cluster_.port());
    ASSERT_TRUE(peers.back().connected()) << i;
    // Half of them begin, and then think about it.
    if (i % 2 == 0) peers.back().say(greeting());
    if (i % 500 == 0) most = std::max(most, resident_bytes(cluster_.master().pid()));
  }
  // While all of them are there, others are served.
  const Outcome listed = cluster_.run_as("alice", {"list"});
  EXPECT_EQ(listed.exit_code, 0) << listed.both();
  most = std::max(most, resident_bytes(cluster_.master().pid()));
  EXPECT_LT(most, before + kGrowthMax);
  RecordProperty("growth_bytes", std::to_string(most - before));
  // Nobody has to wait for them for ever.
  EXPECT_TRUE(eventually([&] {
    return std::all_of(peers.begin(), peers.end(),
                       [](const RawPeer& peer) { return peer.closed(); });
  }));
  let_go_and_expect_success();
}

}  // namespace
}  // namespace fanfold::e2e
