// `fanfold replay`: failed attempts are run once more, after their clusters are gone; what is not
// as it was is refused.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Replay : public testing::Test {
 protected:
  /// A run on a private cluster that fails; its log and capsules stay.
  Outcome fail_on(const std::string& input, std::vector<std::string> more = {}) {
    workspace_.write("in.txt", input);
    std::vector<std::string> words = {"run",        faulty_plugin("faulty"),
                                      "in.txt",     "-o",
                                      "out",        "--quiet",
                                      "--attempts", "1",
                                      "--events",   "e.jsonl"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run(workspace_, words);
    EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
    return outcome;
  }
  Outcome replay(std::vector<std::string> words, const CommandOptions& options = {}) {
    words.insert(words.begin(), "replay");
    const Outcome outcome = run(workspace_, words, options);
    // The guardian of a process that crashed needs a moment.
    EXPECT_TRUE(eventually([this] { return workspace_.remains().empty(); }));
    return outcome;
  }
  void expect_refused(const std::vector<std::string>& words, const std::string& why) {
    const Outcome outcome = replay(words);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr(why));
  }

  Workspace workspace_;
};

TEST_F(Replay, OfAnExceptionThrowsAgainAtTheSameRecord) {
  const Outcome failed = fail_on("fine\nthrow\nlast\n");
  EXPECT_THAT(failed.err, HasSubstr("replay    fanfold replay e.jsonl/map-0.1"));
  const Outcome again = replay({"e.jsonl/map-0.1"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, AllOf(HasSubstr("in.txt, byte 5: \"throw\""),
                               HasSubstr("this record is bad"), HasSubstr("throw_on_purpose")));
  EXPECT_FALSE(workspace_.exists("out"));
}

TEST_F(Replay, OfACrashNamesTheLineThatCrashed) {
  fail_on("fine\nsegv\n");
  const Outcome again = replay({"e.jsonl/map-0.1"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, AllOf(HasSubstr("SIGSEGV"), HasSubstr("in.txt, byte 5"),
                               HasSubstr("write_to_null_pointer() at faulty.cpp")));
#ifdef FANFOLD_FAULTY_ASAN
  // A sanitizer would end the process in its own way.
  EXPECT_EQ(replay({"e.jsonl/map-0.1", "--in-process"}).exit_code, 128 + SIGSEGV);
#endif
}

TEST_F(Replay, IsTheAttemptThatFailedNotTheNext) {
  workspace_.write("in.txt", "segv once\n");
  const Outcome ran = run(workspace_, {"run", faulty_plugin("faulty"), "in.txt", "-o", "out",
                                       "--quiet", "--events", "e.jsonl"});
  ASSERT_EQ(ran.exit_code, 0) << ran.both();
  EXPECT_THAT(workspace_.list("e.capsules"), ElementsAre("map-0.1.capsule"));
  EXPECT_THAT(replay({"e.jsonl/map-0.1"}).err, HasSubstr("SIGSEGV"));
  expect_refused({"e.jsonl/map-0.2"}, "did not fail");
}

TEST_F(Replay, GoesWellWhereWhatTheAttemptWaitedForIsThere) {
  fail_on("wait for " + workspace_.path("there") + "\n", {"--task-timeout", "1s"});
  workspace_.write("there", "");
  const Outcome again = replay({"e.jsonl/map-0.1"});
  EXPECT_EQ(again.exit_code, 0) << again.both();
  EXPECT_THAT(again.out, HasSubstr("map-0, attempt 1, goes well here: 1 record in"));
  EXPECT_THAT(again.err, Not(HasSubstr("WARNING")));
  EXPECT_FALSE(workspace_.exists("out"));
}

TEST_F(Replay, RefusesAPluginThatWasBuiltAnew) {
  const std::string plugin = workspace_.path("mine.so");
  std::filesystem::copy_file(faulty_plugin("faulty"), plugin);
  workspace_.write("in.txt", "throw\n");
  run(workspace_, {"run", "./mine.so", "in.txt", "-o", "out", "--quiet", "--attempts", "1",
                   "--events", "e.jsonl"});
  EXPECT_EQ(replay({"e.jsonl/map-0.1"}).exit_code, 1);
  std::ofstream(plugin, std::ios::app) << "built anew";
  expect_refused({"e.jsonl/map-0.1"}, "it was built anew since");
  const Outcome another = replay({"e.jsonl/map-0.1", "--plugin", "mine.so"});
  EXPECT_EQ(another.exit_code, 1);
  EXPECT_THAT(another.err, AllOf(HasSubstr("WARNING"), HasSubstr("is not the plugin that failed"),
                                 HasSubstr("this record is bad")));
  std::filesystem::remove(plugin);
  expect_refused({"e.jsonl/map-0.1"}, "--plugin FILE");
}

TEST_F(Replay, RefusesInputsThatAreNotWhatTheyWere) {
  fail_on("fine\nthrow\n");
  workspace_.write("in.txt", "fine\nthrew\n");
  expect_refused({"e.jsonl/map-0.1"}, "in.txt has other bytes");
  std::filesystem::remove(workspace_.path("in.txt"));
  expect_refused({"e.jsonl/map-0.1"}, "in.txt");
}

TEST_F(Replay, RefusesWhatIsNoCapsule) {
  fail_on("throw\n");
  workspace_.write("e.capsules/map-0.1.capsule", "something else");
  expect_refused({"e.jsonl/map-0.1"}, "no capsule");
  expect_refused({"e.jsonl/map-0"}, "is no attempt");
  expect_refused({"missing.jsonl/map-0.1"}, "is no attempt");
}

TEST_F(Replay, OfAnEarlierRunIsNotMistakenForOneOfThis) {
  fail_on("throw\n");
  workspace_.write("in.txt", "fine\n");
  const Outcome ran = run(workspace_, {"run", faulty_plugin("faulty"), "in.txt", "-o", "out",
                                       "--quiet", "--events", "e.jsonl"});
  ASSERT_EQ(ran.exit_code, 0) << ran.both();
  EXPECT_FALSE(workspace_.exists("e.capsules"));
}

TEST_F(Replay, WorksWhenTheMasterWasKilled) {
  workspace_.write("in.txt", "fine\nthrow\n");
  Cluster cluster(workspace_, 1, 1);
  const Outcome failed = cluster.run({"run", faulty_plugin("faulty"), "in.txt", "-o", "out",
                                      "--attempts", "2", "--events", "kept.jsonl"});
  ASSERT_EQ(failed.exit_code, 1) << failed.both();
  EXPECT_THAT(cluster.run({"why", "1"}).out,
              HasSubstr("fanfold replay 1/map-0.1 --master " + cluster.address()));
  EXPECT_EQ(cluster.run({"replay", "1/map-0.2"}).exit_code, 1);
  const Outcome missing = cluster.run({"replay", "1/map-0.3"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("left no capsule"));
  // What a client of another host would do.
  std::filesystem::rename(workspace_.path("c/state/events/job-1.capsules"),
                          workspace_.path("c/state/events/elsewhere"));
  EXPECT_EQ(cluster.run({"replay", "1/map-0.1"}).exit_code, 2);
  std::filesystem::rename(workspace_.path("c/state/events/elsewhere"),
                          workspace_.path("c/state/events/job-1.capsules"));
  for (const pid_t process : processes_naming(cluster.directory())) ::kill(process, SIGKILL);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"replay", "1/map-0.1"},
        {"replay", "1/map-0.1", "--events", "c/state/events"},
        {"replay", "kept.jsonl/map-0.2"}}) {
    const Outcome again = cluster.run(words);
    EXPECT_EQ(again.exit_code, 1);
    EXPECT_THAT(again.err, HasSubstr("throw_on_purpose"));
  }
}

