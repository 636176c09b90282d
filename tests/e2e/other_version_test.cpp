// Masters that speak another version of the protocol than a worker does.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>

#include "common/net/transport.hpp"
#include "common/proto/codec.hpp"
#include "common/proto/messages.hpp"
#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string kRefusal =
    "the peer speaks protocol 7, this build speaks 99: use the same version";

/// A master that answers whoever says something as it answers peers of another version.
class OtherVersion : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(workspace_.path("m"));
    std::filesystem::permissions(workspace_.path("m"), std::filesystem::perms::owner_all);
    auto master = net::listen(address_, {});
    ASSERT_TRUE(master.ok()) << master.status().message();
    master_ = *std::move(master);
  }
  /// False: nobody said anything.
  bool answer(const std::string& frame) {
    const auto said = master_->receive(1s);
    if (!said.ok() || !said->has_value()) return false;
    EXPECT_TRUE(master_->send((*said)->peer, frame).ok());
    return true;
  }
  std::vector<std::string> worker_flags() const {
    return {"--master", address_, "--scratch", workspace_.path("s"), "--slots", "1"};
  }
  CommandOptions worker() const {
    CommandOptions options;
    options.program =
        (std::filesystem::path(FANFOLD_BIN).parent_path() / "fanfold-worker").string();
    return options;
  }

  Workspace workspace_;
  const std::string address_ = "ipc://" + workspace_.path("m/m.sock");
  std::unique_ptr<net::BoundTransport> master_;
};

TEST_F(OtherVersion, IsToldOfByAWorkerThatEnds) {
  const std::string refusal =
      proto::encode(proto::Answer{.code = static_cast<std::uint8_t>(StatusCode::kInvalidArgument),
                                  .message = kRefusal,
                                  .job = {}});
  Running running(workspace_, worker_flags(), worker());
  ASSERT_TRUE(eventually([&] {
    answer(refusal);
    return running.ended();
  }));
  const Outcome outcome = running.wait();
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("master.refused"));
  EXPECT_THAT(outcome.err, HasSubstr("fanfold-worker: the master at " + address_ +
                                     " refuses this worker: " + kRefusal));
}

TEST_F(OtherVersion, EndsNoWorkerThatWasWelcomed) {
  Running running(workspace_, worker_flags(), worker());
  ASSERT_TRUE(eventually([&] {
    return answer(proto::encode(proto::Welcome{
        .worker = WorkerId{1}, .epoch = 1, .heartbeat_ms = 100, .silence_ms = 60'000}));
  }));
  const std::string refusal =
      proto::encode(proto::Answer{.code = static_cast<std::uint8_t>(StatusCode::kInvalidArgument),
                                  .message = kRefusal,
                                  .job = {}});
  ASSERT_TRUE(eventually([&] {
    answer(refusal);
    return running.err_so_far().find("master.refused") != std::string::npos;
  }));
  // The master is itself again.
  EXPECT_TRUE(eventually([&] { return answer(proto::encode(proto::HeartbeatEcho{.epoch = 1})); }));
  EXPECT_FALSE(running.ended());
}

}  // namespace
}  // namespace fanfold::e2e
