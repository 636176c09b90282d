// Who may say what to a master, and how much.

#include "master/service/admission.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/proto/messages.hpp"
#include "master/service/quotas.hpp"
#include "master/service/worker_directory.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;
using security::Role;
using testing::AllOf;
using testing::HasSubstr;

net::Sender holder_of(Role role, const std::string& name = "somebody") {
  return {std::make_shared<const security::KeyHolder>(security::KeyHolder{name, role, {}, {}}),
          "10.0.0.1"};
}

std::string frame_with(unsigned tag) {
  return {static_cast<char>(tag & 0xff), static_cast<char>(tag >> 8), 'x'};
}

TEST(Admission, IsByTheTagAloneForEveryTagThereIs) {
  for (unsigned tag = 0; tag < 300; ++tag) {
    const std::string frame = frame_with(tag);
    const bool client = tag >= 1 && tag < 20;
    const bool worker = tag >= 40 && tag < 60;
    EXPECT_EQ(check_role(holder_of(Role::kClient), frame).ok(), client && tag != 7) << tag;
    EXPECT_EQ(check_role(holder_of(Role::kAdmin), frame).ok(), client) << tag;
    EXPECT_EQ(check_role(holder_of(Role::kWorker), frame).ok(), worker) << tag;
    EXPECT_FALSE(check_role(holder_of(Role::kMaster), frame).ok()) << tag;
    EXPECT_TRUE(check_role({}, frame).ok()) << "over a private socket " << tag;
  }
  EXPECT_FALSE(check_role(holder_of(Role::kAdmin), "").ok());
  EXPECT_FALSE(check_role(holder_of(Role::kAdmin), "\x01").ok());
}

TEST(Admission, SaysWhoseKeyItIsAndWhichIsNeeded) {
  const std::string text =
      check_role(holder_of(Role::kClient, "alice"), frame_with(proto::StopCluster::kTag)).message();
  EXPECT_THAT(text, HasSubstr("'alice' is that of a client"));
  EXPECT_THAT(text, HasSubstr("an admin is needed"));
}

TEST(Admission, LetsAJobBeChangedByItsOwnerAndByAdmins) {
  EXPECT_TRUE(check_ownership(holder_of(Role::kClient, "alice"), "alice", "feed").ok());
  EXPECT_THAT(check_ownership(holder_of(Role::kClient, "bob"), "alice", "feed").message(),
              HasSubstr("the key 'bob' may feed its own jobs"));
  EXPECT_TRUE(check_ownership(holder_of(Role::kAdmin, "root"), "alice", "feed").ok());
  EXPECT_TRUE(check_ownership({}, "alice", "feed").ok());
}

TEST(Quotas, CountTheJobsThatHaveNotEnded) {
  Quotas quotas;
  const security::KeyHolder holder{"busy", Role::kClient, {}, {.jobs = 2, .submissions = 0}};
  EXPECT_TRUE(quotas.submit(holder, 1, Instant{}).ok());
  EXPECT_EQ(quotas.submit(holder, 2, Instant{}).code(), StatusCode::kExhausted);
  const security::KeyHolder free{"free", Role::kClient, {}, {}};
  EXPECT_TRUE(quotas.submit(free, 1000, Instant{}).ok());
}

TEST(Quotas, BoundTheSizeOfAllJobsTogether) {
  const security::KeyHolder holder{"large", Role::kClient, {}, {.tasks = 10, .bytes = 1000}};
  EXPECT_TRUE(check_size(holder, {10, 1000}, {}).ok());
  EXPECT_TRUE(check_size(holder, {4, 400}, {6, 600}).ok());
  EXPECT_THAT(check_size(holder, {5, 400}, {6, 600}).message(),
              AllOf(HasSubstr("'large' may have 10 tasks"), HasSubstr("the others have 6")));
  EXPECT_THAT(check_size(holder, {4, 401}, {6, 600}).message(),
              AllOf(HasSubstr("1000 bytes of input"), HasSubstr("wait for one")));
  EXPECT_THAT(check_size(holder, {11, 1}, {}).message(), HasSubstr("a larger quota"));
  // It was lowered meanwhile.
  EXPECT_FALSE(check_size(holder, {1, 1}, {20, 1}).ok());
  const security::KeyHolder free{"free", Role::kClient, {}, {}};
  EXPECT_TRUE(check_size(free, {UINT64_MAX, UINT64_MAX}, {UINT64_MAX, UINT64_MAX}).ok());
}

TEST(Quotas, ForgetSubmissionsAfterAMinute) {
  Quotas quotas;
  const security::KeyHolder holder{"hasty", Role::kClient, {}, {.jobs = 0, .submissions = 2}};
  EXPECT_TRUE(quotas.submit(holder, 0, Instant{0s}).ok());
  EXPECT_TRUE(quotas.submit(holder, 0, Instant{30s}).ok());
  EXPECT_THAT(quotas.submit(holder, 0, Instant{50s}).message(), HasSubstr("try again in 10 s"));
  EXPECT_TRUE(quotas.submit(holder, 0, Instant{60s}).ok());
  EXPECT_EQ(quotas.submit(holder, 0, Instant{89s}).code(), StatusCode::kExhausted);
  EXPECT_TRUE(quotas.submit(holder, 0, Instant{90s}).ok());
}

TEST(WorkerDirectory, BelievesNobodyThatHeIsTheWorkerOfAnotherKey) {
  WorkerDirectory directory(1, 0);
  proto::Hello hello;
  hello.uuid = "u1";
  const WorkerId id = directory.introduce({"route"}, hello, "w1").worker->worker;
  // Somebody else says the same Hello, or goes on in its name.
  EXPECT_EQ(directory.introduce({"thief"}, hello, "w2").worker, nullptr);
  EXPECT_EQ(directory.heard_from(id, {"thief"}, "w2"), nullptr);
  EXPECT_EQ(directory.heard_from(id, {"thief"}, ""), nullptr);
  EXPECT_EQ(directory.find(id)->peer, net::PeerId{"route"});
  // Its own key on a new connection is itself.
  ASSERT_NE(directory.heard_from(id, {"again"}, "w1"), nullptr);
  EXPECT_EQ(directory.find(id)->peer, net::PeerId{"again"});
  EXPECT_EQ(directory.introduce({"third"}, hello, "w1").worker->worker, id);
}

}  // namespace
}  // namespace fanfold::master
