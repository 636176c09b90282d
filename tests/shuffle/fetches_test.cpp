// Which holders are talked to, and when, without threads, sockets or time that passes.

#include "worker/shuffle/fetches.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "fanfold/hash.hpp"
#include "tests/io/temporary_directory.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;

/// Connections to servers that answer when the test lets them.
class FakeConnections final : public net::ConnectingTransport {
 public:
  Result<net::PeerId> connect_to(const std::string& address) override {
    net::PeerId peer{std::to_string(++last_)};
    addresses_[peer] = address;
    return peer;
  }
  void disconnect(const net::PeerId& peer) override { addresses_.erase(peer); }
  Status send(const net::PeerId& peer, std::string payload) override {
    auto message = proto::decode<proto::DataMessage>(payload);
    asked_[addresses_.at(peer)] = {peer, std::get<proto::FetchSegment>(*message).request};
    return {};
  }
  Result<std::optional<net::Frame>> receive(Duration) override {
    return std::optional<net::Frame>();
  }
  void watch(std::span<const int>) override {}
  void wake() override {}

  std::set<std::string> connected() const {
    std::set<std::string> addresses;
    for (const auto& [peer, address] : addresses_) addresses.insert(address);
    return addresses;
  }
  /// What `address` was asked for last holds nothing.
  net::Frame answer(const std::string& address) const {
    const auto& [peer, request] = asked_.at(address);
    proto::Chunk chunk;
    chunk.request = request;
    chunk.checksum = hash("");
    return {peer, proto::encode(chunk)};
  }

 private:
  int last_ = 0;
  std::map<net::PeerId, std::string> addresses_;
  std::map<std::string, std::pair<net::PeerId, std::uint64_t>> asked_;
};

class FetchesTest : public testing::Test {
 protected:
  static constexpr std::uint32_t kHolders = 40;

  FetchRequest request(std::uint32_t partition) const {
    FetchRequest request;
    request.attempt = AttemptId{partition + 1};
    request.partition = partition;
    request.directory = directory_.path("fetched-" + std::to_string(partition));
    auto holders = std::make_shared<std::vector<proto::Holder>>();
    for (std::uint32_t i = 0; i < kHolders; ++i) {
      holders->push_back({WorkerId{i + 1}, "", "", "ipc:///" + std::to_string(i)});
      request.outputs.push_back({i, AttemptId{i + 1}, i});
    }
    request.holders = std::move(holders);
    return request;
  }

  io::TemporaryDirectory directory_;
  FakeConnections connections_;
  Fetches fetches_{io::posix_file_system(), connections_, {.holders_talking = 4}};
  Instant now_{Duration(1h)};
};

TEST_F(FetchesTest, TalkToFewHoldersAtATime) {
  fetches_.begin(now_, request(0));
  std::set<std::string> seen;
  std::vector<FetchOutcome> outcomes;
  while (outcomes.empty()) {
    const std::set<std::string> connected = connections_.connected();
    EXPECT_LE(connected.size(), 4u);
    ASSERT_FALSE(connected.empty());
    seen.insert(connected.begin(), connected.end());
    fetches_.read(now_, connections_.answer(*connected.rbegin()));
    outcomes = fetches_.take();
  }
  EXPECT_EQ(seen.size(), kHolders);
  EXPECT_TRUE(outcomes[0].ended && outcomes[0].succeeded && outcomes[0].lost.empty());
  EXPECT_TRUE(connections_.connected().empty());
}

TEST_F(FetchesTest, TurnToOthersWhileHoldersAreQuiet) {
  fetches_.begin(now_, request(0));
  EXPECT_EQ(connections_.connected().size(), 4u);
  now_ = *fetches_.next_deadline();
  fetches_.look_after(now_);
  const std::set<std::string> connected = connections_.connected();
  EXPECT_EQ(connected.size(), 8u);
  EXPECT_EQ(fetches_.trouble().asked_again, 4u);
  EXPECT_TRUE(fetches_.take().empty());
  // One that speaks again counts again.
  fetches_.read(now_, connections_.answer(*connected.begin()));
  EXPECT_EQ(connections_.connected().size(), 7u);
  while (connections_.connected().size() > 0 && fetches_.next_deadline()) {
    now_ = *fetches_.next_deadline();
    fetches_.look_after(now_);
  }
  const std::vector<FetchOutcome> outcomes = fetches_.take();
  std::size_t lost = 0;
  for (const FetchOutcome& outcome : outcomes) lost += outcome.lost.size();
  ASSERT_FALSE(outcomes.empty());
  EXPECT_TRUE(outcomes.back().ended);
  EXPECT_EQ(lost, kHolders - 1) << "each that never spoke, once";
}

TEST_F(FetchesTest, DoNotAllBeginWithTheSameHolder) {
  fetches_.begin(now_, request(0));
  const std::set<std::string> first = connections_.connected();
  fetches_.begin(now_, request(20));
  std::set<std::string> both = connections_.connected();
  EXPECT_EQ(both.size(), 2 * first.size());
}

}  // namespace
}  // namespace fanfold::worker
