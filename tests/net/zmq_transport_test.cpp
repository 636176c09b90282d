// The ZeroMQ side of the transport: the conformance suite over ipc, and what only real sockets do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <optional>
#include <thread>
#include <zmq.hpp>

#include "common/core/clock.hpp"
#include "common/net/sealed_frame.hpp"
#include "tests/net/transport_conformance.hpp"

namespace fanfold::net {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

/// A private directory that goes away with its owner.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    char name[] = "/tmp/fanfold-net-XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    path_ = name;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class ZmqWorld final : public TransportWorld {
 public:
  Result<std::unique_ptr<BoundTransport>> listen(const std::string& address,
                                                 const SocketOptions& options) override {
    return net::listen(address, options);
  }
  Result<std::unique_ptr<Transport>> connect(const std::string& address,
                                             const SocketOptions& options) override {
    return net::connect(address, options);
  }
  Result<std::unique_ptr<ConnectingTransport>> make_connecting_transport(
      const SocketOptions& options) override {
    return net::make_connecting_transport(options);
  }
  std::string address(int number) override {
    return "ipc://" + directory_.path() + "/" + std::to_string(number);
  }

 private:
  TemporaryDirectory directory_;
};

INSTANTIATE_TEST_SUITE_P(Zmq, TransportConformance,
                         testing::Values(WorldFactory{
                             "zmq", [] { return std::make_unique<ZmqWorld>(); }}));

std::string sealed(const std::string& payload) {
  std::string frame(payload.size() + kSealBytes, '\0');
  seal(payload, frame.data());
  return frame;
}

class ZmqTransport : public testing::Test {
 protected:
  std::string path(const std::string& name = "s") const { return directory_.path() + "/" + name; }
  std::string address(const std::string& name = "s") const { return "ipc://" + path(name); }

