#include "tests/net/transport_conformance.hpp"

#include <unistd.h>

#include <map>
#include <thread>

#include "common/core/clock.hpp"
#include "common/core/limits.hpp"

namespace fanfold::net {

using namespace std::chrono_literals;

namespace {

constexpr Duration kGenerous = 20s;

PeerId the_server() { return {}; }

}  // namespace

std::unique_ptr<BoundTransport> TransportConformance::listening(int number) {
  auto transport = world_->listen(world_->address(number), options_);
  EXPECT_TRUE(transport.ok()) << transport.status().message();
  return *std::move(transport);
}

std::unique_ptr<Transport> TransportConformance::connected(int number) {
  auto transport = world_->connect(world_->address(number), options_);
  EXPECT_TRUE(transport.ok()) << transport.status().message();
  return *std::move(transport);
}

Frame TransportConformance::next_frame(Transport& receiver, const std::vector<Transport*>& others) {
  const Instant deadline = steady_clock().now() + kGenerous;
  while (steady_clock().now() < deadline) {
    for (Transport* other : others) {
      const auto stray = other->receive(Duration(0));
      EXPECT_TRUE(stray.ok() && !stray->has_value()) << "a frame that nobody expected";
    }
    // Short only while others have to be given a turn.
    auto frame = receiver.receive(others.empty() ? kGenerous : 2ms);
    EXPECT_TRUE(frame.ok()) << frame.status().message();
    if (frame.ok() && frame->has_value()) return **frame;
  }
  ADD_FAILURE() << "no frame arrived";
  return {};
}

PeerId TransportConformance::greet(BoundTransport& server, Transport& client,
                                   const std::string& text) {
  EXPECT_TRUE(client.send(the_server(), text).ok());
  const Frame frame = next_frame(server, {&client});
  EXPECT_EQ(frame.payload, text);
  return frame.peer;
}

TEST_P(TransportConformance, DeliversFramesInOrder) {
  auto server = listening();
  auto client = connected();
  const PeerId peer = greet(*server, *client);
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(client->send(the_server(), std::to_string(i)).ok());
    ASSERT_TRUE(server->send(peer, std::to_string(-i)).ok());
  }
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(next_frame(*server).payload, std::to_string(i));
    ASSERT_EQ(next_frame(*client).payload, std::to_string(-i));
  }
}

TEST_P(TransportConformance, DeliversAnswersToTheirPeerAlone) {
  auto server = listening();
  auto first = connected();
  auto second = connected();
  const PeerId first_peer = greet(*server, *first);
  const PeerId second_peer = greet(*server, *second);
  EXPECT_NE(first_peer, second_peer);
  ASSERT_TRUE(server->send(second_peer, "for the second").ok());
  EXPECT_EQ(next_frame(*second, {first.get(), server.get()}).payload, "for the second");
}

TEST_P(TransportConformance, KeepsWhatIsSentBeforeTheOtherSideListens) {
  auto client = connected();
  ASSERT_TRUE(client->send(the_server(), "early").ok());
  const auto nothing = client->receive(Duration(0));
  ASSERT_TRUE(nothing.ok() && !nothing->has_value());
  auto server = listening();
  EXPECT_EQ(next_frame(*server, {client.get()}).payload, "early");
}

TEST_P(TransportConformance, CarriesEmptyAndBinaryFrames) {
  auto server = listening();
  auto client = connected();
  greet(*server, *client);
  const std::string binary("\0\xff\n\0", 4);
  ASSERT_TRUE(client->send(the_server(), "").ok());
  ASSERT_TRUE(client->send(the_server(), binary).ok());
  EXPECT_EQ(next_frame(*server).payload, "");
  EXPECT_EQ(next_frame(*server).payload, binary);
}

TEST_P(TransportConformance, CarriesFramesUpToTheLimitAndRefusesLargerOnes) {
  auto server = listening();
  auto client = connected();
  const PeerId peer = greet(*server, *client);
  const std::string largest(options_.frame_bytes_max, 'x');
  ASSERT_TRUE(client->send(the_server(), largest).ok());
  EXPECT_TRUE(next_frame(*server, {client.get()}).payload == largest);
  ASSERT_TRUE(server->send(peer, largest).ok());
  EXPECT_TRUE(next_frame(*client, {server.get()}).payload == largest);

  EXPECT_EQ(client->send(the_server(), largest + "x").code(), StatusCode::kExhausted);
  EXPECT_EQ(server->send(peer, largest + "x").code(), StatusCode::kExhausted);
}

