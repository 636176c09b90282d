// Clusters whose workers are jobs of a real Slurm: a controller and four nodes, all on this host.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;

/// And waits until nobody takes it for alive.
void kill_and_wait(pid_t process) {
  ASSERT_GT(process, 0);
  ::kill(process, SIGKILL);
  ASSERT_TRUE(eventually([&] { return command_line_of(process).empty(); }));
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

class SlurmCluster : public testing::Test {
 protected:
  SlurmCluster() {
    const Outcome up = nodes({"up", place_, "4", "2"});
    if (up.exit_code != 0) throw std::runtime_error("no Slurm: " + up.both());
  }
  ~SlurmCluster() override {
    if (workspace_.exists("c")) {
      const Outcome ended = run(workspace_, {"cluster", "down", "--dir", "c"}, here());
      EXPECT_EQ(ended.exit_code, 0) << ended.both();
    }
    EXPECT_FALSE(workspace_.exists("c"));
    EXPECT_EQ(slurm("squeue", {"--noheader", "--states=PENDING,RUNNING"}), "");
    nodes({"down", place_});
    EXPECT_THAT(workspace_.leftovers(), IsEmpty());
  }

  Outcome nodes(std::vector<std::string> words) const {
    CommandOptions options;
    options.program = FANFOLD_SLURM_NODES;
    return run(workspace_, std::move(words), options);
  }
  CommandOptions here() const {
    CommandOptions options;
    options.environment = {{"SLURM_CONF", place_ + "/slurm.conf"}};
    return options;
  }
  std::string slurm(const std::string& program, std::vector<std::string> words) const {
    CommandOptions options = here();
    options.program = "/usr/bin/" + program;
    return run(workspace_, std::move(words), options).out;
  }

  Outcome up(std::vector<std::string> more) const {
    std::vector<std::string> words = {"cluster",
                                      "up",
                                      "--slurm",
                                      "--dir",
                                      "c",
                                      "--address",
                                      "127.0.0.1:0",
                                      "--memory",
                                      "64M",
                                      "--scratch",
                                      workspace_.path("scratch")};
    words.insert(words.end(), more.begin(), more.end());
    return run(workspace_, words, here());
  }
  Outcome ask(std::vector<std::string> words) const {
    CommandOptions options = here();
    const Json master = Json::parse(workspace_.read("c/master.json"));
    options.environment.emplace_back("FANFOLD_MASTER", master["address"].get<std::string>());
    options.environment.emplace_back("FANFOLD_KEY", workspace_.path("c/keys/owner.key"));
    return run(workspace_, std::move(words), options);
  }

  struct Seen {
    std::set<std::string> workers;  // "n3.17": node and Slurm job.
    std::uint32_t busy = 0;
  };
  Seen see() const {
    const Outcome status = ask({"cluster", "status", "--json"});
    const Json json = Json::parse(status.out, nullptr, false);
    EXPECT_TRUE(json.is_object()) << status.both();
    Seen seen;
    if (!json.is_object()) return seen;
    for (const Json& worker : json["workers"]) {
      seen.workers.insert(worker["name"]);
      seen.busy += worker["busy"].get<std::uint32_t>();
    }
    return seen;
  }
  bool comes_to(std::size_t workers) const {
    return eventually([&] { return see().workers.size() == workers; });
  }
  /// Job whose tasks wait for the file "go".
  std::string submit_waiting(int tasks) const {
    std::string text;
    for (int i = 0; i < tasks; ++i) text += record() + "\n";
    workspace_.write("in.txt", text);
    const Outcome submitted = ask({"submit", faulty_plugin("faulty"), "in.txt", "-o", "out",
                                   "--split-bytes", std::to_string(record().size() + 1)});
    EXPECT_EQ(submitted.exit_code, 0) << submitted.both();
    return first_line(submitted.out);
  }
  std::string record() const { return "wait for " + workspace_.path("go"); }
  void expect_output(int tasks) const {
    EXPECT_EQ(run(workspace_, {"cat", "out"}).out, record() + "\t" + std::to_string(tasks) + "\n");
  }
  std::string trouble() const {
    std::string text = workspace_.read("c/scaler.log");
    for (const std::string& log : workspace_.list("c/workers")) {
      text += log + ":\n" + workspace_.read("c/workers/" + log);
    }
    return text;
  }

  const Workspace workspace_;
  const std::string place_ = workspace_.path("slurm");
};

TEST_F(SlurmCluster, RunsAJobThroughTheDeathOfANode) {
  const Outcome started = up({"--nodes", "3", "--slots", "2"});
  ASSERT_EQ(started.exit_code, 0) << started.both();
  EXPECT_THAT(started.out, HasSubstr("export FANFOLD_MASTER=tcp://127.0.0.1:"));
  ASSERT_TRUE(comes_to(3)) << trouble();
  const std::string job = submit_waiting(6);
  ASSERT_TRUE(eventually([&] { return see().busy == 6; })) << trouble();
  const std::set<std::string> before = see().workers;
  const std::string victim = *before.begin();
  ASSERT_EQ(nodes({"kill", place_, victim.substr(0, victim.find('.'))}).exit_code, 0);
  // Another node takes its place before Slurm has noticed anything.
  ASSERT_TRUE(eventually([&] {
    const std::set<std::string> now = see().workers;
    return now.size() == 3 && now.count(victim) == 0;
  })) << trouble();
  workspace_.write("go", "");
  const Outcome waited = ask({"wait", job, "--quiet"});
  EXPECT_EQ(waited.exit_code, 0) << waited.both();
  expect_output(6);
}

TEST_F(SlurmCluster, GrowsWithItsTasksAndShrinksInGoodOrder) {
  ASSERT_EQ(up({"--min", "1", "--max", "3", "--idle", "1s"}).exit_code, 0);
  ASSERT_TRUE(comes_to(1)) << trouble();
  const std::string job = submit_waiting(8);
  ASSERT_TRUE(eventually([&] { return see().busy == 3; })) << trouble();
  EXPECT_EQ(see().workers.size(), 3u) << "more than --max";
  EXPECT_THAT(ask({"cluster", "status", "--dir", "c"}).out,
              HasSubstr("slurm: 1 to 3 nodes, 3 running, 0 waiting; scaler process "));
  workspace_.write("go", "");
  EXPECT_EQ(ask({"wait", job, "--quiet"}).exit_code, 0);
  ASSERT_TRUE(comes_to(1)) << trouble();
  // They went by themselves, told to drain: no worker was killed, no attempt lost.
  ASSERT_TRUE(eventually([&] {
    const std::string states = slurm("scontrol", {"--oneliner", "show", "jobs"});
    return states.find("JobState=COMPLETED") != std::string::npos &&
           states.find("COMPLETING") == std::string::npos;
  }));
  EXPECT_THAT(slurm("scontrol", {"--oneliner", "show", "jobs"}),
              testing::Not(HasSubstr("JobState=CANCELLED")));
  EXPECT_EQ(Json::parse(ask({"status", job, "--json"}).out)["lost_attempts"], 0);
}

TEST_F(SlurmCluster, SurvivesThatItsNodesAreTakenAway) {
  ASSERT_EQ(up({"--nodes", "2", "--slots", "2"}).exit_code, 0);
  ASSERT_TRUE(comes_to(2)) << trouble();
  const std::string job = submit_waiting(6);
  ASSERT_TRUE(eventually([&] { return see().busy == 4; })) << trouble();
  const std::set<std::string> before = see().workers;
  // Somebody with more right to them takes all nodes for a while.
  CommandOptions options = here();
  options.program = "/usr/bin/srun";
  Running urgent(workspace_,
                 {"--partition=urgent", "--nodes=4", "--cpus-per-task=2", "/bin/sh", "-c",
                  "until [ -e " + workspace_.path("enough") + " ]; do sleep 0.1; done"},
                 options);
  ASSERT_TRUE(eventually([&] {
    for (const std::string& worker : see().workers) {
      if (before.count(worker) > 0) return false;
    }
    return true;
  })) << trouble();
  workspace_.write("enough", "");
  EXPECT_EQ(urgent.wait().exit_code, 0);
  ASSERT_TRUE(comes_to(2)) << trouble();
  workspace_.write("go", "");
  const Outcome waited = ask({"wait", job, "--quiet"});
  EXPECT_EQ(waited.exit_code, 0) << waited.both();
  expect_output(6);
}

TEST_F(SlurmCluster, ChangesItsSizeAndGoesOnWhenItsMasterAndScalerAreKilled) {
  ASSERT_EQ(up({"--nodes", "1"}).exit_code, 0);
  ASSERT_TRUE(comes_to(1)) << trouble();
  ASSERT_EQ(up({"--nodes", "2"}).exit_code, 0);
  ASSERT_TRUE(comes_to(2)) << trouble();
  const std::string job = submit_waiting(2);
  kill_and_wait(Json::parse(workspace_.read("c/slurm.json"))["scaler"].get<pid_t>());
  kill_and_wait(Json::parse(workspace_.read("c/master.json"))["process"].get<pid_t>());
  const Outcome again = up({"--nodes", "2"});
  ASSERT_EQ(again.exit_code, 0) << again.both();
  workspace_.write("go", "");
  EXPECT_EQ(ask({"wait", job, "--quiet"}).exit_code, 0) << trouble();
  expect_output(2);
}

TEST_F(SlurmCluster, FindsItsMasterThatHasAnotherKey) {
  ASSERT_EQ(up({"--nodes", "2"}).exit_code, 0);
  ASSERT_TRUE(comes_to(2));
  const std::set<std::string> workers = see().workers;
  const std::string job = submit_waiting(2);
  ASSERT_TRUE(eventually([&] { return see().busy == 2; }));
  for (const std::vector<std::string>& step :
       {std::vector<std::string>{}, {"--switch"}, {"--finish"}}) {
    std::vector<std::string> words = {"keys", "rotate", "master", "--dir", "c/keys"};
    words.insert(words.end(), step.begin(), step.end());
    ASSERT_EQ(run(workspace_, words).exit_code, 0);
    const Outcome again = up({});
    ASSERT_EQ(again.exit_code, 0) << again.both();
    ASSERT_TRUE(comes_to(2));
    EXPECT_EQ(see().workers, workers) << "they go on";
  }
  workspace_.write("go", "");
  EXPECT_EQ(ask({"wait", job, "--quiet"}).exit_code, 0);
  EXPECT_EQ(Json::parse(ask({"status", job, "--json"}).out)["lost_attempts"], 0);
}

TEST_F(SlurmCluster, SaysWhatIsWrongWithAWish) {
  const std::map<std::string, std::vector<std::string>> wishes = {
      {"choose", {"--nodes", "2", "--max", "3"}},
      {"--min is more than --max", {"--min", "3", "--max", "2"}},
      {"is no option of sbatch", {"--sbatch", "main"}},
      {"would hide", {"--sbatch", "--array=1-9"}},
      {"is not for --slurm", {"--workers", "2"}}};
  for (const auto& [said, wish] : wishes) {
    const Outcome outcome = up(wish);
    EXPECT_EQ(outcome.exit_code, 2) << said;
    EXPECT_THAT(outcome.err, HasSubstr(said));
    EXPECT_FALSE(workspace_.exists("c"));
  }
  CommandOptions nowhere;
  nowhere.environment = {{"PATH", workspace_.path("none")}};
  const Outcome without = run(
      workspace_, {"cluster", "up", "--slurm", "--dir", "c", "--address", "127.0.0.1:0"}, nowhere);
  EXPECT_EQ(without.exit_code, 1);
  EXPECT_THAT(without.err, HasSubstr("cannot start squeue"));
  EXPECT_FALSE(workspace_.exists("c"));
}

}  // namespace
}  // namespace fanfold::e2e
