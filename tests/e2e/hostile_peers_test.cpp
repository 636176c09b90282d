// Peers that are not what they should be, while a job runs that has to end right.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "tests/e2e/keyed_cluster.hpp"

namespace fanfold::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::size_t kGrowthMax = 50u << 20;

/// A TCP connection that speaks no protocol.
class RawPeer {
 public:
  explicit RawPeer(int port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    name.sin_port = htons(static_cast<std::uint16_t>(port));
    connected_ = descriptor_ >= 0 &&
                 ::connect(descriptor_, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0;
    if (connected_) ::fcntl(descriptor_, F_SETFL, O_NONBLOCK);
  }
  RawPeer(RawPeer&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), connected_(other.connected_) {}
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;
  ~RawPeer() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  bool connected() const { return connected_; }
  /// How much of it the other side took; -1: it has closed the connection.
  ssize_t say(const std::string& bytes) const {
    return ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  bool closed() const {
    char byte[256];
    for (;;) {
      const ssize_t got = ::recv(descriptor_, byte, sizeof byte, 0);
      if (got == 0) return true;
      if (got < 0) return errno != EAGAIN && errno != EINTR;
    }
  }

 private:
  int descriptor_;
  bool connected_ = false;
};

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
