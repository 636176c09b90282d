// Masters in whose place one of another state directory comes: a job of the same number is another
// job, and commands leave it alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/net/transport.hpp"
#include "common/proto/codec.hpp"
#include "common/proto/messages.hpp"
#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::uint64_t kState = 7;
constexpr std::uint64_t kOtherState = 8;

/// A master that says of which state it is as it is told to.
class OtherState : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(workspace_.path("m"));
    std::filesystem::permissions(workspace_.path("m"), std::filesystem::perms::owner_all);
    auto master = net::listen(address_, {});
    ASSERT_TRUE(master.ok()) << master.status().message();
    master_ = *std::move(master);
  }
  std::optional<proto::MasterInput> hear() {
    const auto said = master_->receive(100ms);
    if (!said.ok() || !said->has_value()) return std::nullopt;
    peer_ = (*said)->peer;
    auto message = proto::decode<proto::MasterInput>((*said)->payload);
    EXPECT_TRUE(message.ok()) << message.status().message();
    if (!message.ok()) return std::nullopt;
    return *std::move(message);
  }
  template <class Message>
  void tell(const Message& message) {
    EXPECT_TRUE(master_->send(peer_, proto::encode(message)).ok());
  }
  /// Job 1 runs; answers what is asked of it.
  void tell_of_job(const proto::MasterInput& question) {
    if (std::holds_alternative<proto::GetJob>(question)) {
      proto::JobReply reply;
      reply.status.job = JobId{1};
      reply.status.state = proto::JobState::kRunning;
      reply.state_id = state_;
      tell(reply);
    } else if (std::holds_alternative<proto::GetEvents>(question)) {
      ++looks_;
      tell(proto::Events{.job = JobId{1}, .offset = 0, .bytes = {}, .ended = false});
    } else if (std::holds_alternative<proto::GetLogs>(question)) {
      tell(proto::Logs{});
    }
  }
  /// What the command says when a master of another state is there while it follows job 1.
  Outcome follow(const std::string& command) {
    Running running(workspace_, {command, "1", "-f", "--master", address_});
    EXPECT_TRUE(eventually([&] {
      if (const auto question = hear()) tell_of_job(*question);
      if (looks_ == 2) state_ = kOtherState;
      return running.ended();
    })) << "it asks a master that knows nothing of its job";
    return running.wait();
  }

  Workspace workspace_;
  const std::string address_ = "ipc://" + workspace_.path("m/m.sock");
  std::unique_ptr<net::BoundTransport> master_;
  net::PeerId peer_;  // Who spoke last.
  std::uint64_t state_ = kState;
  int looks_ = 0;
};

TEST_F(OtherState, EndsWhoFollowsTheEventsOfAJob) {
  const Outcome followed = follow("events");
  EXPECT_EQ(followed.exit_code, 2);
  EXPECT_THAT(followed.err, HasSubstr("has another state directory than before"));
}

TEST_F(OtherState, EndsWhoFollowsTheLogsOfAJob) {
  const Outcome followed = follow("logs");
  EXPECT_EQ(followed.exit_code, 2);
  EXPECT_THAT(followed.err, HasSubstr("has another state directory than before"));
}

TEST_F(OtherState, IsToldWhoseJobIsToBeCancelled) {
  Running running(workspace_, {"cancel", "1", "--master", address_});
  ASSERT_TRUE(eventually([&] {
    const auto question = hear();
    if (!question) return running.ended();
    if (const auto* cancel = std::get_if<proto::CancelJob>(&*question)) {
      EXPECT_EQ(cancel->state_id, kState);
      tell(proto::Answer{.code = static_cast<std::uint8_t>(StatusCode::kNotFound),
                         .message = "no job 1",
                         .job = JobId{1}});
    }
    tell_of_job(*question);
    return running.ended();
  }));
  EXPECT_EQ(running.wait().exit_code, 2);
}

TEST_F(OtherState, KeepsNoWorkerThatIsToldToStop) {
  CommandOptions options;
  options.program = (std::filesystem::path(FANFOLD_BIN).parent_path() / "fanfold-worker").string();
  Running running(workspace_,
                  {"--master", address_, "--scratch", workspace_.path("s"), "--slots", "1"},
                  options);
  const auto welcome = [&](std::uint64_t state) {
    tell(proto::Welcome{.worker = WorkerId{1},
                        .epoch = 1,
                        .heartbeat_ms = 100,
                        .silence_ms = 60'000,
                        .state_id = state});
  };
  ASSERT_TRUE(eventually([&] {
    if (hear()) welcome(kState);
    return running.err_so_far().find("master.welcomed_us") != std::string::npos;
  }));
  // It hears both at once, and stops: it does not begin anew without having heard the signal.
  running.signal(SIGSTOP);
  welcome(kOtherState);
  running.signal(SIGTERM);
  running.signal(SIGCONT);
  ASSERT_TRUE(eventually([&] {
    hear();
    return running.ended();
  }));
  EXPECT_EQ(running.wait().exit_code, 0);
}

}  // namespace
}  // namespace fanfold::e2e