TEST_F(Replay, OfAReduceReadsWhatTheMapsWroteWhileTheirJobGoesOn) {
  workspace_.write("in.txt", "bad key\nfine\n");
  Cluster cluster(workspace_, 1, 1);
  const std::string retry =
      R"([{"ErrorEquals":["States.ALL"],"IntervalSeconds":1000,"MaxAttempts":1}])";
  ASSERT_EQ(cluster
                .run({"submit", faulty_plugin("faulty"), "in.txt", "-o", "out", "-r", "1",
                      "--param", "fail_reduce=true", "--retry", retry})
                .exit_code,
            0);
  ASSERT_TRUE(eventually([&] {
    return cluster.run({"events", "1"}).out.find("\"failed\"") != std::string::npos;
  }));
  const Outcome again = cluster.run({"replay", "1/reduce-0.1"});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, AllOf(HasSubstr("key       \"bad key\""), HasSubstr("throw_on_purpose")));
  cluster.run({"cancel", "1"});
  Outcome late;
  EXPECT_TRUE(eventually([&] {
    late = cluster.run({"replay", "1/reduce-0.1"});
    return late.exit_code == 2;
  }));
  EXPECT_THAT(late.err, HasSubstr("the map outputs that reduce-0 read are not here any more"));
}

#ifdef FANFOLD_GDB
TEST_F(Replay, UnderGdbStopsBeforeTheRecordAndAgainWhereItCrashes) {
  fail_on("fine\nsegv\n");
  CommandOptions options;
  options.standard_input = workspace_.write("commands", "continue\nbt 1\nkill\nquit\n");
  const Outcome debugged = replay({"e.jsonl/map-0.1", "--gdb"}, options);
  const std::size_t stopped = debugged.out.find("Stopped before the record that failed");
  const std::size_t crashed = debugged.out.find("SIGSEGV, Segmentation fault");
  ASSERT_NE(stopped, std::string::npos) << debugged.both();
  ASSERT_NE(crashed, std::string::npos) << debugged.both();
  EXPECT_LT(stopped, crashed);
  EXPECT_THAT(debugged.out, HasSubstr("write_to_null_pointer"));
}
#endif

#ifdef FANFOLD_FAULTY_ASAN
TEST_F(Replay, WithASanitizedPluginFindsWhatTheCrashDidNotSay) {
  fail_on("overrun\nthrow\n");
  const Outcome again = replay({"e.jsonl/map-0.1", "--plugin", faulty_plugin("faulty_asan")});
  EXPECT_NE(again.exit_code, 0);
  EXPECT_THAT(again.err,
              AllOf(HasSubstr("is not the plugin that failed"), HasSubstr("heap-buffer-overflow"),
                    HasSubstr("read_beyond_the_end")));
}
#endif

}  // namespace
}  // namespace fanfold::e2e
