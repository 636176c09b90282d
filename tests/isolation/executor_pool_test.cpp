#include <dirent.h>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <csignal>

#include "tests/isolation/isolation_fixture.hpp"
#include "worker/isolation/symbolise.hpp"

namespace fanfold::worker {
namespace {

using proto::FailureKind;
using testing::HasSubstr;

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

class ExecutorPoolTest : public IsolationFixture {
 protected:
  /// Process id of the executor that ran the attempt: it writes nothing, so /proc tells.
  static std::vector<pid_t> executors() {
    std::vector<pid_t> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::ifstream name(entry.path() / "comm");
      std::string text;
      if (std::getline(name, text) && text == "fanfold-exec") {
        std::ifstream stat(entry.path() / "stat");
        std::string all;
        std::getline(stat, all);
        const auto after = all.substr(all.rfind(')') + 2);
        const pid_t parent = std::stoi(after.substr(2));
        if (zygotes().count(parent) != 0) found.push_back(std::stoi(entry.path().filename()));
      }
    }
    return found;
  }
  FileWanted next_wanted() {
    for (;;) {
      turn();
      const std::vector<FileWanted> wanted = pool_.take_wanted();
      if (!wanted.empty()) return wanted.front();
    }
  }
  /// Children of this process.
  static std::map<pid_t, bool> zygotes() {
    std::map<pid_t, bool> found;
    const std::string self = std::to_string(::getpid());
    std::ifstream children("/proc/self/task/" + self + "/children");
    for (pid_t child = 0; children >> child;) found[child] = true;
    return found;
  }
};

TEST_F(ExecutorPoolTest, ShowsWhatAnAttemptWritesWhileItRuns) {
  const std::string gate = directory_ + "/gate";
  ExecutorTask task = map_task({"say hello", "wait for " + gate, "log hello"});
  const AttemptId attempt = task.assignment.attempt;
  EXPECT_EQ(pool_.output(attempt, 0, 100).text, "");
  pool_.start(steady_clock().now(), std::move(task));
  std::string text;
  // It has not ended, and will not before the gate opens.
  while (text.empty()) {
    turn();
    text = pool_.output(attempt, 0, 100).text;
  }
  EXPECT_EQ(text, "hello from user code\n");
  EXPECT_EQ(pool_.output(attempt, 6, 4).text, "from");
  EXPECT_FALSE(pool_.has_results());
  std::ofstream(gate).put('\n');
  while (!pool_.has_results()) turn();
  const AttemptResult result = pool_.take_results().front();
  EXPECT_EQ(result.log_bytes, result.log_text.size());
  EXPECT_THAT(result.log_text, HasSubstr("hello from the log"));
  EXPECT_EQ(pool_.output(attempt, 0, 100).text, "");
}

TEST_F(ExecutorPoolTest, RunsAMapAttempt) {
  const AttemptResult result = run({"b", "a", "b"});
  ASSERT_TRUE(result.outcome.succeeded) << result.outcome.failure.message;
  EXPECT_EQ(result.outcome.report.records_in, 3u);
  EXPECT_EQ(result.outcome.report.records_out, 3u);
  EXPECT_EQ(result.outcome.report.bytes_in, 6u);
  EXPECT_FALSE(result.outcome.report.output_empty);
  EXPECT_GT(result.outcome.report.peak_rss_bytes, 0u);
  EXPECT_TRUE(std::filesystem::exists(directory_ + "/scratch/1/output.run"));
}

TEST_F(ExecutorPoolTest, ReusesAnExecutorThatBehaves) {
  EXPECT_TRUE(run({"a"}).outcome.succeeded);
  const auto first = executors();
  EXPECT_TRUE(run({"b"}).outcome.succeeded);
  EXPECT_EQ(executors(), first);
  EXPECT_EQ(first.size(), 1u);
}

TEST_F(ExecutorPoolTest, DoesNotReuseAnExecutorAfterAnException) {
  EXPECT_TRUE(run({"a"}).outcome.succeeded);
  const auto first = executors();
  EXPECT_FALSE(run({"throw"}).outcome.succeeded);
  EXPECT_TRUE(run({"b"}).outcome.succeeded);
  EXPECT_NE(executors(), first);
}

TEST_F(ExecutorPoolTest, RenewsAnExecutorAfterManyTasks) {
  EXPECT_TRUE(run({"a"}).outcome.succeeded);
  const auto first = executors();
  for (std::uint32_t i = 0; i < kTasksPerExecutor; ++i) ASSERT_TRUE(run({"a"}).outcome.succeeded);
  EXPECT_NE(executors(), first);
}

TEST_F(ExecutorPoolTest, RunsAttemptsSideBySide) {
  ExecutorTask hanging = map_task({"hang"});
  pool_.start(steady_clock().now(), hanging);
  EXPECT_TRUE([&] {
    ExecutorTask other = map_task({"fine"});
    pool_.start(steady_clock().now(), other);
    const AttemptResult result = next_result();
    return result.attempt == other.assignment.attempt && result.outcome.succeeded;
  }());
  pool_.kill(steady_clock().now(), hanging.assignment.attempt, FailureKind::kCancelled);
  EXPECT_EQ(next_result().outcome.failure.kind, FailureKind::kCancelled);
}

TEST_F(ExecutorPoolTest, KillOfAnUnknownAttemptIsIgnored) {
  pool_.kill(steady_clock().now(), AttemptId{99}, FailureKind::kCancelled);
  EXPECT_TRUE(run({"a"}).outcome.succeeded);
}

TEST_F(ExecutorPoolTest, KillFromOutsideIsChargedToTheInfrastructure) {
  ExecutorTask task = map_task({"hang"});
  pool_.start(steady_clock().now(), task);
  wait_for_record(1);
  const auto processes = executors();
  ASSERT_EQ(processes.size(), 1u);
  ::kill(processes[0], SIGKILL);
  const auto failure = next_result().outcome.failure;
  EXPECT_EQ(failure.kind, FailureKind::kSpawn);
  EXPECT_FALSE(proto::charged_to_task(failure.kind));
  EXPECT_THAT(failure.message, HasSubstr("from outside"));
}

TEST_F(ExecutorPoolTest, LoadsAPluginThatIsBroughtToIt) {
  ExecutorTask task = map_task({"segv"});
  const std::string path = std::exchange(task.assignment.spec.plugin.path, "/nowhere/faulty.so");
  pool_.start(steady_clock().now(), task);
  const FileWanted wanted = next_wanted();
  EXPECT_EQ(wanted.attempt, task.assignment.attempt);
  EXPECT_EQ(wanted.sha256, task.assignment.spec.plugin.sha256);
  EXPECT_EQ(wanted.name, "faulty.so");
  EXPECT_FALSE(wanted.damaged);
  pool_.bring({wanted.attempt, wanted.sha256, path});
  const AttemptResult result = next_result();
  EXPECT_EQ(result.outcome.failure.kind, FailureKind::kSignal);
  // There its symbols are.
  EXPECT_EQ(result.plugin, path);
  EXPECT_THAT(symbolise(result.crash, result.plugin),
              testing::Contains(HasSubstr("write_to_null_pointer")));
}

TEST_F(ExecutorPoolTest, SaysThatWhatWasBroughtIsSomethingElse) {
  ExecutorTask task = map_task({"one"});
  const std::string path = std::exchange(task.assignment.spec.plugin.path, "/nowhere/faulty.so");
  pool_.start(steady_clock().now(), task);
  FileWanted wanted = next_wanted();
  pool_.bring({wanted.attempt, wanted.sha256, plugin("broken_throw")});
  wanted = next_wanted();
  EXPECT_TRUE(wanted.damaged);
  EXPECT_EQ(wanted.given, plugin("broken_throw"));
  pool_.bring({wanted.attempt, wanted.sha256, path});
  EXPECT_TRUE(next_result().outcome.succeeded);
}

TEST_F(ExecutorPoolTest, DoesNotTakeADiskWithoutRoomForThePluginsFault) {
  ExecutorTask task = map_task({"one"});
  task.assignment.spec.plugin.path = "/nowhere/faulty.so";
  pool_.start(steady_clock().now(), task);
  const FileWanted wanted = next_wanted();
  pool_.bring({wanted.attempt, wanted.sha256, Status(StatusCode::kNoSpace, "the disk is full")});
  const auto failure = next_result().outcome.failure;
  EXPECT_EQ(failure.kind, FailureKind::kNoSpace);
  EXPECT_THAT(failure.message,
              testing::AllOf(HasSubstr("/nowhere/faulty.so"), HasSubstr("the disk is full")));
}

TEST_F(ExecutorPoolTest, WantsNothingForAnAttemptThatHasEnded) {
  ExecutorTask task = map_task({"one"});
  task.assignment.spec.plugin.path = "/nowhere/faulty.so";
  pool_.start(steady_clock().now(), task);
  // It has asked, which nobody has taken, and it dies.
  turn();
  pool_.kill(steady_clock().now(), task.assignment.attempt, FailureKind::kCancelled);
  while (pool_.take_results().empty()) turn();
  EXPECT_TRUE(pool_.take_wanted().empty());
}

TEST_F(ExecutorPoolTest, EndsAnAttemptThatWaitsForAFile) {
  ExecutorTask task = map_task({"one"});
  task.assignment.spec.plugin.path = "/nowhere/faulty.so";
  pool_.start(steady_clock().now(), task);
  const FileWanted wanted = next_wanted();
  const std::uint64_t beat = pool_.pulses().at(0).beat;
  pool_.note_waiting(wanted.attempt);
  EXPECT_GT(pool_.pulses().at(0).beat, beat);
  pool_.kill(steady_clock().now(), wanted.attempt, FailureKind::kCancelled);
  EXPECT_EQ(next_result().outcome.failure.kind, FailureKind::kCancelled);
  // Too late.
  pool_.bring({wanted.attempt, wanted.sha256, std::string("/nowhere")});
  EXPECT_TRUE(run({"one"}).outcome.succeeded);
}

TEST_F(ExecutorPoolTest, LeavesNeitherDescriptorNorProcess) {
  EXPECT_TRUE(run({"a"}).outcome.succeeded);
  const std::size_t before = open_descriptors();
  for (const char* fault : {"segv", "throw", "exit", "close", "fork", "a"}) run({fault});
  while (pool_.processes() > 1) turn();
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(executors().size(), pool_.processes());
}

TEST_F(ExecutorPoolTest, AReduceAttemptReadsWhatMapsWrote) {
  const ExecutorTask map = map_task({"b", "a", "b"});
  ASSERT_TRUE(run(map).outcome.succeeded);
  ExecutorTask reduce = map_task({});
  reduce.assignment.task = {JobId{1}, Stage::kReduce, 0};
  reduce.assignment.split = {};
  LocalSegment segment;
  segment.path = map.scratch + "/output.run";
  reduce.segments = make_segment_list({segment});
  const AttemptResult result = run(reduce);
  ASSERT_TRUE(result.outcome.succeeded) << result.outcome.failure.message;
  ASSERT_EQ(result.outcome.report.files.size(), 1u);
  const std::string part = result.outcome.report.files[0].name;
  EXPECT_EQ(part, "part-00000-of-00001");
  std::ostringstream text;
  text << std::ifstream(directory_ + "/staging/2/" + part).rdbuf();
  EXPECT_EQ(text.str(), "a\t1\nb\t2\n");
}

}  // namespace
}  // namespace fanfold::worker
