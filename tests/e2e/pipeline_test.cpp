// Pipelines of real jobs: what comes out, what is used again, and what an end in the middle leaves.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::json;

/// {"counts": "ran", ...} of what --json printed.
std::map<std::string, std::string> states_of(const Outcome& outcome) {
  std::map<std::string, std::string> states;
  const Json json = Json::parse(outcome.out, nullptr, false);
  if (json.is_discarded()) return states;
  for (const Json& stage : json["stages"]) states[stage["name"]] = stage["state"];
  return states;
}

using States = std::map<std::string, std::string>;

class PipelineTest : public testing::Test {
 protected:
  Outcome pipeline(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"pipeline", "p.json", "--json"};
    words.insert(words.end(), more.begin(), more.end());
    return run(workspace_, words);
  }

  void write_pipeline(const Json& stages) { workspace_.write("p.json", file_of(stages)); }
  static std::string file_of(const Json& stages) { return Json({{"stages", stages}}).dump(2); }

  /// Two independent counts, and a sort of both.
  static Json diamond() {
    return Json::array({{{"name", "left"}, {"job", "word_count"}, {"inputs", {"l.txt"}}},
                        {{"name", "right"}, {"job", "word_count"}, {"inputs", {"r.txt"}}},
                        {{"name", "both"},
                         {"job", "sort"},
                         {"inputs", {Json{{"stage", "left"}}, Json{{"stage", "right"}}}},
                         {"output", "out"}}});
  }

  void write_inputs() {
    workspace_.write("l.txt", "b a\n");
    workspace_.write("r.txt", "c\n");
  }

  std::string cat(const std::string& output) { return run(workspace_, {"cat", output}).out; }

  void expect_clean() {
    EXPECT_THAT(workspace_.remains(), IsEmpty());
    EXPECT_FALSE(workspace_.exists("p.work"));
  }

  Workspace workspace_;
};

TEST_F(PipelineTest, RunsStagesInTheOrderOfTheirNeedsAndLeavesNothingElse) {
  write_inputs();
  // The order in the file does not matter.
  Json stages = diamond();
  std::reverse(stages.begin(), stages.end());
  write_pipeline(stages);
  const Outcome outcome = pipeline();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(states_of(outcome), (States{{"left", "ran"}, {"right", "ran"}, {"both", "ran"}}));
  EXPECT_EQ(cat("out"), "a\t1\nb\t1\nc\t1\n");
  EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 0);
  expect_clean();
}

