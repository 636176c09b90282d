// Sockets that ask for keys: the conformance suite over TCP with them, and those who are refused.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <zmq.hpp>

#include "common/core/clock.hpp"
#include "common/core/mutex.hpp"
#include "common/net/address.hpp"
#include "common/net/any_server.hpp"
#include "common/net/key_pair.hpp"
#include "tests/net/transport_conformance.hpp"

namespace fanfold::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::shared_ptr<const security::KeyPair> new_keys() {
  return std::make_shared<const security::KeyPair>(make_key_pair());
}

/// Whoever it is told to admit.
class Guests final : public security::Authority {
 public:
  void admit_all() {
    change([this] { all_ = true; });
  }
  void invite(const security::PublicKey& key) {
    change([&] { keys_[key] = true; });
  }
  void dismiss(const security::PublicKey& key) {
    change([&] { keys_[key] = false; });
  }

  std::uint64_t generation() override {
    MutexLock lock(mutex_);
    return generation_;
  }
  std::shared_ptr<const security::KeyHolder> admit(const security::PublicKey& key) override {
    MutexLock lock(mutex_);
    const auto found = keys_.find(key);
    if (!all_ && (found == keys_.end() || !found->second)) return nullptr;
    return std::make_shared<const security::KeyHolder>(
        security::KeyHolder{"guest", security::Role::kClient, key, {}});
  }

 private:
  template <class Change>
  void change(const Change& how) {
    MutexLock lock(mutex_);
    how();
    ++generation_;
  }
  Mutex mutex_;
  std::uint64_t generation_ = 1;
  bool all_ = false;
  std::map<security::PublicKey, bool> keys_;
};

std::string free_address() {
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  EXPECT_EQ(::bind(probe, reinterpret_cast<const sockaddr*>(&name), size), 0);
  EXPECT_EQ(::getsockname(probe, reinterpret_cast<sockaddr*>(&name), &size), 0);
  ::close(probe);
  return "tcp://127.0.0.1:" + std::to_string(ntohs(name.sin_port));
}

class GuardedWorld final : public TransportWorld {
 public:
  GuardedWorld() { guests_->invite(guest_->public_key); }

  Result<std::unique_ptr<BoundTransport>> listen(const std::string& address,
                                                 const SocketOptions& options) override {
    SocketOptions guarded = options;
    guarded.protection = Guarded{host_, guests_};
    return net::listen(address, guarded);
  }
  Result<std::unique_ptr<Transport>> connect(const std::string& address,
                                             const SocketOptions& options) override {
    return net::connect(address, proved(options));
  }
  Result<std::unique_ptr<ConnectingTransport>> make_connecting_transport(
      const SocketOptions& options) override {
    return net::make_connecting_transport(proved(options));
  }
  std::string address(int number) override {
    std::string& address = addresses_[number];
    if (address.empty()) address = free_address();
    return address;
  }

 private:
  SocketOptions proved(SocketOptions options) const {
    options.protection = Proved{guest_, host_->public_key};
    return options;
  }

  const std::shared_ptr<const security::KeyPair> host_ = new_keys();
  const std::shared_ptr<const security::KeyPair> guest_ = new_keys();
  const std::shared_ptr<Guests> guests_ = std::make_shared<Guests>();
  std::map<int, std::string> addresses_;
};

INSTANTIATE_TEST_SUITE_P(Guarded, TransportConformance,
                         testing::Values(WorldFactory{
                             "guarded", [] { return std::make_unique<GuardedWorld>(); }}));

