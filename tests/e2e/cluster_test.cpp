// A cluster that outlives the shell, and the commands that talk to it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

TEST(LocalCluster, ShowsItsWorkersAndGoesWithoutTrace) {
  Workspace workspace;
  Cluster cluster(workspace, 4, 2);
  const Json status = Json::parse(cluster.run({"cluster", "status", "--json"}).out);
  ASSERT_EQ(status["workers"].size(), 4u);
  for (const Json& worker : status["workers"]) EXPECT_EQ(worker["slots"], 2);
  EXPECT_EQ(status["address"], cluster.address());
  EXPECT_THAT(cluster.run({"cluster", "status"}).out, HasSubstr("worker-4"));
  // They say so with their first heartbeat, which comes after their hello.
  EXPECT_TRUE(eventually([&cluster] {
    const Json workers = Json::parse(cluster.run({"cluster", "status", "--json"}).out)["workers"];
    return std::all_of(workers.begin(), workers.end(), [](const Json& worker) {
      return worker.value("memory_bytes_free", 0ull) > 0 &&
             worker.value("scratch_bytes_free", 0ull) > 0 &&
             worker.value("executor_bytes", 0ull) > 0;
    });
  }));
  EXPECT_THAT(cluster.run({"cluster", "status"}).out, HasSubstr("iB of "));
  const Outcome down = cluster.down();
  EXPECT_EQ(down.exit_code, 0) << down.both();
  EXPECT_THAT(workspace.leftovers(), IsEmpty());
  EXPECT_FALSE(workspace.exists("c"));
}

TEST(LocalCluster, PrintsTheLineThatOtherCommandsNeed) {
  Workspace workspace;
  const Outcome up = run(workspace, {"cluster", "up", "--dir", "c", "--workers", "1"});
  EXPECT_EQ(up.exit_code, 0) << up.both();
  EXPECT_EQ(up.out, "export FANFOLD_MASTER=ipc://" + workspace.path("c") + "/master.sock\n");
  EXPECT_EQ(run(workspace, {"cluster", "down", "--dir", "c"}).exit_code, 0);
}

TEST(LocalCluster, DescribesItselfAsJson) {
  Workspace workspace;
  const Outcome up =
      run(workspace, {"cluster", "up", "--dir", "c", "--workers", "1", "--slots", "2", "--json"});
  ASSERT_EQ(up.exit_code, 0) << up.both();
  const Json json = Json::parse(up.out);
  EXPECT_EQ(json["address"], "ipc://" + workspace.path("c") + "/master.sock");
  EXPECT_EQ(json["directory"], workspace.path("c"));
  EXPECT_EQ(json["workers"], 1);
  EXPECT_EQ(json["slots"], 2);
  EXPECT_EQ(run(workspace, {"cluster", "down", "--dir", "c"}).exit_code, 0);
}

TEST(LocalCluster, IsFoundByItsDefaultPlace) {
  Workspace workspace;
  ASSERT_EQ(run(workspace, {"cluster", "up", "--workers", "1"}).exit_code, 0);
  EXPECT_EQ(run(workspace, {"list"}).out, "no jobs\n");
  EXPECT_EQ(run(workspace, {"cluster", "down"}).exit_code, 0);
  EXPECT_EQ(run(workspace, {"list"}).exit_code, 2);
  EXPECT_THAT(workspace.leftovers(), IsEmpty());
}

TEST(LocalCluster, IsStartedOncePerDirectory) {
  Workspace workspace;
  Cluster cluster(workspace, 1, 1);
  const Outcome again = run(workspace, {"cluster", "up", "--dir", "c"});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("is in use"));
  EXPECT_THAT(again.err, HasSubstr("fanfold cluster down"));
  EXPECT_EQ(cluster.run({"list"}).exit_code, 0) << "the first one was hurt";
}

TEST(LocalCluster, OfKilledProcessesIsCleanedUp) {
  Workspace workspace;
  {
    Cluster cluster(workspace, 2, 1);
    for (const pid_t pid : processes_naming(cluster.directory())) ::kill(pid, SIGKILL);
    ASSERT_TRUE(eventually([&] { return processes_naming(cluster.directory()).empty(); }));
    // Starting in the same place works: what is there belongs to nobody.
    const Outcome again = run(workspace, {"cluster", "up", "--dir", "c", "--workers", "1"});
    EXPECT_EQ(again.exit_code, 0) << again.both();
    for (const pid_t pid : processes_naming(cluster.directory())) ::kill(pid, SIGKILL);
    ASSERT_TRUE(eventually([&] { return processes_naming(cluster.directory()).empty(); }));
    const Outcome down = cluster.down();
    EXPECT_EQ(down.exit_code, 0) << down.both();
  }
  EXPECT_FALSE(workspace.exists("c"));
  EXPECT_THAT(workspace.leftovers(), IsEmpty());
}

