// Jobs that read from a real S3 server, also from one whose disk process stops or dies.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/e2e/s3_test.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;

class S3Input : public S3Test {
 protected:
  /// To S3 and, for comparison, to the workspace.
  void put(const std::string& name, const std::string& contents) {
    server_->put(root() + "/" + name, contents);
    workspace_.write(name, contents);
  }
  /// The same job on the same data in files gives the same bytes.
  void expect_same_as_in_files(const std::vector<std::string>& inputs,
                               const std::vector<std::string>& flags = {}) {
    std::vector<std::string> words = {"run", "word_count", "-o", "remote", "-r", "3"};
    words.insert(words.end(), flags.begin(), flags.end());
    std::vector<std::string> local = words;
    local[3] = "local";
    for (const std::string& input : inputs) {
      words.push_back(root() + "/" + input);
      local.push_back(input);
    }
    const Outcome remote = run(words);
    ASSERT_EQ(remote.exit_code, 0) << remote.both();
    ASSERT_EQ(run(local).exit_code, 0);
    for (int part = 0; part < 3; ++part) {
      const std::string name = "/part-0000" + std::to_string(part) + "-of-00003";
      EXPECT_EQ(workspace_.read("remote" + name), workspace_.read("local" + name));
    }
  }

  /// A log of the private cluster that runs.
  bool log_says(const std::string& text) const {
    namespace fs = std::filesystem;
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(workspace_.temporary(), error)) {
      if (!entry.is_regular_file(error)) continue;
      const std::string name = fs::relative(entry.path(), workspace_.root(), error).string();
      if (workspace_.read(name).find(text) != std::string::npos) return true;
    }
    return false;
  }
};

