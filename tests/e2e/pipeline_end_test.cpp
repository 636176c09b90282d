// A pipeline that is interrupted or killed in the middle: nothing half-written is left, and the
// same command goes on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;

class PipelineEnd : public testing::Test {
 protected:
  /// One stage that is over, one that waits, and one after them.
  void write_waiting() {
    workspace_.write("l.txt", "b a\n");
    workspace_.write("r.txt", "wait for " + workspace_.path("go") + "\n");
    write({{{"name", "left"}, {"job", "word_count"}, {"inputs", {"l.txt"}}},
           {{"name", "right"},
            {"job", faulty_plugin("faulty")},
            {"inputs", {"r.txt", Json{{"stage", "left"}}}}},
           {{"name", "both"},
            {"job", "sort"},
            {"inputs", {Json{{"stage", "left"}}, Json{{"stage", "right"}}}},
            {"output", "out"}}});
  }

  void write(const Json& stages) { workspace_.write("p.json", Json({{"stages", stages}}).dump(2)); }

  bool right_runs() {
    return workspace_.exists("p.work/right/1.json") && !workspace_.list("p.work/right").empty() &&
           workspace_.list("p.work/right").size() > 1;
  }

  static bool second_job_runs(const Cluster& cluster) {
    return cluster.run({"status", "2"}).out.find("1 running") != std::string::npos;
  }

  /// Whatever is in the work directory beside records has to be a whole output.
  std::string half_written() {
    std::string text = workspace_.remains();
    for (const std::string& stage : workspace_.list("p.work")) {
      if (stage.starts_with(".")) continue;
      for (const std::string& name : workspace_.list("p.work/" + stage)) {
        const std::string path = "p.work/" + stage + "/" + name;
        if (std::filesystem::is_directory(workspace_.path(path)) &&
            !workspace_.exists(path + "/_SUCCESS")) {
          text += "not whole: " + path + "\n";
        }
      }
    }
    if (workspace_.exists("out") && !workspace_.exists("out/_SUCCESS")) text += "not whole: out\n";
    return text;
  }

  /// What a killed command leaves goes a moment later; its guardian may even be about to make the
  /// private directory, so that one look at nothing at all is no proof.
  void expect_nothing_half_written() {
    EXPECT_TRUE(eventually([&] { return half_written().empty(); })) << half_written();
  }