  /// A socket file as a killed process leaves it behind.
  void leave_socket_file(const std::string& file) const {
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    file.copy(name.sun_path, sizeof name.sun_path - 1);
    ASSERT_EQ(::bind(descriptor, reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    ::close(descriptor);
  }

  /// Sends `text` and lets both work until it arrives.
  static Frame deliver(Transport& client, Transport& server, const std::string& text) {
    EXPECT_TRUE(client.send({}, text).ok());
    const Instant deadline = steady_clock().now() + 20s;
    while (steady_clock().now() < deadline) {
      EXPECT_TRUE(client.receive(Duration(0)).ok());
      const auto frame = server.receive(2ms);
      if (frame.ok() && frame->has_value()) return **frame;
    }
    ADD_FAILURE() << "never arrived: " << text;
    return {};
  }

  TemporaryDirectory directory_;
  SocketOptions options_;
};

TEST_F(ZmqTransport, RemovesItsSocketFileWhenClosed) {
  auto server = listen(address(), options_);
  ASSERT_TRUE(server.ok());
  EXPECT_EQ((*server)->bound_address(), address());
  EXPECT_TRUE(std::filesystem::exists(path()));
  server = Status(StatusCode::kAborted, "closed");
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(ZmqTransport, ReplacesASocketFileThatNobodyListensTo) {
  leave_socket_file(path());
  auto server = listen(address(), options_);
  ASSERT_TRUE(server.ok()) << server.status().message();
  auto client = connect(address(), options_);
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(deliver(**client, **server, "hello").payload, "hello");
}

TEST_F(ZmqTransport, LeavesTheServerAliveWhoseAddressIsAskedForTwice) {
  auto server = listen(address(), options_);
  const auto second = listen(address(), options_);
  EXPECT_EQ(second.status().code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(second.status().message(), HasSubstr("in use by a running process"));
  auto client = connect(address(), options_);
  EXPECT_EQ(deliver(**client, **server, "hello").payload, "hello");
}

TEST_F(ZmqTransport, NeverRemovesAFileThatIsNoSocket) {
  std::ofstream(path()) << "precious";
  const auto server = listen(address(), options_);
  EXPECT_EQ(server.status().code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(server.status().message(), HasSubstr("not a socket"));
  EXPECT_EQ(std::filesystem::file_size(path()), 8u);
}

TEST_F(ZmqTransport, NamesADirectoryThatDoesNotExist) {
  const auto server = listen(address("missing/s"), options_);
  EXPECT_EQ(server.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(server.status().message(), HasSubstr(path("missing") + ": No such file"));
}

TEST_F(ZmqTransport, CutsOffAPeerWhoseFrameIsTooLargeAndServesTheOthers) {
  SocketOptions small;
  small.frame_bytes_max = 1000;
  auto server = listen(address(), small);
  ASSERT_TRUE(server.ok());
  auto rude = connect(address(), options_);
  auto polite = connect(address(), small);
  deliver(**rude, **server, "I am here");
  ASSERT_TRUE((*rude)->send({}, std::string(100'000, 'x')).ok());
  ASSERT_TRUE((*rude)->receive(Duration(0)).ok());
  EXPECT_EQ(deliver(**polite, **server, "hello").payload, "hello");
  // The rude one may come back, and what it sends before it notices is lost: it repeats itself.
  const Instant deadline = steady_clock().now() + 20s;
  std::optional<Frame> frame;
  while (!frame && steady_clock().now() < deadline) {
    ASSERT_TRUE((*rude)->send({}, "sorry").ok());
    ASSERT_TRUE((*rude)->receive(Duration(0)).ok());
    frame = *(*server)->receive(2ms);
  }
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->payload, "sorry");
}

/// A peer that sends what no transport would.
struct RawSocket {
  explicit RawSocket(const std::string& address) : socket(context, zmq::socket_type::dealer) {
    socket.set(zmq::sockopt::linger, 0);
    socket.connect(address);
  }
  zmq::context_t context;
  zmq::socket_t socket;
};

TEST_F(ZmqTransport, ThrowsAwayMessagesOfSeveralParts) {
  auto server = listen(address(), options_);
  ASSERT_TRUE(server.ok());
  RawSocket peer(address());
  zmq::socket_t& raw = peer.socket;
  for (const char* part : {"one", "two", "three"}) {
    raw.send(zmq::buffer(std::string_view(part)), zmq::send_flags::sndmore);
  }
  raw.send(zmq::buffer(std::string_view("four")), zmq::send_flags::none);
  raw.send(zmq::buffer(sealed("proper")), zmq::send_flags::none);
  const auto frame = (*server)->receive(20s);
  ASSERT_TRUE(frame.ok() && frame->has_value());
  EXPECT_EQ((**frame).payload, "proper");
}

TEST_F(ZmqTransport, DropsDamagedFramesAndCountsThem) {
  auto server = listen(address(), options_);
  ASSERT_TRUE(server.ok());
  RawSocket peer(address());
  zmq::socket_t& raw = peer.socket;
  const std::string good = sealed("proper");
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string damaged = good;
    damaged[i] = static_cast<char>(damaged[i] ^ (1 << i % 8));
    raw.send(zmq::buffer(damaged), zmq::send_flags::none);
  }
  raw.send(zmq::buffer(std::string_view("short")), zmq::send_flags::none);
  raw.send(zmq::buffer(good), zmq::send_flags::none);
  const auto frame = (*server)->receive(20s);
  ASSERT_TRUE(frame.ok() && frame->has_value());
  EXPECT_EQ((**frame).payload, "proper");
  EXPECT_EQ((*server)->damaged_frames(), good.size() + 1);
}

TEST_F(ZmqTransport, CountsWhatItDrops) {
  options_.queue_frames_max = 10;
  auto server = listen(address(), options_);
  ASSERT_TRUE(server.ok());
  EXPECT_EQ((*server)->drops().peer_gone, 0u);
  EXPECT_FALSE((*server)->send(PeerId{"nobody"}, "hello?").ok());
  EXPECT_EQ((*server)->drops().peer_gone, 1u);

  auto silent = connect(address(), options_);
  ASSERT_TRUE(silent.ok());
  const PeerId peer = deliver(**silent, **server, "hello").peer;
  const std::string megabyte(1u << 20, 'm');
  std::uint64_t refused = 0;
  for (int i = 0; i < 200; ++i) refused += (*server)->send(peer, megabyte).ok() ? 0 : 1;
  EXPECT_GT(refused, 0u);
  EXPECT_EQ((*server)->drops().queue_full, refused);
  // What waited for it goes with it.
  silent->reset();
  const Instant deadline = steady_clock().now() + 20s;
  while ((*server)->drops().peer_gone < 2 && steady_clock().now() < deadline) {
    ASSERT_TRUE((*server)->receive(2ms).ok());
  }
  EXPECT_GT((*server)->drops().peer_gone, 1u);
}

TEST(SealedFrame, OfAnyPayloadOpensAgainAndIsWhatItWas) {
  for (const std::string& payload : {std::string(), std::string(1, '\0'), std::string(5000, 'x')}) {
    EXPECT_EQ(unseal(sealed(payload)), payload);
  }
  // Fixed for ever, in every version.
  EXPECT_EQ(sealed("fanfold"), "fanfold\xab\x18\xe4\xa4\x9b\xe1\xc0\xb2");
}

TEST_F(ZmqTransport, ReturnsFromReceiveWhenASignalArrives) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  auto server = listen(address(), options_);
  const pthread_t self = ::pthread_self();
  std::atomic<bool> returned{false};
  // The signal may come before the poll begins, hence again and again.
  std::thread other([&] {
    while (!returned) ::pthread_kill(self, SIGUSR1);
  });
  const auto frame = (*server)->receive(Duration::max());
  returned = true;
  other.join();
  ::sigaction(SIGUSR1, &before, nullptr);
  ASSERT_TRUE(frame.ok());
  EXPECT_FALSE(frame->has_value());
}

TEST_F(ZmqTransport, SendsALastAnswerWhenItMayLinger) {
  SocketOptions lingering;
  lingering.linger = 2s;
  auto server = listen(address(), lingering);
  auto client = connect(address(), options_);
  const PeerId peer = deliver(**client, **server, "stop").peer;
  const std::string answer(1u << 20, 'a');
  ASSERT_TRUE((*server)->send(peer, answer).ok());
  server = Status(StatusCode::kAborted, "closed");
  const auto frame = (*client)->receive(20s);
  ASSERT_TRUE(frame.ok() && frame->has_value());
  EXPECT_TRUE((**frame).payload == answer);
}

TEST_F(ZmqTransport, TalksTcpWithoutKeysOnTheLoopbackWhenATestAsksForIt) {
  options_.protection = UnprotectedLoopback{};
  auto server = listen("tcp://127.0.0.1:0", options_);
  ASSERT_TRUE(server.ok()) << server.status().message();
  EXPECT_THAT((*server)->bound_address(), testing::MatchesRegex("tcp://127.0.0.1:[1-9][0-9]+"));
  auto client = connect((*server)->bound_address(), options_);
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(deliver(**client, **server, "hello").payload, "hello");
  const auto second = listen((*server)->bound_address(), options_);
  EXPECT_EQ(second.status().code(), StatusCode::kAlreadyExists);
}

std::string refusal_of(const std::string& address, const SocketOptions& options = {}) {
  const Status status = check_address(address, options);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << address;
  EXPECT_EQ(listen(address, options).status().message(), status.message());
  EXPECT_EQ(connect(address, options).status().message(), status.message());
  return status.message();
}

TEST(Address, OfIpcIsAnAbsolutePathThatFits) {
  EXPECT_TRUE(check_address("ipc:///run/fanfold/master.sock", {}).ok());
  EXPECT_TRUE(check_address("ipc:///" + std::string(106, 'p'), {}).ok());
  const std::string refusal = refusal_of("ipc:///" + std::string(107, 'p'));
  EXPECT_THAT(refusal, HasSubstr("is 108 bytes long"));
  EXPECT_THAT(refusal, HasSubstr("allows 107"));
  EXPECT_THAT(refusal, HasSubstr("shorter"));
  for (const char* wrong :
       {"ipc://", "ipc://relative/path", "ipc:///directory/", "ipc://@abstract"}) {
    EXPECT_THAT(refusal_of(wrong), HasSubstr("absolute path"));
  }
}

TEST(Address, OfTcpNeedsKeysOnTheSameHostToo) {
  for (const char* address : {"tcp://127.0.0.1:7077", "tcp://[::1]:7077", "tcp://host.example:1"}) {
    EXPECT_THAT(refusal_of(address), HasSubstr("TCP needs keys"));
    SocketOptions proved;
    proved.protection = Proved{};
    EXPECT_TRUE(check_address(address, proved).ok()) << address;
  }
}

TEST(Address, OfTcpWithoutKeysStaysOnThisHost) {
  SocketOptions open;
  open.protection = UnprotectedLoopback{};
  EXPECT_TRUE(check_address("tcp://127.0.0.1:7077", open).ok());
  EXPECT_TRUE(check_address("tcp://[::1]:7077", open).ok());
  for (const char* address : {"tcp://0.0.0.0:7077", "tcp://10.0.0.1:7077", "tcp://*:7077"}) {
    EXPECT_THAT(refusal_of(address, open), HasSubstr("never leaves this host")) << address;
  }
}

TEST(Address, OfTcpNeedsAHostAndAPort) {
  SocketOptions open;
  open.protection = Guarded{};
  for (const char* wrong :
       {"tcp://", "tcp://host", "tcp://:7077", "tcp://host:", "tcp://host:http", "tcp://host:70777",
        "tcp://host:-1", "tcp://::1:7077", "tcp://a;b:7077", "tcp://host:1 "}) {
    EXPECT_THAT(refusal_of(wrong, open), HasSubstr("host:port")) << wrong;
  }
  EXPECT_THAT(refusal_of("tcp://host:1#cafe", open), HasSubstr("64 digits"));
}

TEST(Address, NamesASchemeThatIsNotKnown) {
  EXPECT_THAT(refusal_of("inproc://here"), HasSubstr("'inproc'"));
  EXPECT_THAT(refusal_of("https://host:80"), HasSubstr("'https'"));
  EXPECT_THAT(refusal_of("/run/fanfold.sock"), HasSubstr("no scheme"));
  EXPECT_THAT(refusal_of(""), HasSubstr("no scheme"));
}

}  // namespace
}  // namespace fanfold::net