TEST_F(S3Input, GivesWhatFilesGive) {
  put("logs/2024-01.txt", make_text(1, 30'000));
  put("logs/2024-02.txt", make_text(2, 3'000));
  put("logs/deeper/a b+c&\xc3\xbc.txt", make_text(3, 2'000));
  put("logs/_hidden", "never");
  expect_same_as_in_files({"logs"}, {"--split-bytes", "100K"});
}

TEST_F(S3Input, IsFoundByPatterns) {
  put("logs/2024-01/a.txt", "one two");
  put("logs/2024-02/a.txt", "two three");
  put("logs/2025-01/a.txt", "never");
  put("logs/2024-01/a.csv", "never");
  expect_same_as_in_files({"logs/2024-*/*.txt"});
}

TEST_F(S3Input, IsListedInAFile) {
  put("a.txt", "one two");
  workspace_.write("list", root() + "/a.txt\n");
  const Outcome outcome = run({"run", "word_count", "@list", "-o", "out", "--in-process"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(run({"cat", "out"}).out, "one\t1\ntwo\t1\n");
}

TEST_F(S3Input, IsPlannedWithoutReadingIt) {
  put("a.txt", make_text(1, 1'000));
  const Outcome outcome = run({"plan", "word_count", root() + "/a.txt", "-r", "2"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_THAT(outcome.out, HasSubstr("1 file"));
}

TEST_F(S3Input, ThatChangesWhileAJobReadsItIsNamed) {
  const std::string reached = workspace_.path("reached");
  const std::string go_on = workspace_.path("go_on");
  put("in/1", "touch " + reached + "\nwait for " + go_on + "\n");
  put("in/2", "before\n");
  Running job(workspace_,
              {"run", faulty_plugin("faulty"), root() + "/in", "-o", "out", "--split-bytes", "1",
               "--workers", "1", "--slots", "1"},
              server_->options());
  ASSERT_TRUE(eventually([&] { return workspace_.exists("reached"); }));
  server_->put(root() + "/in/2", "behind\n");
  workspace_.write("go_on", "");
  const Outcome outcome = job.wait();
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_THAT(outcome.both(), HasSubstr(root() + "/in/2 changed since the job was planned"));
  EXPECT_FALSE(workspace_.exists("out"));
}

class Refusal {
 public:
  const char* what;
  std::vector<std::pair<std::string, std::string>> variables;
  std::string path;
  std::string words;
};

TEST_F(S3Input, IsRefusedInOneClearLine) {
  put("a.txt", "text");
  const std::string there = root() + "/a.txt";
  const std::vector<Refusal> refusals = {
      {"bucket", {}, "s3://no-such-bucket/a", "there is no bucket 'no-such-bucket'"},
      {"object", {}, root() + "/gone", "input not found: " + root() + "/gone"},
      {"pattern", {}, root() + "/*.csv", "no file matches " + root() + "/*.csv"},
      {"key", {{"AWS_ACCESS_KEY_ID", "NOBODY"}}, there, "does not know the access key NOBODY"},
      {"secret",
       {{"AWS_SECRET_ACCESS_KEY", "wrong"}},
       there,
       "the secret key does not belong to the access key"},
      {"endpoint",
       {{"AWS_ENDPOINT_URL", "http://127.0.0.1:9"}},
       there,
       "cannot reach the S3 endpoint http://127.0.0.1:9"},
      {"name", {}, "s3://", "'' cannot be the name of a bucket"},
      {"credentials",
       {{"AWS_ACCESS_KEY_ID", ""},
        {"AWS_SECRET_ACCESS_KEY", ""},
        {"AWS_EC2_METADATA_DISABLED", "true"}},
       there,
       "AWS_ACCESS_KEY_ID"},
      {"nobody gives credentials",
       {{"AWS_ACCESS_KEY_ID", ""},
        {"AWS_SECRET_ACCESS_KEY", ""},
        {"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9"}},
       there,
       "/latest/api/token is not reached"},
  };
  for (const Refusal& refusal : refusals) {
    const Outcome outcome =
        run({"run", "word_count", refusal.path, "-o", "out", "--quiet"}, refusal.variables);
    EXPECT_NE(outcome.exit_code, 0) << refusal.what;
    EXPECT_THAT(outcome.err, HasSubstr(refusal.words)) << refusal.what;
    EXPECT_FALSE(workspace_.exists("out")) << refusal.what;
  }
}

TEST_F(S3Input, OutlivesADiskThatStopsForAWhile) {
  const std::string reached = workspace_.path("reached");
  const std::string go_on = workspace_.path("go_on");
  put("in/1", "touch " + reached + "\nwait for " + go_on + "\n");
  for (int i = 2; i < 6; ++i) put("in/" + std::to_string(i), "line\n");
  Running job(workspace_,
              {"run", faulty_plugin("faulty"), root() + "/in", "-o", "out", "--split-bytes", "1",
               "--workers", "1", "--slots", "1"},
              server_->options({{"FANFOLD_S3_SILENCE", "2"}, {"FANFOLD_S3_PATIENCE", "4"}}));
  ASSERT_TRUE(eventually([&] { return workspace_.exists("reached"); }));
  server_->signal_disk(SIGSTOP);
  workspace_.write("go_on", "");
  // A read has been given up, and its task begun anew.
  EXPECT_TRUE(eventually([&] { return log_says("does not answer"); }));
  server_->signal_disk(SIGCONT);
  const Outcome outcome = job.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
}

TEST_F(S3Input, OutlivesADiskThatDiesAndIsStartedAgain) {
  const std::string reached = workspace_.path("reached");
  const std::string go_on = workspace_.path("go_on");
  put("in/1", "touch " + reached + "\nwait for " + go_on + "\n");
  for (int i = 2; i < 6; ++i) put("in/" + std::to_string(i), "line " + std::to_string(i) + "\n");
  Running job(workspace_,
              {"run", faulty_plugin("faulty"), root() + "/in", "-o", "out", "--split-bytes", "1",
               "--workers", "1", "--slots", "1"},
              server_->options());
  ASSERT_TRUE(eventually([&] { return workspace_.exists("reached"); }));
  server_->signal_disk(SIGKILL);
  workspace_.write("go_on", "");
  server_->start_disk();
  const Outcome outcome = job.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_THAT(run({"cat", "out"}).out, HasSubstr("line 5\t1\n"));
}

TEST_F(S3Input, LeavesNoSecretInTheEnvironmentOfUserCode) {
  const std::string reached = workspace_.path("reached");
  const std::string go_on = workspace_.path("go_on");
  put("in", "touch " + reached + "\nwait for " + go_on + "\n");
  Running job(workspace_, {"run", faulty_plugin("faulty"), root() + "/in", "-o", "out", "--quiet"},
              server_->options());
  ASSERT_TRUE(eventually([&] { return workspace_.exists("reached"); }));
  int without = 0;
  for (const pid_t process : descendants_of(job.pid())) {
    std::ifstream file("/proc/" + std::to_string(process) + "/environ");
    const std::string variables(std::istreambuf_iterator<char>(file), {});
    const bool has_key = variables.find("AWS_ACCESS_KEY_ID=") != std::string::npos;
    without += has_key && variables.find("testsecretkey") == std::string::npos;
  }
  EXPECT_GE(without, 1);
  workspace_.write("go_on", "");
  EXPECT_EQ(job.wait().exit_code, 0);
}

TEST_F(S3Input, IsReadAgainByARedriveAndRefusedWhenItHasChanged) {
  put("in.txt", "good a\nbad b\n");
  const auto run_job = [this](const std::string& output) {
    return run({"run", faulty_plugin("mending_0") + ":counted", root() + "/in.txt", "-o", output,
                "-r", "1", "--quiet", "--on-bad-record", "dead-letter"});
  };
  const auto redrive = [this](const std::string& output) {
    return run({"redrive", output, "--plugin", faulty_plugin("mending_1")});
  };
  const Outcome first = run_job("out");
  ASSERT_EQ(first.exit_code, 0) << first.both();
  put("in.txt", "good a\nbad c\n");
  const Outcome changed = redrive("out");
  EXPECT_EQ(changed.exit_code, 2) << changed.both();
  EXPECT_THAT(changed.err, HasSubstr("than the record that was put aside"));
  put("in.txt", "good a\nbad b\n");
  const Outcome again = redrive("out");
  EXPECT_EQ(again.exit_code, 0) << again.both();
  EXPECT_EQ(workspace_.read("out/part-00000-of-00001"), "a\t1\nb\t1\n");
  // What lies there itself has nothing to go on from.
  ASSERT_EQ(run_job(root() + "/out").exit_code, 0);
  const Outcome refused = redrive(root() + "/out");
  EXPECT_EQ(refused.exit_code, 2) << refused.both();
  EXPECT_THAT(refused.err, HasSubstr("it lies in an object store"));
}

}  // namespace
}  // namespace fanfold::e2e
