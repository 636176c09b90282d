// The master of a standing cluster is killed at any moment and started again: its jobs go on,
// nothing that was committed runs again, and whoever waits goes on waiting.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;

/// What the master's log names as a fact's kind: master/store/fact_codec.cpp.
enum Tag { kAttemptCommitted = 2, kMapOutputInvalidated = 3, kJobEnded = 6 };

/// Of the job that is tried: splits, reduces, and a sample.
constexpr int kTasks = 22;

class RecoveryTest : public testing::Test {
 protected:
  RecoveryTest() { workspace_.write("in.txt", make_text(7, 60'000)); }

  pid_t master() const {
    for (const pid_t pid : processes_naming(workspace_.path("c"))) {
      if (command_line_of(pid).find("fanfold-master") != std::string::npos) return pid;
    }
    return 0;
  }
  void kill_master() const {
    const pid_t pid = master();
    if (pid == 0) return;
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(eventually([&] { return command_line_of(pid).empty(); }));
  }
  Outcome bring_up() const { return run(workspace_, {"cluster", "up", "--dir", "c"}); }

  static std::vector<std::string> job_words(const std::string& job, const std::string& output) {
    return {job, "in.txt", "-o", output, "--split-bytes", "100K", "-r", "3"};
  }
  std::string submit(const Cluster& cluster, const std::string& job, const std::string& output) {
    std::vector<std::string> words = job_words(job, output);
    words.insert(words.begin(), "submit");
    const Outcome submitted = cluster.run(words);
    EXPECT_EQ(submitted.exit_code, 0) << submitted.both();
    return submitted.out.substr(0, submitted.out.find('\n'));
  }
  /// Tasks of the job that are committed, as the master says; -1: it says nothing.
  static int done(const Cluster& cluster, const std::string& job) {
    const Outcome status = cluster.run({"status", job, "--json"});
    const Json json = Json::parse(status.out, nullptr, false);
    if (status.exit_code != 0 || !json.is_object()) return -1;
    int count = 0;
    for (const Json& stage : json["stages"]) count += stage["done"].get<int>();
    return count;
  }
  /// It holds together, but for the last lines of each master that was killed.
  static void check_event_log(const std::string& log, int kills) {
    std::set<std::string> over;
    std::istringstream lines(log);
    Json last;
    int damaged = 0;
    for (std::string text; std::getline(lines, text);) {
      const Json line = Json::parse(text, nullptr, false);
      damaged += line.is_object() ? 0 : 1;
      if (!line.is_object()) continue;
      last = line;
      // What an earlier master did not make durable may come to pass once more.
      if (line["event"] == "job.resumed") over.clear();
      if (line["event"] != "attempt.ended") continue;
      EXPECT_TRUE(over.insert(line["id"]).second) << "it ended twice: " << text;
    }
    EXPECT_LE(damaged, kills);
    EXPECT_EQ(last["event"], "job.ended") << log;
    EXPECT_EQ(last["state"], "succeeded");
  }
  /// Rows of the facts of a master that does not run.
  int facts(Tag tag, const std::string& and_where = "") const {
    sqlite3* connection = nullptr;
    EXPECT_EQ(sqlite3_open(workspace_.path("c/state/state.db").c_str(), &connection), SQLITE_OK);
    // A killed process gives its lock back a little after its command line is gone.
    sqlite3_busy_timeout(connection, 10'000);
    sqlite3_stmt* statement = nullptr;
    const std::string sql =
        "SELECT count(*) FROM facts WHERE tag = " + std::to_string(tag) + and_where;
    EXPECT_EQ(sqlite3_prepare_v2(connection, sql.c_str(), -1, &statement, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
    const int count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(connection);
    return count;
  }

  void expect_to_survive(const std::string& job, int kills);

  Workspace workspace_;
};

void RecoveryTest::expect_to_survive(const std::string& job, int kills) {
  const Outcome reference = run(workspace_, [&] {
    std::vector<std::string> words = job_words(job, "expected");
    words.insert(words.begin(), {"run", "--in-process"});
    return words;
  }());
  ASSERT_EQ(reference.exit_code, 0) << reference.both();

  Cluster cluster(workspace_, 2, 1);
  ASSERT_TRUE(cluster.up());
  const std::string id = submit(cluster, job, "out");
  Running waiting(workspace_, {"wait", id}, cluster.options());
  const unsigned seed = std::random_device()();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int kill = 0; kill < kills && !waiting.ended(); ++kill) {
    const int next = done(cluster, id) + 1 + static_cast<int>(random() % 6);
    ASSERT_TRUE(eventually([&] { return waiting.ended() || done(cluster, id) >= next; }));
    kill_master();
    // The whole past of a job is there until the next master finds it ended: nothing of it was
    // committed twice.
    EXPECT_EQ(facts(kMapOutputInvalidated), 0);
    EXPECT_LE(facts(kAttemptCommitted), kTasks);
    const int ended = facts(kJobEnded);
    EXPECT_LE(ended, 1);
    const Outcome up = bring_up();
    ASSERT_EQ(up.exit_code, 0) << up.both();
    if (ended == 1) continue;
    EXPECT_THAT(up.err, HasSubstr("jobs that it had not finished go on"));
  }
  const Outcome waited = waiting.wait();
  EXPECT_EQ(waited.exit_code, 0) << waited.both();
  EXPECT_EQ(workspace_.fingerprint("out"), workspace_.fingerprint("expected"));
  const Json status = Json::parse(cluster.run({"status", id, "--json"}).out);
  EXPECT_EQ(status["state"], "succeeded");
  EXPECT_EQ(status["failed_attempts"], 0);
  int tasks = 0;
  for (const Json& stage : status["stages"]) tasks += stage["tasks"].get<int>();
  EXPECT_LE(tasks, kTasks);
  const Outcome events = cluster.run({"events", id});
  EXPECT_EQ(events.exit_code, 0) << events.both();
  check_event_log(events.out, kills);
  kill_master();
  EXPECT_EQ(facts(kMapOutputInvalidated), 0);
  EXPECT_LE(facts(kAttemptCommitted), tasks);
  EXPECT_EQ(facts(kJobEnded), 1);
  EXPECT_EQ(cluster.down().exit_code, 0);
  EXPECT_THAT(workspace_.remains(), IsEmpty());
}

TEST_F(RecoveryTest, AWordCountSurvivesItsMaster) { expect_to_survive("word_count", 4); }

TEST_F(RecoveryTest, ASortSurvivesItsMaster) { expect_to_survive("sort", 4); }

TEST_F(RecoveryTest, AClusterThatDiedAsAWholeGoesOnWithItsJobs) {
  // Long beside the time that killing takes.
  workspace_.write("in.txt", make_text(7, 1'500'000));
  Cluster cluster(workspace_, 2, 1);
  const std::string id = submit(cluster, "word_count", "out");
  ASSERT_TRUE(eventually([&] { return done(cluster, id) >= 3; }));
  for (const pid_t pid : processes_naming(cluster.directory())) ::kill(pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return processes_naming(cluster.directory()).empty(); }));
  EXPECT_FALSE(workspace_.exists("out"));
  ASSERT_EQ(bring_up().exit_code, 0);
  const Outcome waited = cluster.run({"wait", id});
  EXPECT_EQ(waited.exit_code, 0) << waited.both();
  EXPECT_TRUE(workspace_.exists("out/_SUCCESS"));
}

TEST_F(RecoveryTest, WorkersBeginAnewWithAMasterOfAnotherState) {
  workspace_.write("in.txt", make_text(7, 1'500'000));
  Cluster cluster(workspace_, 2, 1);
  ASSERT_TRUE(cluster.up());
  const std::vector<pid_t> workers = cluster.workers();
  const std::string id = submit(cluster, "word_count", "out");
  Running waiting(workspace_, {"wait", id}, cluster.options());
  ASSERT_TRUE(eventually([&] { return done(cluster, id) >= 3; }));
  kill_master();
  std::filesystem::rename(workspace_.path("c/state"), workspace_.path("lost"));
  ASSERT_EQ(bring_up().exit_code, 0);
  workspace_.write("in.txt", make_text(8, 60'000));
  // The same number, and another job.
  EXPECT_EQ(submit(cluster, "word_count", "second"), id);
  const Outcome waited = waiting.wait();
  EXPECT_EQ(waited.exit_code, 2) << waited.both();
  EXPECT_THAT(waited.err, HasSubstr("has another state directory than before"));
  EXPECT_EQ(cluster.run({"wait", id}).exit_code, 0);
  std::vector<std::string> words = job_words("word_count", "expected");
  words.insert(words.begin(), {"run", "--in-process"});
  EXPECT_EQ(run(workspace_, words).exit_code, 0);
  EXPECT_EQ(workspace_.fingerprint("second"), workspace_.fingerprint("expected"));
  // The same processes, which have nothing of the first job any more.
  EXPECT_EQ(cluster.workers(), workers);
  EXPECT_EQ(cluster.down().exit_code, 0);
  EXPECT_FALSE(workspace_.exists("out"));
}

TEST_F(RecoveryTest, TheSameSubmissionIsTheSameJobOverARestart) {
  Cluster cluster(workspace_, 1, 1);
  std::vector<std::string> words = job_words("word_count", "out");
  words.insert(words.begin(), "submit");
  words.insert(words.end(), {"--client-id", "nightly-1"});
  const Outcome first = cluster.run(words);
  ASSERT_EQ(first.exit_code, 0) << first.both();
  kill_master();
  ASSERT_EQ(bring_up().exit_code, 0);
  EXPECT_EQ(cluster.run(words).out, first.out);
  EXPECT_EQ(Json::parse(cluster.run({"list", "--json"}).out).size(), 1u);
}

TEST_F(RecoveryTest, ASecondMasterOfTheSameStateIsRefusedByName) {
  Cluster cluster(workspace_, 1, 1);
  CommandOptions options;
  options.program = std::filesystem::path(FANFOLD_BIN).parent_path().string() + "/fanfold-master";
  std::filesystem::create_directory(workspace_.path("d"));
  std::filesystem::permissions(workspace_.path("d"), std::filesystem::perms::owner_all);
  const Outcome second = run(workspace_,
                             {"--listen", "ipc://" + workspace_.path("d") + "/m.sock", "--state",
                              workspace_.path("c/state")},
                             options);
  EXPECT_EQ(second.exit_code, 1) << second.both();
  EXPECT_THAT(second.err, HasSubstr("another master (process " + std::to_string(master()) + ")"));
  EXPECT_THAT(second.err, HasSubstr(workspace_.path("c/state")));
  EXPECT_EQ(cluster.run({"list"}).exit_code, 0) << "the first one was hurt";
}

TEST_F(RecoveryTest, AMasterThatIsToldToEndLeavesItsJobsToTheNextOne) {
  Cluster cluster(workspace_, 1, 1);
  const std::string id = submit(cluster, "word_count", "out");
  const pid_t first = master();
  ::kill(first, SIGTERM);
  ASSERT_TRUE(eventually([&] { return command_line_of(first).empty(); }));
  ASSERT_EQ(bring_up().exit_code, 0);
  const Outcome waited = cluster.run({"wait", id});
  EXPECT_EQ(waited.exit_code, 0) << waited.both();
}

}  // namespace
}  // namespace fanfold::e2e
