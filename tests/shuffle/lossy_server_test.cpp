// Data servers and networks that misbehave: the answers of a real server, tampered with on the way.

#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include "common/core/clock.hpp"
#include "common/core/limits.hpp"
#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"
#include "tests/shuffle/shuffle_fixture.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;
using proto::FailureKind;
using testing::ElementsAre;
using testing::HasSubstr;

net::SocketOptions data_socket() {
  net::SocketOptions options;
  options.frame_bytes_max = limits::kDataFrameBytes;
  return options;
}

/// Between the fetcher and the server of holder 0: forwards, and lets `tamper` change each answer;
/// false drops it. `tamper` owns what it remembers: it runs on a thread that outlives the test's
/// body.
class Tampering {
 public:
  using Tamper = std::function<bool(proto::Chunk&)>;
  using Hears = std::function<bool(const net::PeerId&)>;

  Tampering(const std::string& outside, const std::string& inside, Tamper tamper, Hears hears)
      : bound_(*net::listen(outside, data_socket())),
        connected_(*net::connect(inside, data_socket())),
        tamper_(std::move(tamper)),
        hears_(std::move(hears)),
        thread_([this] { forward(); }) {}
  ~Tampering() {
    stopping_ = true;
    bound_->wake();
  }

 private:
  // One fetcher, one server: requests are answered one by one.
  void forward() {
    while (!stopping_) {
      auto request = bound_->receive(1h);
      if (!request.ok() || !*request) continue;
      ASSERT_TRUE(connected_->send({}, (*request)->payload).ok());
      auto answer = connected_->receive(1h);
      ASSERT_TRUE(answer.ok() && *answer);
      auto message = proto::decode<proto::DataMessage>((*answer)->payload);
      ASSERT_TRUE(message.ok());
      auto& chunk = std::get<proto::Chunk>(*message);
      // A fetcher that has seen enough is gone: what it does not get, its outcome tells.
      if (!hears_((*request)->peer)) continue;
      if (tamper_(chunk)) static_cast<void>(bound_->send((*request)->peer, proto::encode(chunk)));
    }
  }

  std::unique_ptr<net::BoundTransport> bound_;
  std::unique_ptr<net::Transport> connected_;
  Tamper tamper_;  // Of thread_ alone,
  Hears hears_;    // as this.
  std::atomic<bool> stopping_ = false;
  std::jthread thread_;
};

class Tampered : public ShuffleTest {
 protected:
  void tamper(
      Tampering::Tamper how, Tampering::Hears hears = [](const net::PeerId&) { return true; }) {
    for (std::uint32_t split = 0; split < 6; ++split) add_output(0, split, 1'500'000);
    serve(0);
    const std::string outside = "ipc://" + directory_.path("outside");
    auto holders = std::make_shared<std::vector<proto::Holder>>(*request_.holders);
    (*holders)[0].data_endpoint = outside;
    request_.holders = std::move(holders);
    tampering_.emplace(outside, address(0), std::move(how), std::move(hears));
  }
  std::optional<Tampering> tampering_;
};

TEST_F(Tampered, LostAnswersAreAskedForAgain) {
  tamper([count = 0](proto::Chunk&) mutable { return ++count % 3 != 0; });
  expect_everything(fetch());
}

TEST_F(Tampered, DamagedBytesAreAskedForAgain) {
  tamper([count = 0](proto::Chunk& chunk) mutable {
    if (++count % 4 == 0 && !chunk.bytes.empty()) chunk.bytes[chunk.bytes.size() / 2] ^= 1;
    return true;
  });
  expect_everything(fetch());
}

TEST_F(Tampered, BytesThatAreAlwaysDamagedAreLost) {
  tamper([](proto::Chunk& chunk) {
    if (!chunk.bytes.empty()) chunk.bytes[0] ^= 1;
    return true;
  });
  const FetchOutcome outcome = fetch();
  EXPECT_THAT(outcome.why_lost, HasSubstr("damaged"));
  EXPECT_THAT(lost_splits(outcome), ElementsAre(0, 1, 2, 3, 4, 5));
}

/// Answers that the first connection never hears, once it has heard `heard` of them.
class DeadConnection {
 public:
  explicit DeadConnection(std::uint32_t heard) : left_(heard) {}
  bool operator()(const net::PeerId& peer) {
    if (first_ == net::PeerId{}) first_ = peer;
    if (peer != first_) return true;
    return left_ > 0 && left_-- > 0;
  }

 private:
  net::PeerId first_;
  std::uint32_t left_;
};

TEST_F(Tampered, AConnectionThatDiesWithoutAWordIsReplaced) {
  const Instant begin = steady_clock().now();
  tamper([](proto::Chunk&) { return true; }, DeadConnection(4));
  expect_everything(fetch());
  // Long before the server counts as silent and its outputs as lost.
  EXPECT_LT(steady_clock().now() - begin, limits::kWorkerSilence);
}

TEST_F(Tampered, AnswersTwiceDoNoHarm) {
  // Resends answer a request twice; so does a server that is odd.
  tamper([count = 0, earlier = std::optional<proto::Chunk>()](proto::Chunk& chunk) mutable {
    if (++count % 2 == 0 && earlier) std::swap(chunk, *earlier);
    earlier = chunk;
    return true;
  });
  expect_everything(fetch());
}

TEST_F(Tampered, SizesThatChangeAreAFailure) {
  tamper([count = 0](proto::Chunk& chunk) mutable {
    if (++count > 8) chunk.segment.stored_bytes += 1;
    return true;
  });
  const FetchOutcome outcome = fetch();
  EXPECT_THAT(outcome.why_lost, HasSubstr("contradicts itself"));
  EXPECT_THAT(outcome.segments.size() + outcome.lost.size(), 6u);
}

using Server = ShuffleTest;

TEST_F(Server, OutlivesRubbishAndAnswersWhatItCanNot) {
  add_output(0, 0, 1000);
  serve(0);
  auto client = *net::connect(address(0), data_socket());
  ASSERT_TRUE(client->send({}, "rubbish").ok());
  ASSERT_TRUE(client->send({}, std::string(70'000, '\xff')).ok());
  ASSERT_TRUE(client->send({}, proto::encode(proto::Chunk{})).ok());
  proto::FetchSegment wanted;
  wanted.request = 1;
  wanted.job = kJob;
  wanted.attempt = AttemptId{1};
  wanted.partition = kPartition;
  wanted.offset = 1'000'000'000;
  wanted.length = 10;
  ASSERT_TRUE(client->send({}, proto::encode(wanted)).ok());
  const auto answer = client->receive(60s);
  ASSERT_TRUE(answer.ok() && *answer);
  const auto message = proto::decode<proto::DataMessage>((*answer)->payload);
  ASSERT_TRUE(message.ok());
  const auto& chunk = std::get<proto::Chunk>(*message);
  EXPECT_EQ(chunk.request, 1u);
  EXPECT_EQ(static_cast<StatusCode>(chunk.code), StatusCode::kInvalidArgument);
}

TEST_F(Server, RefusesTcpWithoutKeys) {
  DataServerOptions options;
  options.scratch = scratch(0);
  options.address = "tcp://127.0.0.1:0";
  const auto server = start_data_server(io::posix_file_system(), options);
  EXPECT_EQ(server.status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace fanfold::worker