TEST_P(TransportConformance, RefusesToSendToAPeerItDoesNotKnow) {
  auto server = listening();
  EXPECT_EQ(server->send(PeerId{"nobody"}, "hello?").code(), StatusCode::kUnavailable);
}

TEST_P(TransportConformance, NoticesThatAPeerIsGone) {
  auto server = listening();
  auto client = connected();
  const PeerId peer = greet(*server, *client);
  client.reset();
  const Instant deadline = steady_clock().now() + kGenerous;
  Status status;
  while (status.ok() && steady_clock().now() < deadline) {
    status = server->send(peer, "still there?");
    ASSERT_TRUE(server->receive(1ms).ok());
  }
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
}

TEST_P(TransportConformance, GivesAReturningPeerANewIdentity) {
  auto server = listening();
  auto client = connected();
  const PeerId before = greet(*server, *client);
  client = connected();
  EXPECT_NE(greet(*server, *client), before);
}

TEST_P(TransportConformance, FindsTheOtherSideAgainAfterItWasReplaced) {
  auto server = listening();
  auto client = connected();
  greet(*server, *client);
  server.reset();
  server = listening();
  // What is sent while nobody has noticed may be lost: it is repeated, as the layers above do.
  const Instant deadline = steady_clock().now() + kGenerous;
  std::optional<Frame> frame;
  while (!frame && steady_clock().now() < deadline) {
    ASSERT_TRUE(client->send(the_server(), "anybody?").ok());
    ASSERT_TRUE(client->receive(Duration(0)).ok());
    auto received = server->receive(5ms);
    ASSERT_TRUE(received.ok());
    frame = *received;
  }
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->payload, "anybody?");
}

TEST_P(TransportConformance, BoundsWhatWaitsForASilentPeerAndServesTheOthers) {
  auto server = listening();
  auto silent = connected();
  auto lively = connected();
  const PeerId silent_peer = greet(*server, *silent);
  const PeerId lively_peer = greet(*server, *lively);

  const std::string kilobytes(64u << 10, 'k');
  const std::size_t sent_max = 1u << 15;  // 2 GiB: far beyond every queue on the way.
  std::size_t accepted = 0;
  Status status;
  while (accepted < sent_max) {
    status = server->send(silent_peer, std::to_string(accepted) + kilobytes);
    if (!status.ok()) break;
    ++accepted;
  }
  ASSERT_EQ(status.code(), StatusCode::kUnavailable) << accepted << " frames accepted";
  EXPECT_GE(accepted * kilobytes.size(), limits::kOutboxBytes);

  ASSERT_TRUE(server->send(lively_peer, "you are served").ok());
  EXPECT_EQ(next_frame(*lively, {server.get()}).payload, "you are served");

  for (std::size_t i = 0; i < accepted; ++i) {
    const Frame frame = next_frame(*silent, {server.get()});
    ASSERT_EQ(frame.payload.substr(0, frame.payload.find('k')), std::to_string(i));
  }
}

TEST_P(TransportConformance, BoundsWhatWaitsForAServerThatIsAway) {
  options_.queue_frames_max = 10;
  auto client = connected();
  const std::string megabyte(1u << 20, 'm');
  std::size_t accepted = 0;
  while (accepted < 100 && client->send(the_server(), megabyte).ok()) ++accepted;
  EXPECT_GE(accepted, limits::kOutboxBytes / megabyte.size());
  EXPECT_LE(accepted, limits::kOutboxBytes / megabyte.size() + 10);
}

TEST_P(TransportConformance, KeepsWhatArrivedBeforeTheServerWentAway) {
  auto server = listening();
  auto client = connected();
  const PeerId peer = greet(*server, *client);
  ASSERT_TRUE(server->send(peer, "first").ok());
  EXPECT_EQ(next_frame(*client).payload, "first");
  ASSERT_TRUE(server->send(peer, "last").ok());
  // Another connection's round trip, after which the frame above has left the server.
  auto other = connected();
  greet(*server, *other);
  server.reset();
  EXPECT_EQ(next_frame(*client).payload, "last");
}