class GuardedSocket : public testing::Test {
 protected:
  void SetUp() override {
    guests_->invite(guest_->public_key);
    auto made = listen("tcp://127.0.0.1:0", guarded());
    ASSERT_TRUE(made.ok()) << made.status().message();
    server_ = *std::move(made);
  }
  SocketOptions guarded() const {
    SocketOptions options;
    options.protection = Guarded{host_, guests_};
    return options;
  }
  std::unique_ptr<Transport> connected(const std::shared_ptr<const security::KeyPair>& own,
                                       const security::PublicKey& server) const {
    SocketOptions options;
    options.protection = Proved{own, server};
    auto made = connect(server_->bound_address(), options);
    EXPECT_TRUE(made.ok()) << made.status().message();
    return *std::move(made);
  }
  std::unique_ptr<Transport> seeking(ServerKeys servers) const {
    SocketOptions options;
    options.protection = Proved{guest_, std::nullopt};
    auto made = connect_to_any(server_->bound_address(), options, std::move(servers));
    EXPECT_TRUE(made.ok()) << made.status().message();
    return *std::move(made);
  }
  /// Says something until the server has heard it.
  std::optional<Frame> heard(Transport& client) {
    const Instant deadline = steady_clock().now() + 20s;
    while (steady_clock().now() < deadline) {
      EXPECT_TRUE(client.send({}, "hello").ok());
      EXPECT_TRUE(client.receive(Duration(0)).ok());
      auto frame = server_->receive(10ms);
      EXPECT_TRUE(frame.ok());
      if (frame.ok() && *frame) return **frame;
    }
    return std::nullopt;
  }
  /// What the client learns about why nobody answers; the server hears nothing meanwhile.
  std::string trouble_of(Transport& client) {
    EXPECT_TRUE(client.send({}, "hello").ok());
    const Instant deadline = steady_clock().now() + 20s;
    while (steady_clock().now() < deadline && client.trouble().empty()) {
      EXPECT_TRUE(client.receive(5ms).ok());
      const auto frame = server_->receive(Duration(0));
      EXPECT_TRUE(frame.ok() && !*frame) << "somebody was let in";
    }
    return client.trouble();
  }

  const std::shared_ptr<const security::KeyPair> host_ = new_keys();
  const std::shared_ptr<const security::KeyPair> guest_ = new_keys();
  const std::shared_ptr<Guests> guests_ = std::make_shared<Guests>();
  std::unique_ptr<BoundTransport> server_;
};

TEST_F(GuardedSocket, SaysWhoHasSentAFrameAndFromWhere) {
  const auto client = connected(guest_, host_->public_key);
  const auto frame = heard(*client);
  ASSERT_TRUE(frame.has_value());
  ASSERT_NE(frame->sender.holder, nullptr);
  EXPECT_EQ(frame->sender.holder->key, guest_->public_key);
  EXPECT_EQ(frame->sender.address, "127.0.0.1");
  EXPECT_EQ(client->trouble(), "");
  EXPECT_EQ(server_->refusals().count, 0u) << "the self-test counts as nobody";
}

TEST_F(GuardedSocket, IsFoundUnderAnAddressThatNamesItsKey) {
  SocketOptions options;
  options.protection = Proved{guest_, std::nullopt};
  const auto client = connect(with_key(server_->bound_address(), host_->public_key), options);
  ASSERT_TRUE(client.ok()) << client.status().message();
  EXPECT_TRUE(heard(**client).has_value());
}

TEST_F(GuardedSocket, RefusesAKeyThatNobodyAdmits) {
  const auto stranger = new_keys();
  const auto client = connected(stranger, host_->public_key);
  EXPECT_THAT(trouble_of(*client), HasSubstr("does not accept this key"));
  EXPECT_EQ(server_->refusals().count, 1u);
  EXPECT_EQ(server_->refusals().fingerprint, security::fingerprint(stranger->public_key));
  EXPECT_EQ(server_->refusals().address, "127.0.0.1");
}

TEST_F(GuardedSocket, RefusesWhoeverExpectsAnotherServer) {
  const auto client = connected(guest_, new_keys()->public_key);
  EXPECT_THAT(trouble_of(*client), HasSubstr("not the master that this key is for"));
}