TEST_F(PipelineTest, RunsOnAStandingClusterToTheSameBytes) {
  write_inputs();
  write_pipeline(diamond());
  ASSERT_EQ(pipeline().exit_code, 0);
  const std::string alone = cat("out");
  std::filesystem::remove_all(workspace_.path("out"));
  const Cluster cluster(workspace_, 2, 1);
  const Outcome outcome = cluster.run({"pipeline", "p.json", "--quiet"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(cat("out"), alone);
  EXPECT_FALSE(workspace_.exists("p.work"));
}

TEST_F(PipelineTest, RefusesWhatIsWrongBeforeAnythingStarts) {
  write_inputs();
  const auto expect_refused = [&](const Json& stages, const std::string& why) {
    write_pipeline(stages);
    const Outcome outcome = pipeline();
    EXPECT_EQ(outcome.exit_code, 2) << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr(why));
    EXPECT_THAT(outcome.err, Not(HasSubstr("started")));
    expect_clean();
  };
  Json stages = diamond();
  stages[0]["inputs"] = {Json{{"stage", "both"}}};
  expect_refused(stages, "in a circle: both -> left -> both");
  stages = diamond();
  stages[2]["job"] = "sorte";
  expect_refused(stages, "stage 'both': there is no bundled job 'sorte'. Did you mean 'sort'?");
  stages = diamond();
  stages[2]["param"] = {{"keyy", "1"}};
  expect_refused(stages, "keyy");
  stages = diamond();
  stages[2]["completion"] = "quorum=two";
  expect_refused(stages, "stage 'both': --completion");
  stages = diamond();
  stages[1]["inputs"] = {"missing.txt"};
  expect_refused(stages, "missing.txt");
  stages = diamond();
  stages[1]["client-id"] = "mine";
  expect_refused(stages, "no field 'client-id'");
  stages = diamond();
  stages[1]["output"] = "p.work/x";
  expect_refused(stages, "lies in the work directory");
  EXPECT_THAT(run(workspace_, {"run", "p.json", "l.txt", "-o", "out"}).err,
              HasSubstr("'fanfold pipeline p.json'"));
  workspace_.write("out/somebody's", "x");
  expect_refused(diamond(), "exists already");
  EXPECT_EQ(workspace_.read("out/somebody's"), "x");
}

TEST_F(PipelineTest, LeavesAloneWhatIsNoWorkDirectory) {
  write_inputs();
  write_pipeline(diamond());
  workspace_.write("mine/precious", "x");
  const Outcome outcome = pipeline({"--work", "mine"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("is no work directory of a pipeline"));
  EXPECT_EQ(workspace_.read("mine/precious"), "x");
  EXPECT_EQ(workspace_.list("mine").size(), 1u);
}

TEST_F(PipelineTest, GoesOnAtTheStageThatFailed) {
  write_inputs();
  Json stages = diamond();
  stages[2]["job"] = faulty_plugin("faulty");
  stages[2]["inputs"].push_back("extra.txt");
  stages[2]["attempts"] = 1;
  write_pipeline(stages);
  workspace_.write("extra.txt", "throw\n");
  Outcome outcome = pipeline();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
  EXPECT_EQ(states_of(outcome), (States{{"left", "ran"}, {"right", "ran"}, {"both", "failed"}}));
  EXPECT_THAT(outcome.err, HasSubstr("stage 'both'"));
  EXPECT_THAT(outcome.err, HasSubstr("this record is bad"));
  EXPECT_THAT(outcome.err, HasSubstr("goes on from there"));
  EXPECT_FALSE(workspace_.exists("out"));
  EXPECT_THAT(workspace_.remains(), IsEmpty());

  workspace_.write("extra.txt", "fine\n");
  outcome = pipeline();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(states_of(outcome), (States{{"left", "reused"}, {"right", "reused"}, {"both", "ran"}}));
  EXPECT_EQ(cat("out"), "a\\t1\t1\nb\\t1\t1\nc\\t1\t1\nfine\t1\n");
  expect_clean();
}

TEST_F(PipelineTest, UsesAgainWhatIsUnchangedByContent) {
  write_inputs();
  write_pipeline(diamond());
  const auto run_again = [&](const States& expected) {
    const Outcome outcome = pipeline({"--reuse"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
    EXPECT_EQ(states_of(outcome), expected);
  };
  run_again({{"left", "ran"}, {"right", "ran"}, {"both", "ran"}});
  run_again({{"left", "reused"}, {"right", "reused"}, {"both", "reused"}});
  // New times, the same contents.
  write_inputs();
  run_again({{"left", "reused"}, {"right", "reused"}, {"both", "reused"}});
  workspace_.write("r.txt", "d\n");
  run_again({{"left", "reused"}, {"right", "ran"}, {"both", "ran"}});
  EXPECT_EQ(cat("out"), "a\t1\nb\t1\nd\t1\n");
  // Other contents that come to the same: the stage after it has nothing to do.
  workspace_.write("r.txt", "\nd\n");
  run_again({{"left", "reused"}, {"right", "ran"}, {"both", "reused"}});
  // Another option is another job.
  Json stages = diamond();
  stages[0]["reducers"] = 3;
  write_pipeline(stages);
  run_again({{"left", "ran"}, {"right", "reused"}, {"both", "ran"}});
  // Damaged by somebody: made again.
  for (const std::string& name : workspace_.list("p.work/right")) {
    const std::string part = "p.work/right/" + name + "/part-00000-of-00001";
    if (workspace_.exists(part)) std::filesystem::remove(workspace_.path(part));
  }
  run_again({{"left", "reused"}, {"right", "ran"}, {"both", "reused"}});
  // Without --reuse a run begins anew, and an output is in the way again.
  const Outcome fresh = pipeline();
  EXPECT_EQ(fresh.exit_code, 2) << fresh.both();
  EXPECT_THAT(fresh.err, HasSubstr("exists already"));
}

TEST_F(PipelineTest, KeepsWhatStagesHandOnWhenAsked) {
  write_inputs();
  write_pipeline(diamond());
  const Outcome outcome = pipeline({"--keep", "--work", "w"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  const Json json = Json::parse(outcome.out);
  EXPECT_EQ(run(workspace_, {"cat", json["stages"][0]["output"]}).out, "a\t1\nb\t1\n");
  std::filesystem::remove_all(workspace_.path("out"));
  // The next run knows nothing of it.
  const Outcome again = pipeline({"--work", "w"});
  EXPECT_EQ(states_of(again), (States{{"left", "ran"}, {"right", "ran"}, {"both", "ran"}}));
  EXPECT_FALSE(workspace_.exists("w"));
}

TEST_F(PipelineTest, CallsItselfPartialWhenAStageIs) {
  write_inputs();
  workspace_.write("broken/1.txt", "fine\n");
  workspace_.write("broken/2.txt.gz", std::string("\x1f\x8b\x08\0\0\0\0\0\0\xff broken", 17));
  Json stages = diamond();
  stages[0]["inputs"] = {"broken"};
  stages[0]["completion"] = "all-completed";
  stages[0]["attempts"] = 1;
  stages[0]["split-bytes"] = "1";
  write_pipeline(stages);
  const Outcome outcome = pipeline();
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_EQ(states_of(outcome)["left"], "partial");
  EXPECT_EQ(Json::parse(outcome.out)["state"], "partial");
  EXPECT_THAT(outcome.err, HasSubstr("p is partial: so is what left wrote"));
  EXPECT_EQ(cat("out"), "c\t1\nfine\t1\n");
}

TEST_F(PipelineTest, RunsIndependentStagesSideBySide) {
  const Cluster cluster(workspace_, 2, 1);
  // Neither ends before both have begun.
  workspace_.write("l.txt", "wait for " + workspace_.path("go") + "\n");
  workspace_.write("r.txt", "wait for " + workspace_.path("go") + "\nright\n");
  Json stages = diamond();
  stages[0]["job"] = stages[1]["job"] = faulty_plugin("faulty");
  write_pipeline(stages);
  Running command(workspace_, {"pipeline", "p.json", "--json"}, cluster.options());
  EXPECT_TRUE(eventually([&] {
    const Json jobs = Json::parse(cluster.run({"list", "--json"}).out, nullptr, false);
    if (!jobs.is_array()) return false;
    return std::count_if(jobs.begin(), jobs.end(),
                         [](const Json& job) { return job["stages"][0]["running"] == 1; }) == 2;
  })) << cluster.run({"list", "--json"}).out;
  workspace_.write("go", "");
  EXPECT_EQ(command.wait().exit_code, 0);
}

TEST_F(PipelineTest, RefusesASecondRunInTheSameDirectory) {
  const std::string go = workspace_.path("go");
  workspace_.write("l.txt", "wait for " + go + "\n");
  workspace_.write("r.txt", "x\n");
  Json stages = diamond();
  stages[0]["job"] = faulty_plugin("faulty");
  write_pipeline(stages);
  Running first(workspace_, {"pipeline", "p.json"});
  ASSERT_TRUE(eventually([&] { return workspace_.exists("p.work/left/1.json"); }));
  const Outcome second = pipeline();
  EXPECT_EQ(second.exit_code, 2) << second.both();
  EXPECT_THAT(second.err, HasSubstr("process " + std::to_string(first.pid())));
  workspace_.write("go", "");
  EXPECT_EQ(first.wait().exit_code, 0) << first.err_so_far();
  expect_clean();
}

}  // namespace
}  // namespace fanfold::e2e