TEST_P(TransportConformance, ReturnsNothingWhenTheTimeIsOver) {
  auto server = listening();
  for (const Duration timeout : {Duration(-5), Duration(0), Duration(3ms)}) {
    const Instant start = steady_clock().now();
    const auto frame = server->receive(timeout);
    ASSERT_TRUE(frame.ok());
    EXPECT_FALSE(frame->has_value());
    EXPECT_GE(steady_clock().now() - start, timeout);
  }
}

TEST_P(TransportConformance, EndsAReceiveWhenWoken) {
  auto server = listening();
  std::thread other([&] { server->wake(); });
  const auto frame = server->receive(Duration::max());
  other.join();
  ASSERT_TRUE(frame.ok());
  EXPECT_FALSE(frame->has_value());
}

TEST_P(TransportConformance, RemembersAWakeThatCameTooEarlyOnce) {
  auto client = connected();
  client->wake();
  client->wake();
  const Instant start = steady_clock().now();
  ASSERT_TRUE(client->receive(kGenerous).ok());
  EXPECT_LT(steady_clock().now() - start, kGenerous);
  const Instant second = steady_clock().now();
  ASSERT_TRUE(client->receive(20ms).ok());
  EXPECT_GE(steady_clock().now() - second, 20ms);
}

TEST_P(TransportConformance, EndsAReceiveWhenAWatchedDescriptorIsReadable) {
  auto server = listening();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  server->watch({ends, 1});
  std::thread other([&] { EXPECT_EQ(::write(ends[1], "x", 1), 1); });
  const auto frame = server->receive(Duration::max());
  other.join();
  ASSERT_TRUE(frame.ok());
  EXPECT_FALSE(frame->has_value());
  char byte = 0;
  EXPECT_EQ(::read(ends[0], &byte, 1), 1);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_P(TransportConformance, DeliversFramesWhileAWatchedDescriptorStaysReadable) {
  auto server = listening();
  auto client = connected();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  server->watch({ends, 1});
  greet(*server, *client, "through");
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_P(TransportConformance, AsksManyServersAndTellsTheirAnswersApart) {
  constexpr int kServers = 5;
  auto made = world_->make_connecting_transport(options_);
  ASSERT_TRUE(made.ok()) << made.status().message();
  auto asker = *std::move(made);
  std::vector<std::unique_ptr<BoundTransport>> servers;
  std::map<PeerId, std::string> names;
  for (int i = 0; i < kServers; ++i) {
    servers.push_back(listening(i));
    const auto peer = asker->connect_to(world_->address(i));
    ASSERT_TRUE(peer.ok()) << peer.status().message();
    names[*peer] = "server " + std::to_string(i);
    ASSERT_TRUE(asker->send(*peer, names[*peer]).ok());
  }
  std::vector<Frame> questions;
  for (auto& server : servers) questions.push_back(next_frame(*server, {asker.get()}));
  for (int i = 0; i < kServers; ++i) {
    ASSERT_TRUE(servers[i]->send(questions[i].peer, questions[i].payload).ok());
  }
  for (int i = 0; i < kServers; ++i) {
    const Frame answer = next_frame(*asker);
    EXPECT_EQ(answer.payload, names[answer.peer]);
    names.erase(answer.peer);
  }
  EXPECT_TRUE(names.empty());
}

TEST_P(TransportConformance, ForgetsAServerItDisconnectedFrom) {
  auto asker = *world_->make_connecting_transport(options_);
  auto server = listening();
  const auto peer = asker->connect_to(world_->address(1));
  ASSERT_TRUE(peer.ok());
  ASSERT_TRUE(asker->send(*peer, "hello").ok());
  next_frame(*server, {asker.get()});
  asker->disconnect(*peer);
  EXPECT_EQ(asker->send(*peer, "hello").code(), StatusCode::kUnavailable);
  const auto again = asker->connect_to(world_->address(1));
  ASSERT_TRUE(again.ok());
  EXPECT_NE(*again, *peer);
  ASSERT_TRUE(asker->send(*again, "hello again").ok());
  EXPECT_EQ(next_frame(*server, {asker.get()}).payload, "hello again");
}

TEST_P(TransportConformance, RefusesAnAddressThatIsInUse) {
  auto server = listening();
  const auto second = world_->listen(world_->address(1), options_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), StatusCode::kAlreadyExists);
  EXPECT_NE(second.status().message().find(world_->address(1)), std::string::npos)
      << second.status().message();
}

}  // namespace fanfold::net
