// fork_join() in real executors: as many threads as the task's share, and whatever happens to one
// part happens to the attempt.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sched.h>
#include <signal.h>

#include <string>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

int cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

class ForkJoinInATask : public testing::Test {
 protected:
  std::vector<std::string> words_for(const std::string& input, std::vector<std::string> more = {}) {
    workspace_.write("in.txt", input);
    std::vector<std::string> words = {
        "run", faulty_plugin("forking"), "in.txt", "-o", "out", "--quiet", "-r", "1", "--workers",
        "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  void expect_failure(const std::string& input, std::vector<std::string> more,
                      const std::vector<std::string>& fragments) {
    const Outcome outcome = run(workspace_, words_for(input, std::move(more)));
    EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
    for (const std::string& fragment : fragments) EXPECT_THAT(outcome.err, HasSubstr(fragment));
    EXPECT_FALSE(workspace_.exists("out"));
    EXPECT_THAT(workspace_.remains(), IsEmpty());
  }

  /// What a task finds that has `threads`: that many parts at once, never more, never fewer.
  void expect_threads(int slots, int threads) {
    const Outcome outcome =
        run(workspace_, words_for("meet\n", {"--slots", std::to_string(slots)}));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
    const std::string number = std::to_string(threads);
    EXPECT_EQ(run(workspace_, {"cat", "out"}).out,
              "at once\t" + number + "\nparts\t1000\nthreads\t" + number + "\n");
    EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 0);
  }

  Workspace workspace_;
};

TEST_F(ForkJoinInATask, UsesAllCoresOfAWorkerWithOneSlot) { expect_threads(1, cores()); }

TEST_F(ForkJoinInATask, KeepsToOneThreadWhenEachCoreHasASlot) { expect_threads(cores(), 1); }

TEST_F(ForkJoinInATask, FailsTheAttemptWithTheExceptionOfAPart) {
  expect_failure("fine\nthrow\n", {"--slots", "1"},
                 {"exception", "in.txt, byte 5", "this part is bad"});
}

TEST_F(ForkJoinInATask, NamesTheRecordAndTheStackOfAPartThatCrashes) {
  expect_failure("fine\nsegv\n", {"--slots", "1"},
                 {"SIGSEGV", "in.txt, byte 5", "crash_in_a_part"});
}

TEST_F(ForkJoinInATask, MeetsItsTimeLimitInAPart) {
  expect_failure("hang\n", {"--slots", "1", "--task-timeout", "300ms", "--attempts", "1"},
                 {"timeout", "in.txt, byte 0"});
}

TEST_F(ForkJoinInATask, MeetsItsMemoryLimitInAPart) {
  expect_failure("leak\n", {"--slots", "1", "--memory", "128M", "--attempts", "1"}, {"memory"});
}

TEST_F(ForkJoinInATask, IsCancelledWithAllItsThreads) {
  const Cluster cluster(workspace_, 1, 1);
  workspace_.write("in.txt", "hang\n");
  const Outcome submitted =
      cluster.run({"submit", faulty_plugin("forking"), "in.txt", "-o", "out"});
  ASSERT_EQ(submitted.exit_code, 0) << submitted.both();
  const std::string job = submitted.out.substr(0, submitted.out.find('\n'));
  ASSERT_TRUE(eventually([&] {
    return cluster.run({"status", job}).out.find("1 running") != std::string::npos;
  }));
  EXPECT_EQ(cluster.run({"cancel", job}).exit_code, 0);
  EXPECT_EQ(cluster.run({"wait", job}).exit_code, 4);
  // The slot is free again: no thread of the part is left in it.
  workspace_.write("fine.txt", "fine\n");
  EXPECT_EQ(
      cluster.run({"run", faulty_plugin("forking"), "fine.txt", "-o", "fine", "-q"}).exit_code, 0);
}

}  // namespace
}  // namespace fanfold::e2e