TEST(LocalCluster, WhoseMasterWasKilledGoesDown) {
  Workspace workspace;
  Cluster cluster(workspace, 2, 1);
  const Json status = Json::parse(cluster.run({"cluster", "status", "--json"}).out);
  ::kill(status["process"].get<pid_t>(), SIGKILL);
  const Outcome down = cluster.down();
  EXPECT_EQ(down.exit_code, 0) << down.both();
  EXPECT_THAT(workspace.leftovers(), IsEmpty());
  EXPECT_FALSE(workspace.exists("c"));
}

TEST(LocalCluster, CancelsWhatRunsWhenItGoesDown) {
  Workspace workspace;
  Cluster cluster(workspace, 1, 1);
  workspace.write("in.txt", "hang\n");
  ASSERT_EQ(cluster.run({"submit", faulty_plugin("faulty"), "in.txt", "-o", "out"}).exit_code, 0);
  EXPECT_EQ(cluster.down().exit_code, 0);
  EXPECT_THAT(workspace.remains(), IsEmpty());
  EXPECT_FALSE(workspace.exists("out"));
}

TEST(Jobs, AreSubmittedFollowedAndLookedAt) {
  Workspace workspace;
  Cluster cluster(workspace, 1, 1);
  workspace.write("in.txt", "b a b\n");
  const Outcome submitted = cluster.run({"submit", "word_count", "in.txt", "-o", "out"});
  ASSERT_EQ(submitted.exit_code, 0) << submitted.both();
  const std::string job = first_line(submitted.out);
  const Outcome waited = cluster.run({"wait", job});
  EXPECT_EQ(waited.exit_code, 0) << waited.both();
  EXPECT_THAT(waited.out, HasSubstr("word_count finished"));
  EXPECT_EQ(run(workspace, {"cat", "out"}).out, "a\t1\nb\t2\n");
  const Json status = Json::parse(cluster.run({"status", job, "--json"}).out);
  EXPECT_EQ(status["state"], "succeeded");
  EXPECT_EQ(status["output_records"], 2);
  EXPECT_THAT(cluster.run({"status", job}).out, HasSubstr("succeeded"));
  EXPECT_THAT(cluster.run({"list"}).out, HasSubstr("word_count"));
  EXPECT_EQ(Json::parse(cluster.run({"list", "--json"}).out).size(), 1u);
  const Outcome cancelled = cluster.run({"cancel", job});
  EXPECT_EQ(cancelled.exit_code, 2);
  EXPECT_THAT(cancelled.err, HasSubstr("succeeded"));
}

TEST(Jobs, AreCancelledOnRequest) {
  Workspace workspace;
  Cluster cluster(workspace, 1, 1);
  workspace.write("in.txt", "hang\n");
  const std::string job =
      first_line(cluster.run({"submit", faulty_plugin("faulty"), "in.txt", "-o", "out"}).out);
  const Outcome cancelled = cluster.run({"cancel", job, "--json"});
  EXPECT_EQ(cancelled.exit_code, 0) << cancelled.both();
  EXPECT_EQ(Json::parse(cancelled.out)["state"], "cancelled");
  EXPECT_EQ(cluster.run({"wait", job, "-q"}).exit_code, 4);
  EXPECT_FALSE(workspace.exists("out"));
}

TEST(Jobs, OfAnotherIdAreNotFound) {
  Workspace workspace;
  Cluster cluster(workspace, 1, 1);
  for (const char* command : {"status", "wait", "cancel", "logs"}) {
    const Outcome outcome = cluster.run({command, "4711"});
    EXPECT_EQ(outcome.exit_code, 2) << command << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr("4711"));
    EXPECT_THAT(outcome.err, HasSubstr("fanfold list"));
  }
}

TEST(Logs, TellWhatAnAttemptWroteAndHowItEnded) {
  Workspace workspace;
  Cluster cluster(workspace, 1, 1);
  workspace.write("in.txt", "say hello\nlog hello\nthrow\n");
  const Outcome submitted =
      cluster.run({"submit", faulty_plugin("faulty"), "in.txt", "-o", "out", "--attempts", "2"});
  const std::string job = first_line(submitted.out);
  EXPECT_EQ(cluster.run({"wait", job, "--quiet"}).exit_code, 1);
  const Outcome logs = cluster.run({"logs", job + "/map-0.1"});
  EXPECT_EQ(logs.exit_code, 0) << logs.both();
  EXPECT_THAT(logs.out, HasSubstr("hello from user code"));
  EXPECT_THAT(logs.out, HasSubstr("hello from the log"));
  EXPECT_THAT(logs.out, HasSubstr("this record is bad"));
  EXPECT_EQ(Json::parse(cluster.run({"logs", job + "/map-0", "--json"}).out).size(), 2u);
  EXPECT_EQ(cluster.run({"logs", job + "/map-7"}).exit_code, 2);
}

