// A relay that does nothing would let every test of a bad network pass.

#include "tests/chaos/relay.hpp"

#include <gtest/gtest.h>

#include "common/core/clock.hpp"
#include "common/net/transport.hpp"
#include "tests/chaos/links.hpp"

namespace fanfold::chaos {
namespace {

using namespace std::chrono_literals;

class RelayTest : public testing::Test {
 protected:
  RelayTest() {
    sockets_.protection = net::UnprotectedLoopback{};
    server_ = *net::listen("tcp://127.0.0.1:0", sockets_);
    relay_.forward_to([address = server_->bound_address()] { return address; });
    client_ = *net::connect(relay_.address(), sockets_);
  }

  static RelayOptions options() {
    RelayOptions options;
    options.bytes_per_flip = 2000;
    return options;
  }

  /// Sends again and again until something arrives; false after `patience`.
  bool arrives(const std::string& text, Duration patience = 20s) {
    const Instant deadline = steady_clock().now() + patience;
    while (steady_clock().now() < deadline) {
      EXPECT_TRUE(client_->send({}, text).ok());
      EXPECT_TRUE(client_->receive(Duration(0)).ok());
      const auto frame = server_->receive(10ms);
      EXPECT_TRUE(frame.ok());
      if (frame.ok() && frame->has_value() && (**frame).payload == text) return true;
    }
    return false;
  }

  net::SocketOptions sockets_;
  Relay relay_{options()};
  std::unique_ptr<net::BoundTransport> server_;
  std::unique_ptr<net::Transport> client_;
};

TEST_F(RelayTest, PassesOnWhatIsSent) {
  EXPECT_TRUE(arrives("hello"));
  EXPECT_TRUE(arrives(std::string(3u << 20, 'x')));
  EXPECT_GT(relay_.bytes(), 3u << 20);
  EXPECT_EQ(relay_.bits_flipped(), 0u);
}

TEST_F(RelayTest, IsLateWhenItIsSlow) {
  ASSERT_TRUE(arrives("hello"));
  relay_.treat(Treatment::kSlow);
  const Instant begin = steady_clock().now();
  // 128 pieces, each up to 50 ms late: by chance alone it does not take less than a second.
  EXPECT_TRUE(arrives(std::string(128 * kSlowPieceBytes, 'x')));
  EXPECT_GT(steady_clock().now() - begin, 1s);
}

TEST_F(RelayTest, FlipsBitsThatTheReceiverNotices) {
  ASSERT_TRUE(arrives("hello"));
  relay_.treat(Treatment::kCorrupt);
  const Instant deadline = steady_clock().now() + 20s;
  while (server_->damaged_frames() == 0 && steady_clock().now() < deadline) {
    // A flip may hit what is ZeroMQ's own: it gives the connection up for ever.
    client_ = *net::connect(relay_.address(), sockets_);
    EXPECT_FALSE(arrives(std::string(100'000, 'x'), 200ms)) << "not one in 50 flips hit it";
  }
  EXPECT_GT(server_->damaged_frames(), 0u);
  EXPECT_GT(relay_.bits_flipped(), 0u);
}

TEST_F(RelayTest, LosesWithoutAWordWhatItSwallows) {
  ASSERT_TRUE(arrives("hello"));
  relay_.treat(Treatment::kSwallow);
  EXPECT_FALSE(arrives("lost", 200ms));
  EXPECT_GT(relay_.bytes_swallowed(), 0u);
  relay_.treat(Treatment::kForward);
  EXPECT_TRUE(arrives("again"));
}

TEST_F(RelayTest, ResetsAndLetsConnectionsComeBack) {
  ASSERT_TRUE(arrives("hello"));
  relay_.reset();
  EXPECT_TRUE(arrives("again"));
}

TEST_F(RelayTest, ConnectionsAreCutByTheKernelWhereThatIsAllowed) {
  ASSERT_TRUE(arrives("hello"));
  if (!cut_sockets(port_of(server_->bound_address()))) return;
  EXPECT_TRUE(arrives("again"));
}

}  // namespace
}  // namespace fanfold::chaos