TEST_F(GuardedSocket, IsFoundByWhoKnowsItsKeyAmongOthers) {
  const security::PublicKey other = new_keys()->public_key;
  for (const auto& keys : {std::vector{host_->public_key, other}, {other, host_->public_key}}) {
    const auto client = seeking([&keys] { return keys; });
    EXPECT_TRUE(heard(*client).has_value());
    EXPECT_EQ(client->trouble(), "");
  }
}

TEST_F(GuardedSocket, IsNotFoundByWhoKnowsNoneOfItsKeysUntilHeIsTold) {
  std::vector<security::PublicKey> keys = {new_keys()->public_key, new_keys()->public_key};
  const auto client = seeking([&keys] { return keys; });
  const std::string trouble = trouble_of(*client);
  EXPECT_THAT(trouble, HasSubstr("not the master that this key is for"));
  for (const auto& key : keys) EXPECT_THAT(trouble, HasSubstr(security::fingerprint(key)));
  keys = {host_->public_key};
  EXPECT_TRUE(heard(*client).has_value());
  EXPECT_EQ(client->trouble(), "");
}

TEST_F(GuardedSocket, IsFoundAgainWhenItComesBackWithItsOtherKey) {
  const auto next = new_keys();
  const auto client = seeking([&] { return std::vector{host_->public_key, next->public_key}; });
  ASSERT_TRUE(heard(*client).has_value());
  const std::string address = server_->bound_address();
  for (const auto& key : {next, host_}) {
    server_.reset();
    SocketOptions options;
    options.protection = Guarded{key, guests_};
    auto again = listen(address, options);
    ASSERT_TRUE(again.ok()) << again.status().message();
    server_ = *std::move(again);
    EXPECT_TRUE(heard(*client).has_value());
    EXPECT_EQ(client->trouble(), "");
  }
}

TEST_F(GuardedSocket, GetsWhatWasSentBeforeItsKeyWasFound) {
  const std::vector<security::PublicKey> keys = {new_keys()->public_key, host_->public_key};
  const auto client = seeking([&keys] { return keys; });
  ASSERT_TRUE(client->send({}, "once").ok());
  const Instant deadline = steady_clock().now() + 20s;
  std::optional<Frame> frame;
  while (!frame && steady_clock().now() < deadline) {
    ASSERT_TRUE(client->receive(1ms).ok());
    auto next = server_->receive(1ms);
    ASSERT_TRUE(next.ok());
    frame = *std::move(next);
  }
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->payload, "once");
}

TEST_F(GuardedSocket, IsLeftByWhoIsToldThatItsKeyIsNotTheMastersAnyMore) {
  std::vector<security::PublicKey> keys = {host_->public_key};
  const auto client = seeking([&keys] { return keys; });
  ASSERT_TRUE(heard(*client).has_value());
  keys = {new_keys()->public_key};
  const Instant deadline = steady_clock().now() + 20s;
  while (client->trouble().empty() && steady_clock().now() < deadline) {
    ASSERT_TRUE(client->receive(5ms).ok());
    ASSERT_TRUE(server_->receive(Duration(0)).ok());
  }
  EXPECT_THAT(client->trouble(), HasSubstr("not the master that this key is for"));
  const auto last = server_->receive(Duration(0));
  ASSERT_TRUE(last.ok() && !*last);
  static_cast<void>(trouble_of(*client));
}

TEST_F(GuardedSocket, IsTriedLessAndLessOftenByWhoDoesNotKnowItsKey) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&name), size), 0);
  ASSERT_EQ(::listen(listener, 16), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size), 0);
  ASSERT_EQ(::fcntl(listener, F_SETFL, O_NONBLOCK), 0);
  SocketOptions options;
  options.protection = Proved{guest_, new_keys()->public_key};
  const auto client = connect("tcp://127.0.0.1:" + std::to_string(ntohs(name.sin_port)), options);
  ASSERT_TRUE(client.ok());
  const Instant begin = steady_clock().now();
  int tries = 0;
  while (tries < 4 && steady_clock().now() < begin + 20s) {
    ASSERT_TRUE((*client)->receive(5ms).ok());
    const int visitor = ::accept(listener, nullptr, nullptr);
    if (visitor < 0) continue;
    ++tries;
    ::close(visitor);
  }
  ::close(listener);
  EXPECT_EQ(tries, 4);
  // 100, 200 and 400 ms.
  EXPECT_GE(steady_clock().now() - begin, 700ms);
}