  void expect_goes_on() {
    workspace_.write("go", "");
    const Outcome outcome = run(workspace_, {"pipeline", "p.json", "--json"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
    const Json json = Json::parse(outcome.out);
    EXPECT_EQ(json["stages"][0]["state"], "reused");
    EXPECT_EQ(json["stages"][1]["state"], "ran");
    EXPECT_FALSE(workspace_.exists("p.work"));
    EXPECT_THAT(workspace_.remains(), IsEmpty());
  }

  Workspace workspace_;
};

TEST_F(PipelineEnd, ByInterruptGoesOn) {
  for (const int signal : {SIGINT, SIGTERM}) {
    write_waiting();
    Running command(workspace_, {"pipeline", "p.json"});
    ASSERT_TRUE(eventually([&] { return right_runs(); })) << command.err_so_far();
    command.signal(signal);
    const Outcome outcome = command.wait();
    EXPECT_EQ(outcome.exit_code, 130) << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr("interrupted"));
    expect_nothing_half_written();
    expect_goes_on();
    std::filesystem::remove_all(workspace_.path("out"));
    std::filesystem::remove(workspace_.path("go"));
  }
}

TEST_F(PipelineEnd, ByTwoInterruptsGoesOnToo) {
  write_waiting();
  Running command(workspace_, {"pipeline", "p.json"});
  ASSERT_TRUE(eventually([&] { return right_runs(); })) << command.err_so_far();
  command.signal(SIGINT);
  command.signal(SIGTERM);
  EXPECT_EQ(command.wait().exit_code, 130);
  expect_nothing_half_written();
  expect_goes_on();
}

TEST_F(PipelineEnd, ComesWhileALargeInputIsLookedAt) {
  // Nothing but a hole, which takes minutes to read.
  workspace_.write("large.txt", "");
  std::filesystem::resize_file(workspace_.path("large.txt"), std::uintmax_t{1} << 40);
  write({{{"name", "one"}, {"job", "word_count"}, {"inputs", {"large.txt"}}, {"output", "out"}}});
  Running command(workspace_, {"pipeline", "p.json"});
  const std::string counts = "/proc/" + std::to_string(command.pid()) + "/io";
  ASSERT_TRUE(eventually([&] {
    std::ifstream file(counts);
    std::string name;
    std::uint64_t bytes = 0;
    file >> name >> bytes;
    return name == "rchar:" && bytes > (64u << 20);
  }));
  command.signal(SIGINT);
  const Outcome outcome = command.wait();
  EXPECT_EQ(outcome.exit_code, 130) << outcome.both();
  EXPECT_THAT(workspace_.remains(), IsEmpty());
}

TEST_F(PipelineEnd, ByKillGoesOn) {
  write_waiting();
  Running command(workspace_, {"pipeline", "p.json"});
  ASSERT_TRUE(eventually([&] { return right_runs(); })) << command.err_so_far();
  command.signal(SIGKILL);
  EXPECT_EQ(command.wait().exit_code, 128 + SIGKILL);
  EXPECT_TRUE(eventually([&] { return workspace_.remains().empty(); })) << workspace_.remains();
  expect_goes_on();
}

TEST_F(PipelineEnd, ByKillLeavesTheJobOfAClusterToTheNextRun) {
  const Cluster cluster(workspace_, 1, 1);
  write_waiting();
  Running command(workspace_, {"pipeline", "p.json"}, cluster.options());
  ASSERT_TRUE(eventually([&] { return second_job_runs(cluster); })) << command.err_so_far();
  command.signal(SIGKILL);
  command.wait();
  Running second(workspace_, {"pipeline", "p.json", "--json"}, cluster.options());
  ASSERT_TRUE(eventually([&] {
    return second.err_so_far().find("right: started") != std::string::npos;
  })) << second.err_so_far();
  workspace_.write("go", "");
  const Outcome outcome = second.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  // left, right and both: nothing ran twice.
  EXPECT_EQ(Json::parse(cluster.run({"list", "--json"}).out).size(), 3u);
}

TEST_F(PipelineEnd, OfAJobThatWasCancelledMeanwhileRunsAnother) {
  const Cluster cluster(workspace_, 1, 1);
  write_waiting();
  Running command(workspace_, {"pipeline", "p.json"}, cluster.options());
  ASSERT_TRUE(eventually([&] { return second_job_runs(cluster); })) << command.err_so_far();
  command.signal(SIGKILL);
  command.wait();
  EXPECT_EQ(cluster.run({"cancel", "2"}).exit_code, 0);
  workspace_.write("go", "");
  const Outcome outcome = cluster.run({"pipeline", "p.json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(Json::parse(cluster.run({"list", "--json"}).out).size(), 4u);
}

TEST_F(PipelineEnd, OfTheMasterIsWaitedOut) {
  const Cluster cluster(workspace_, 1, 1);
  write_waiting();
  Running command(workspace_, {"pipeline", "p.json"}, cluster.options());
  ASSERT_TRUE(eventually([&] { return second_job_runs(cluster); })) << command.err_so_far();
  for (const pid_t process : processes_naming(cluster.directory())) {
    if (command_line_of(process).find("fanfold-master") != std::string::npos) {
      ::kill(process, SIGKILL);
    }
  }
  ASSERT_TRUE(eventually([&] {
    return run(workspace_, {"cluster", "up", "--dir", cluster.directory()}).exit_code == 0;
  }));
  workspace_.write("go", "");
  const Outcome outcome = command.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_TRUE(workspace_.exists("out/_SUCCESS"));
  EXPECT_FALSE(workspace_.exists("p.work"));
}

// The moments above are the ones that somebody thought of.
TEST_F(PipelineEnd, AtAnyMomentLosesNothing) {
  workspace_.write("in.txt", make_text(1, 3000));
  write({{{"name", "counts"}, {"job", "word_count"}, {"inputs", {"in.txt"}}},
         {{"name", "again"},
          {"job", "distinct"},
          {"inputs", {Json{{"stage", "counts"}}}},
          {"repeat", {{"times", 3}}}},
         {{"name", "last"},
          {"job", "sort"},
          {"inputs", {Json{{"stage", "again"}}}},
          {"output", "out"}}});
  const std::vector<std::string> words = {"pipeline", "p.json", "--quiet"};
  unsigned looks_of_a_run = 0;
  Running undisturbed(workspace_, words);
  ASSERT_TRUE(eventually([&] { return ++looks_of_a_run > 0 && undisturbed.ended(); }));
  ASSERT_EQ(undisturbed.wait().exit_code, 0) << undisturbed.err_so_far();
  const std::string expected = run(workspace_, {"cat", "out"}).out;
  ASSERT_FALSE(expected.empty());
  std::mt19937 random(1);
  int ended_early = 0;
  for (int round = 0; round < 16; ++round) {
    std::filesystem::remove_all(workspace_.path("out"));
    const int signal = round % 2 == 0 ? SIGKILL : SIGINT;
    // Several in a row, each of which goes on from the one before.
    for (int run = 0; run < 3 && !workspace_.exists("out"); ++run) {
      Running command(workspace_, words);
      unsigned looks = random() % looks_of_a_run;
      ASSERT_TRUE(eventually([&] { return command.ended() || looks-- == 0; }));
      command.signal(signal);
      ended_early += command.wait().exit_code != 0 ? 1 : 0;
      expect_nothing_half_written();
    }
    const bool over =
        workspace_.exists("out") && workspace_.read("p.work/.pipeline") != "unfinished";
    const Outcome outcome = run(workspace_, words);
    // It was stopped at or after its very end: its output is in the way, and nothing else is.
    ASSERT_EQ(outcome.exit_code, over ? 2 : 0) << "round " << round << "\n" << outcome.both();
    EXPECT_EQ(run(workspace_, {"cat", "out"}).out, expected) << "round " << round;
    EXPECT_FALSE(workspace_.exists("p.work"));
  }
  EXPECT_GT(ended_early, 0);
}

}  // namespace
}  // namespace fanfold::e2e
