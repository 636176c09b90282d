// What makes no progress: it is stopped, called Task.Stalled, and tried again where a Retry names
// that; of jobs and of the children of item jobs.

#include "tests/e2e/item_jobs_test.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;

class Stalled : public ItemJobsTest {
 protected:
  /// Its map hangs in the first attempt.
  Outcome run_hanging(const std::string& retry) {
    workspace_.write("in.txt", "a\nwait once for " + workspace_.path("never") + "\nb\n");
    return run(workspace_, {"run", faulty_plugin("faulty"), "in.txt", "-o", "out", "-r", "1",
                            "--stall-timeout", "2s", "--retry", retry, "--events", "events"});
  }
};

TEST_F(Stalled, MapsRunAgainElsewhere) {
  const Outcome outcome =
      run_hanging(R"([{"ErrorEquals": ["Task.Stalled"], "IntervalSeconds": 1}])");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_THAT(workspace_.read("out/part-00000-of-00001"), HasSubstr("a\t1\nb\t1\n"));
  const Json manifest = Json::parse(workspace_.read("out/_SUCCESS"));
  EXPECT_GE(manifest["run"]["failed_attempts"], 1);
  EXPECT_THAT(workspace_.read("events"), HasSubstr("\"stalled\""));
  expect_clean();
}

TEST_F(Stalled, MapsAreNotTriedAgainByARetryOfOtherErrors) {
  const Outcome outcome = run_hanging(R"([{"ErrorEquals": ["Task.Exception"]}])");
  EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
  EXPECT_THAT(outcome.err, HasSubstr("no progress for 2 s"));
  EXPECT_FALSE(workspace_.exists("out"));
}

TEST_F(Stalled, ProgramsOfItemsRunAgain) {
  Json task = script_of("test $item$FANFOLD_ATTEMPT != 21 || exec sleep 1000; echo $item");
  task["HeartbeatSeconds"] = 2;
  task["Retry"] = {{{"ErrorEquals", {"Task.Stalled"}}, {"IntervalSeconds", 1}}};
  const Outcome outcome = run_map(map_of(task), {1, 2, 3});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(results("SUCCEEDED"), (Json{1, 2, 3}));
  EXPECT_GE(Json::parse(outcome.out)["retries"], 1);
  expect_clean();
}

TEST_F(Stalled, ProgramsOfItemsFailByThatName) {
  // What goes on printing is alive, however long it takes.
  Json task = script_of(
      "test $item != 2 || exec sleep 1000; for i in 1 2 3 4 5 6 7; do echo \" \"; sleep 0.5; done; "
      "echo $item");
  task["HeartbeatSeconds"] = 3;
  const Outcome outcome = run_map(map_of(task, {{"ToleratedFailureCount", 1}}), {1, 2});
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  ASSERT_EQ(results("FAILED").size(), 1u);
  EXPECT_EQ(results("FAILED")[0]["Error"], "Task.Stalled");
  EXPECT_EQ(results("FAILED")[0]["Input"], "2");
  EXPECT_EQ(results("SUCCEEDED"), (Json{1}));
  expect_clean();
}

}  // namespace
}  // namespace fanfold::e2e