TEST_F(GuardedSocket, RefusesAConnectionWithoutAKey) {
  SocketOptions open;
  open.protection = UnprotectedLoopback{};
  auto client = connect(server_->bound_address(), open);
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE((*client)->send({}, "hello").ok());
  const auto friendly = connected(guest_, host_->public_key);
  const auto frame = heard(*friendly);
  ASSERT_TRUE(frame.has_value());
  EXPECT_NE(frame->sender.holder, nullptr);
}

TEST_F(GuardedSocket, HearsNothingMoreOfAKeyThatIsRevokedWhileConnected) {
  const auto client = connected(guest_, host_->public_key);
  const auto frame = heard(*client);
  ASSERT_TRUE(frame.has_value());
  ASSERT_TRUE(server_->send(frame->peer, "welcome").ok());
  guests_->dismiss(guest_->public_key);
  EXPECT_EQ(server_->send(frame->peer, "secret").code(), StatusCode::kUnavailable);
  EXPECT_EQ(server_->drops().peer_gone, 1u);
  const Instant deadline = steady_clock().now() + 20s;
  while (server_->revoked_frames() == 0 && steady_clock().now() < deadline) {
    ASSERT_TRUE(client->send({}, "still here").ok());
    const auto answer = client->receive(Duration(0));
    ASSERT_TRUE(answer.ok());
    ASSERT_TRUE(!*answer || (**answer).payload == "welcome");
    const auto next = server_->receive(5ms);
    // Frames that were sent before are as unwelcome as later ones.
    ASSERT_TRUE(next.ok() && !*next);
  }
  EXPECT_GT(server_->revoked_frames(), 0u);
  guests_->invite(guest_->public_key);
  EXPECT_TRUE(heard(*client).has_value());
}

TEST_F(GuardedSocket, DoesNotStartWhenItsGateIsOpenToAll) {
  guests_->admit_all();
  const auto open = listen("tcp://127.0.0.1:0", guarded());
  ASSERT_FALSE(open.ok());
  EXPECT_THAT(open.status().message(), HasSubstr("a key of nobody was let in"));
}

TEST(SocketForTcp, IsNotMadeUntilSomebodySaysHowItIsProtected) {
  SocketOptions options;
  EXPECT_FALSE(listen("tcp://127.0.0.1:0", options).ok());
  EXPECT_FALSE(connect("tcp://127.0.0.1:1", options).ok());
  // Keys of the other side's kind do not do.
  options.protection = Proved{new_keys(), std::nullopt};
  EXPECT_THAT(listen("tcp://127.0.0.1:0", options).status().message(), HasSubstr("whose keys"));
  EXPECT_THAT(connect("tcp://127.0.0.1:1", options).status().message(), HasSubstr("whose key"));
  options.protection = Guarded{new_keys(), std::make_shared<Guests>()};
  EXPECT_THAT(connect("tcp://127.0.0.1:1", options).status().message(), HasSubstr("whose key"));
}

TEST(OwnHost, IsTheAddressThatLeadsToTheOther) {
  EXPECT_EQ(*own_host_towards("tcp://127.0.0.1:7077"), "127.0.0.1");
  EXPECT_EQ(*own_host_towards("tcp://[::1]:7077"), "[::1]");
  EXPECT_THAT(own_host_towards("tcp://no.such.host.invalid:1").status().message(),
              HasSubstr("no.such.host.invalid"));
}

}  // namespace
}  // namespace fanfold::net
