// Ctrl-C and worse at many moments: no process, socket, temporary file, staging directory or output
// is left.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <random>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

bool staging_exists(const Workspace& workspace) {
  for (const std::string& name : workspace.list("")) {
    if (name.find(".fanfold-") != std::string::npos) return true;
  }
  return false;
}

bool private_directory_has(const Workspace& workspace, const std::string& file) {
  for (const std::string& name : workspace.list("tmp")) {
    for (const std::string& inner : workspace.list("tmp/" + name)) {
      if (inner.find(file) != std::string::npos) return true;
    }
  }
  return false;
}

struct Moment {
  const char* name;
  std::function<bool(const Workspace&, const Running&)> reached;
};

void PrintTo(const Moment& moment, std::ostream* out) { *out << moment.name; }

class Interrupted : public testing::TestWithParam<Moment> {
 protected:
  // One task for ever: the job is in every stage up to mapping at some moment, and stays there.
  std::vector<std::string> endless_run(std::vector<std::string> more = {}) {
    workspace_.write("in.txt", "hang\n");
    std::vector<std::string> words = {"run", faulty_plugin("faulty"), "in.txt", "-o", "out"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  void expect_nothing_left() {
    EXPECT_THAT(workspace_.remains(), IsEmpty());
    EXPECT_FALSE(workspace_.exists("out"));
  }

  Workspace workspace_;
};

TEST_P(Interrupted, RunLeavesNothing) {
  Running command(workspace_, endless_run());
  ASSERT_TRUE(eventually([&] { return GetParam().reached(workspace_, command); }))
      << command.err_so_far();
  command.signal(SIGINT);
  const Outcome outcome = command.wait();
  EXPECT_EQ(outcome.exit_code, 130) << outcome.both();
  expect_nothing_left();
}

TEST_P(Interrupted, RunLeavesNothingWhenKilled) {
  Running command(workspace_, endless_run());
  ASSERT_TRUE(eventually([&] { return GetParam().reached(workspace_, command); }))
      << command.err_so_far();
  command.signal(SIGKILL);
  EXPECT_EQ(command.wait().exit_code, 128 + SIGKILL);
  // What it started notices by itself.
  EXPECT_TRUE(eventually([&] { return workspace_.remains().empty(); })) << workspace_.remains();
  EXPECT_FALSE(workspace_.exists("out"));
}

std::vector<Moment> moments() {
  return {
      {"WithItsPrivateDirectory",
       [](const Workspace& w, const Running&) { return !w.list("tmp").empty(); }},
      {"WhenTheMasterStarts",
       [](const Workspace& w, const Running&) { return private_directory_has(w, "master.log"); }},
      {"WhenTheMasterListens",
       [](const Workspace& w, const Running&) { return private_directory_has(w, "master.sock"); }},
      {"WhenAWorkerIsUp",
       [](const Workspace& w, const Running&) { return private_directory_has(w, "worker-"); }},
      {"WhenTheOutputIsStaged",
       [](const Workspace& w, const Running&) { return staging_exists(w); }},
      {"WithATaskRunning",
       [](const Workspace& w, const Running& command) {
         // The executor writes into a directory of its attempt, or just holds the processes: seven
         // of them are master, two workers with a zygote each, and two executors.
         return staging_exists(w) && descendants_of(command.pid()).size() >= 6;
       }},
  };
}

std::string moment_name(const testing::TestParamInfo<Moment>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Moments, Interrupted, testing::ValuesIn(moments()), moment_name);

class Interruption : public Interrupted {};

TEST_F(Interruption, ByTheWholeTerminalLeavesNothing) {
  Running command(workspace_, endless_run());
  ASSERT_TRUE(eventually([&] { return staging_exists(workspace_); })) << command.err_so_far();
  // Ctrl-C goes to the foreground process group, not to one process.
  ::kill(-command.pid(), SIGINT);
  EXPECT_EQ(command.wait().exit_code, 130);
  expect_nothing_left();
}

TEST_F(Interruption, GivenTwiceStillLeavesNothing) {
  Running command(workspace_, endless_run());
  ASSERT_TRUE(eventually([&] { return staging_exists(workspace_); })) << command.err_so_far();
  command.signal(SIGINT);
  command.signal(SIGTERM);
  EXPECT_EQ(command.wait().exit_code, 130);
  EXPECT_TRUE(eventually([&] { return workspace_.remains().empty(); })) << workspace_.remains();
  EXPECT_FALSE(workspace_.exists("out"));
}

TEST_F(Interruption, BySigtermIsOneToo) {
  Running command(workspace_, endless_run());
  ASSERT_TRUE(eventually([&] { return staging_exists(workspace_); })) << command.err_so_far();
  command.signal(SIGTERM);
  EXPECT_EQ(command.wait().exit_code, 130);
  expect_nothing_left();
}

TEST_F(Interruption, InProcessLeavesNothing) {
  Running command(workspace_, endless_run({"--in-process"}));
  ASSERT_TRUE(eventually([&] { return staging_exists(workspace_); })) << command.err_so_far();
  command.signal(SIGINT);
  EXPECT_EQ(command.wait().exit_code, 130);
  expect_nothing_left();
}

TEST_F(Interruption, InProcessByKillLeavesNothing) {
  Running command(workspace_, endless_run({"--in-process"}));
  ASSERT_TRUE(eventually([&] { return staging_exists(workspace_); })) << command.err_so_far();
  command.signal(SIGKILL);
  EXPECT_EQ(command.wait().exit_code, 128 + SIGKILL);
  EXPECT_TRUE(eventually([&] { return workspace_.remains().empty(); })) << workspace_.remains();
}

// The named moments above are the ones that somebody thought of.
TEST_F(Interruption, AtAnyMomentLeavesAllOrNothing) {
  workspace_.write("in.txt", make_text(1, 40'000));
  const std::vector<std::string> words = {"run", "word_count", "in.txt", "-o", "out", "--quiet"};
  unsigned looks_of_a_run = 0;
  Running undisturbed(workspace_, words);
  ASSERT_TRUE(eventually([&] { return ++looks_of_a_run > 0 && undisturbed.ended(); }));
  std::filesystem::remove_all(workspace_.path("out"));
  std::mt19937 random(1);
  int interrupted = 0;
  for (int round = 0; round < 20; ++round) {
    Running command(workspace_, words);
    unsigned looks = random() % looks_of_a_run;
    ASSERT_TRUE(eventually([&] { return command.ended() || looks-- == 0; }));
    command.signal(SIGINT);
    const Outcome outcome = command.wait();
    EXPECT_THAT(workspace_.remains(), IsEmpty())
        << "round " << round << ", exit code " << outcome.exit_code << "\n"
        << outcome.both();
    if (outcome.exit_code == 0) {
      EXPECT_TRUE(workspace_.exists("out/_SUCCESS")) << "round " << round;
      std::filesystem::remove_all(workspace_.path("out"));
      continue;
    }
    // Before it has set up its signals, a signal ends it as it ends any program.
    EXPECT_TRUE(outcome.exit_code == 130 || outcome.exit_code == 128 + SIGINT) << outcome.both();
    EXPECT_FALSE(workspace_.exists("out")) << "round " << round;
    ++interrupted;
  }
  EXPECT_GT(interrupted, 0);
}

TEST_F(Interruption, WhileReadingStandardInputLeavesNothing) {
  const std::string pipe = workspace_.path("run/pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  // Open on both sides and silent: reading it does not end.
  const int keeper = ::open(pipe.c_str(), O_RDWR | O_CLOEXEC);
  CommandOptions options;
  options.standard_input = pipe;
  Running command(workspace_, {"run", "word_count", "-", "-o", "out"}, options);
  ASSERT_TRUE(eventually([&] { return private_directory_has(workspace_, "standard-input"); }));
  command.signal(SIGINT);
  EXPECT_EQ(command.wait().exit_code, 130);
  ::close(keeper);
  expect_nothing_left();
}

TEST_F(Interruption, OfWaitLeavesTheJobAlone) {
  Cluster cluster(workspace_, 1, 1);
  workspace_.write("in.txt", "hang\n");
  const Outcome submitted = cluster.run({"submit", faulty_plugin("faulty"), "in.txt", "-o", "out"});
  ASSERT_EQ(submitted.exit_code, 0) << submitted.both();
  const std::string job = submitted.out.substr(0, submitted.out.find('\n'));
  Running wait(workspace_, {"wait", job}, cluster.options());
  wait.signal(SIGINT);
  const int exit_code = wait.wait().exit_code;
  // Before it has set up its signals, a signal ends it as it ends any program.
  EXPECT_TRUE(exit_code == 130 || exit_code == 128 + SIGINT) << exit_code;
  EXPECT_THAT(cluster.run({"status", job}).out, HasSubstr("running"));
  EXPECT_EQ(cluster.run({"cancel", job}).exit_code, 0);
  EXPECT_EQ(cluster.run({"wait", job}).exit_code, 4);
  EXPECT_TRUE(eventually([&] { return !staging_exists(workspace_); }));
}

TEST_F(Interruption, OfRunOnAClusterCancelsTheJob) {
  Cluster cluster(workspace_, 1, 1);
  Running command(workspace_, endless_run(), cluster.options());
  ASSERT_TRUE(eventually([&] { return staging_exists(workspace_); })) << command.err_so_far();
  command.signal(SIGINT);
  EXPECT_EQ(command.wait().exit_code, 130);
  EXPECT_THAT(cluster.run({"list"}).out, HasSubstr("cancelled"));
  EXPECT_TRUE(eventually([&] { return !staging_exists(workspace_); }));
  EXPECT_FALSE(workspace_.exists("out"));
}

}  // namespace
}  // namespace fanfold::e2e
