// `fanfold logs -f`: what attempts write, as they write it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Logs : public testing::Test {
 protected:
  std::string submit(const std::string& lines) {
    workspace_.write("in.txt", lines);
    const Outcome submitted =
        cluster_.run({"submit", faulty_plugin("faulty"), "in.txt", "-o", "out", "--attempts", "2"});
    EXPECT_EQ(submitted.exit_code, 0) << submitted.both();
    return submitted.out.substr(0, submitted.out.find('\n'));
  }

  Workspace workspace_;
  Cluster cluster_{workspace_, 1, 2};
};

TEST_F(Logs, AreFollowedWhileTheAttemptRuns) {
  const std::string gate = workspace_.path("gate");
  const std::string job = submit("say hello\nwait for " + gate + "\nlog hello\nthrow\n");
  Running follower(workspace_, {"logs", "-f", job}, cluster_.options());
  // The attempt cannot end before the gate opens: this is what it has written until now.
  EXPECT_TRUE(eventually([&] {
    return follower.out_so_far().find("map-0.1 | hello from user code\n") != std::string::npos;
  }));
  EXPECT_THAT(follower.out_so_far(), Not(HasSubstr("hello from the log")));
  workspace_.write("gate", "");
  const Outcome over = follower.wait();
  EXPECT_EQ(over.exit_code, 0) << over.both();
  EXPECT_THAT(over.out, AllOf(HasSubstr("map-0.1 | hello from the log\n"),
                              HasSubstr("== map-0.1 on worker-1: failed: exception: "),
                              HasSubstr("map-0.2 | hello from user code\n"),
                              HasSubstr("== map-0.2 on worker-1: failed: exception: ")));
  // Each line once.
  const std::size_t first = over.out.find("map-0.1 | hello from user code");
  EXPECT_EQ(over.out.find("map-0.1 | hello from user code", first + 1), std::string::npos);
}

TEST_F(Logs, OfOneAttemptHaveNoNameBeforeEachLine) {
  const std::string gate = workspace_.path("gate");
  const std::string job = submit("say hello\nwait for " + gate + "\none\n");
  Running follower(workspace_, {"logs", "-f", job + "/map-0.1"}, cluster_.options());
  EXPECT_TRUE(
      eventually([&] { return follower.out_so_far().starts_with("hello from user code\n"); }));
  workspace_.write("gate", "");
  const Outcome over = follower.wait();
  EXPECT_EQ(over.exit_code, 0) << over.both();
  EXPECT_EQ(over.out, "hello from user code\n== map-0.1 on worker-1: committed\n");
}

TEST_F(Logs, OfAJobThatIsOverAreShownAndThatIsAll) {
  const std::string job = submit("say hello\n");
  ASSERT_EQ(cluster_.run({"wait", job}).exit_code, 0);
  const Outcome over = cluster_.run({"logs", "-f", job});
  EXPECT_EQ(over.exit_code, 0) << over.both();
  EXPECT_THAT(over.out, HasSubstr("hello from user code\n"));
  EXPECT_EQ(cluster_.run({"logs", "-f", "99"}).exit_code, 2);
  EXPECT_THAT(cluster_.run({"logs", "-f", "--json", job}).err, HasSubstr("makes no sense"));
}

TEST_F(Logs, StopBeingFollowedAtAnInterrupt) {
  const std::string gate = workspace_.path("gate");
  const std::string job = submit("say hello\nwait for " + gate + "\n");
  Running follower(workspace_, {"logs", "-f", job}, cluster_.options());
  EXPECT_TRUE(eventually([&] { return !follower.out_so_far().empty(); }));
  follower.signal(SIGINT);
  EXPECT_EQ(follower.wait().exit_code, 130);
  workspace_.write("gate", "");
}

}  // namespace
}  // namespace fanfold::e2e
