// Masters that speak another version of the protocol than workers and commands do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/net/transport.hpp"
#include "common/proto/codec.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/versions.hpp"
#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const std::string kRefusal = "the peer speaks protocol " + std::to_string(proto::kProtocolVersion) +
                             ", this build speaks 99: use the same version";
constexpr std::uint32_t kBefore = proto::kProtocolBefore;

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
  /// What comes next in the version before; whoever speaks another one is refused in the words in
  /// which builds of that version do it.  Nullopt: nobody said anything, or was refused.
  std::optional<proto::MasterInput> hear_before() {
    const auto said = master_->receive(1s);
    if (!said.ok() || !said->has_value()) return std::nullopt;
    peer_ = (*said)->peer;
    const auto named = proto::peek_protocol((*said)->payload);
    if (named && *named != kBefore) {
      ++refused_;
      tell(proto::Answer{.code = static_cast<std::uint8_t>(StatusCode::kInvalidArgument),
                         .message = "the peer speaks protocol " + std::to_string(*named) +
                                    ", this build speaks " + std::to_string(kBefore) +
                                    ": use the same version of Fanfold on both sides",
                         .job = {}});
      return std::nullopt;
    }
    auto message = proto::decode<proto::MasterInput>((*said)->payload, kBefore);
    EXPECT_TRUE(message.ok()) << message.status().message();
    if (!message.ok()) return std::nullopt;
    return *std::move(message);
  }
  template <class Message>
  void tell(const Message& message) {
    EXPECT_TRUE(master_->send(peer_, proto::encode_for(message, kBefore).frame).ok());
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
  net::PeerId peer_;  // Who spoke last.
  int refused_ = 0;
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

TEST_F(OtherVersion, OfTheStateOfAMasterIsToldOfByAWorkerThatHasKnownALaterOne) {
  Running running(workspace_, worker_flags(), worker());
  const auto welcome = [](std::uint64_t epoch) {
    return proto::encode(proto::Welcome{
        .worker = WorkerId{1}, .epoch = epoch, .heartbeat_ms = 100, .silence_ms = 60'000});
  };
  const auto said = [&](const std::string& what) {
    return running.err_so_far().find(what) != std::string::npos;
  };
  ASSERT_TRUE(eventually([&] {
    answer(welcome(2));
    return said("master.welcomed_us");
  }));
  ASSERT_TRUE(eventually([&] {
    answer(welcome(1));
    return said("master.began_anew");
  }));
  EXPECT_THAT(running.err_so_far(), HasSubstr("epoch=1 known=2"));
  EXPECT_THAT(running.err_so_far(), HasSubstr("start this worker again"));
  EXPECT_FALSE(running.ended());
}

TEST_F(OtherVersion, OneReleaseBackIsSpokenByAWorker) {
  Running running(workspace_, worker_flags(), worker());
  int hellos = 0;
  int heartbeats = 0;
  ASSERT_TRUE(eventually([&] {
    const auto message = hear_before();
    if (!message) return false;
    if (std::holds_alternative<proto::Hello>(*message)) {
      ++hellos;
      tell(proto::Welcome{
          .worker = WorkerId{1}, .epoch = 1, .heartbeat_ms = 100, .silence_ms = 60'000});
    }
    if (const auto* heartbeat = std::get_if<proto::Heartbeat>(&*message)) {
      EXPECT_EQ(heartbeat->worker, WorkerId{1});
      ++heartbeats;
      tell(proto::HeartbeatEcho{.epoch = 1});
    }
    return heartbeats >= 3;
  })) << running.err_so_far();
  EXPECT_GE(refused_, 1);
  EXPECT_GE(hellos, 1);
  EXPECT_FALSE(running.ended());
  EXPECT_THAT(running.err_so_far(), HasSubstr("master.older"));

  // A newer one in its place is told of the newer version first.
  tell(proto::Unknown{});
  const int before = refused_;
  ASSERT_TRUE(eventually([&] {
    hear_before();
    return refused_ > before;
  }));
}

TEST_F(OtherVersion, OneReleaseBackIsSpokenByACommand) {
  Running running(workspace_, {"list", "--master", address_});
  ASSERT_TRUE(eventually([&] {
    const auto message = hear_before();
    if (message && std::holds_alternative<proto::ListJobs>(*message)) {
      proto::JobList reply;
      reply.jobs.emplace_back().job_name = "of_old";
      tell(reply);
    }
    return running.ended();
  }));
  EXPECT_EQ(refused_, 1);
  const Outcome outcome = running.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("of_old"));
}

}  // namespace
}  // namespace fanfold::e2e