TEST(Why, NamesTheFirstCauseInTheLastLines) {
  Workspace workspace;
  Cluster cluster(workspace, 1, 1);
  workspace.write("in.txt", "fine\nthrow\n");
  const Outcome submitted =
      cluster.run({"submit", faulty_plugin("faulty"), "in.txt", "-o", "out", "--attempts", "2"});
  const std::string job = first_line(submitted.out);
  EXPECT_EQ(cluster.run({"wait", job, "--quiet"}).exit_code, 1);
  const Outcome why = cluster.run({"why", job});
  EXPECT_EQ(why.exit_code, 0) << why.both();
  std::size_t last_ten = why.out.size() - 1;
  for (int lines = 0; lines < 10; ++lines) last_ten = why.out.rfind('\n', last_ten - 1);
  for (const char* part : {"exception", "map-0, attempt 1", "in.txt, byte 5: \"throw\"",
                           "this record is bad", "fanfold logs"}) {
    EXPECT_NE(why.out.find(part, last_ten), std::string::npos) << part << "\n" << why.out;
  }
  const Outcome of_attempt = cluster.run({"why", job + "/map-0.2"});
  EXPECT_THAT(of_attempt.out, HasSubstr("map-0.2: exception"));
  EXPECT_THAT(of_attempt.out, testing::Not(HasSubstr("map-0.1:")));
  const Json json = Json::parse(cluster.run({"why", job, "--json"}).out);
  EXPECT_EQ(json["status"]["first_cause"]["class"], "exception");
  EXPECT_EQ(json["attempts"].size(), 2u);
  EXPECT_EQ(cluster.run({"why", job + "/map-7"}).exit_code, 2);
}

TEST(Why, TellsWhatAJobThatSucceededHasMet) {
  Workspace workspace;
  Cluster cluster(workspace, 1, 1);
  workspace.write("in.txt", "fine\nsegv once\n");
  const std::string job =
      first_line(cluster.run({"submit", faulty_plugin("faulty"), "in.txt", "-o", "out"}).out);
  ASSERT_EQ(cluster.run({"wait", job, "--quiet"}).exit_code, 0);
  const Outcome why = cluster.run({"why", job});
  EXPECT_THAT(why.out, HasSubstr("succeeded; 1 failed attempt, 0 lost attempts"));
  EXPECT_THAT(why.out, HasSubstr("\"segv once\""));
}

TEST(ManyJobs, RunAtOnceOnOneCluster) {
  constexpr int kJobs = 64;
  Workspace workspace;
  Cluster cluster(workspace, 2, 2);
  std::vector<std::unique_ptr<Running>> commands;
  for (int i = 0; i < kJobs; ++i) {
    const std::string number = std::to_string(i);
    workspace.write("in/" + number, "same word" + number + "\n");
    commands.push_back(
        std::make_unique<Running>(workspace,
                                  std::vector<std::string>{"run", "word_count", "in/" + number,
                                                           "-o", "out-" + number, "--quiet"},
                                  cluster.options()));
  }
  for (int i = 0; i < kJobs; ++i) {
    const Outcome outcome = commands[static_cast<std::size_t>(i)]->wait();
    EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
    const std::string number = std::to_string(i);
    EXPECT_EQ(run(workspace, {"cat", "out-" + number}).out, "same\t1\nword" + number + "\t1\n");
  }
  EXPECT_EQ(Json::parse(cluster.run({"list", "--json"}).out).size(), std::size_t{kJobs});
}

TEST(NewProject, ConfiguresBuildsPassesItsTestAndRuns) {
  Workspace workspace;
  const Outcome created = run(workspace, {"new", "my_job"});
  ASSERT_EQ(created.exit_code, 0) << created.both();
  EXPECT_THAT(created.out, HasSubstr("cmake -B build"));
  // The commands that it prints, as they stand.
  std::string script =
      "set -e\nPATH=\"" + std::filesystem::path(FANFOLD_BIN).parent_path().string() + ":$PATH\"\n";
  std::size_t begin = created.out.find("\n\n") + 2;
  script += created.out.substr(begin);
  CommandOptions shell;
  shell.program = "/bin/sh";
  const Outcome outcome = run(workspace, {workspace.write("script", script)}, shell);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_TRUE(workspace.exists("my_job/out/_SUCCESS"));
  EXPECT_THAT(workspace.read("my_job/CMakeLists.txt"), testing::Not(HasSubstr("@NAME@")));
}

TEST(CatOfALargeOutput, EndsQuietlyWithItsReader) {
  Workspace workspace;
  workspace.write("in.txt", make_text(9, 30'000));
  ASSERT_EQ(run(workspace, {"run", "sort", "in.txt", "-o", "out", "--quiet"}).exit_code, 0);
  CommandOptions shell;
  shell.program = "/bin/sh";
  const Outcome outcome = run(
      workspace,
      {"-c", std::string("{ ") + FANFOLD_BIN + " cat out; echo exit $? >&2; } | head -n 1"}, shell);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "exit 0\n");
}

}  // namespace
}  // namespace fanfold::e2e
