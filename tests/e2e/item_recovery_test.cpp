// Item jobs that end in the middle, and what is done again: kills of command and master, redrives.

#include "tests/e2e/item_jobs_test.hpp"

#include <signal.h>

#include <set>

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;

TEST_F(ItemJobsTest, ARedriveRunsWhatIsNotDoneAndKeepsTheRest) {
  const Json task =
      script_of("cd " + workspace_.root() +
                "; echo $item >> ran; test $item -ge 2 -o -e mended || exit 1; echo $item");
  Json items = Json::array();
  for (int i = 0; i < 30; ++i) items.push_back(i);
  const Json more = {{"MaxConcurrency", 1}, {"ToleratedFailureCount", 1}};
  ASSERT_EQ(run_map(map_of(task, more), items).exit_code, 1);
  const int succeeded = manifest()["Items"]["Succeeded"];
  const std::string first =
      workspace_.exists("out/SUCCEEDED_0.json") ? workspace_.read("out/SUCCEEDED_0.json") : "";
  const std::size_t ran = lines_of("ran").size();
  workspace_.write("mended", "");
  const Outcome outcome = run(workspace_, {"redrive", "out", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(Json::parse(outcome.out)["items"]["succeeded"], 30);
  EXPECT_EQ(manifest()["Generation"], 2);
  EXPECT_EQ(manifest()["Items"]["Succeeded"], 30);
  EXPECT_EQ(manifest()["ResultFiles"]["FAILED"], Json::array());
  EXPECT_FALSE(workspace_.exists("out/FAILED_0.json"));
  EXPECT_LE(lines_of("ran").size(), ran + 30 - static_cast<std::size_t>(succeeded));
  EXPECT_EQ(first.empty() ? "" : workspace_.read("out/SUCCEEDED_0.json"), first);
  std::set<int> all;
  const Json files = manifest()["ResultFiles"]["SUCCEEDED"];
  for (const Json& file : files) {
    const Json entries = Json::parse(workspace_.read("out/" + file["Key"].get<std::string>()));
    for (const Json& one : entries) all.insert(one.get<int>());
  }
  EXPECT_EQ(all.size(), 30u);
  EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 0);
  EXPECT_EQ(run(workspace_, {"redrive", "out"}).exit_code, 2);
  expect_clean();
}

TEST_F(ItemJobsTest, ARedriveIsRefusedWhereThereIsNothingToDoOrToFind) {
  workspace_.write("dir/file", "");
  EXPECT_THAT(run(workspace_, {"redrive", "dir"}).err, HasSubstr("not a finished output"));
  EXPECT_THAT(run(workspace_, {"redrive", "7"}).err, HasSubstr("no cluster is named"));
  Outcome outcome = run_map(map_of(script_of("exit 1"), {{"ToleratedFailureCount", 1}}), {1});
  ASSERT_EQ(outcome.exit_code, 3) << outcome.both();
  outcome = run(workspace_, {"redrive", "out", "--plugin", faulty_plugin("faulty")});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("no Task of this Map runs a job"));
  workspace_.write("out/FAILED_0.json", "[{\"Index\": 1");
  EXPECT_EQ(run(workspace_, {"redrive", "out"}).exit_code, 2);
  EXPECT_TRUE(workspace_.exists("out/FAILED_0.json"));
  expect_clean();
}

class ItemJobsOnAClusterTest : public ItemJobsTest {
 protected:
  ItemJobsOnAClusterTest() : cluster_(workspace_, 2, 1) {}

  pid_t master() const {
    for (const pid_t pid : processes_naming(workspace_.path("c"))) {
      if (command_line_of(pid).find("fanfold-master") != std::string::npos) return pid;
    }
    return 0;
  }
  /// Twelve items that wait for "go" once two of them are done.
  std::vector<std::string> words() {
    Json items = Json::array();
    for (int i = 0; i < 12; ++i) items.push_back(i);
    return words_for(
        map_of(script_of("echo $item >> ran; "
                         "test $item -lt 2 || until [ -e go ]; do :; done; echo $item")),
        items);
  }
  Json twelve() const {
    Json items = Json::array();
    for (int i = 0; i < 12; ++i) items.push_back(i);
    return items;
  }

  Cluster cluster_;
};

TEST_F(ItemJobsOnAClusterTest, ARunThatIsKilledIsTakenUpByTheNextOne) {
  ASSERT_TRUE(cluster_.up());
  {
    Running command(workspace_, words(), cluster_.options());
    ASSERT_TRUE(eventually([&] { return lines_of("ran").size() >= 4; })) << command.err_so_far();
    command.signal(SIGKILL);
    command.wait();
  }
  workspace_.write("go", "");
  const Outcome outcome = cluster_.run(words());
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(results("SUCCEEDED"), twelve());
  EXPECT_EQ(lines_of("ran").size(), 12u) << "an item ran twice";
  EXPECT_FALSE(workspace_.exists("out.work"));
}

TEST_F(ItemJobsOnAClusterTest, AMasterThatIsKilledGoesOnWithTheItems) {
  ASSERT_TRUE(cluster_.up());
  Running command(workspace_, words(), cluster_.options());
  ASSERT_TRUE(eventually([&] { return lines_of("ran").size() >= 4; })) << command.err_so_far();
  const pid_t pid = master();
  ASSERT_NE(pid, 0);
  ::kill(pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return command_line_of(pid).empty(); }));
  const Outcome up = run(workspace_, {"cluster", "up", "--dir", "c"});
  ASSERT_EQ(up.exit_code, 0) << up.both();
  workspace_.write("go", "");
  const Outcome outcome = command.wait();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(results("SUCCEEDED"), twelve());
  EXPECT_FALSE(workspace_.exists("out.work"));
}

TEST_F(ItemJobsOnAClusterTest, WhatMayFailIsChangedWhileItRuns) {
  ASSERT_TRUE(cluster_.up());
  const Json map =
      map_of(script_of("touch begun; until [ -e go ]; do :; done; "
                       "test $item -ge 3 || exit 1; echo $item"));
  Running command(workspace_, words_for(map, {0, 1, 2, 3, 4, 5}), cluster_.options());
  ASSERT_TRUE(eventually([&] { return workspace_.exists("begun"); })) << command.err_so_far();
  const Outcome set = cluster_.run({"set", "1", "ToleratedFailureCount=3"});
  EXPECT_EQ(set.exit_code, 0) << set.both();
  EXPECT_THAT(set.out, HasSubstr("at most 3 failed items"));
  EXPECT_THAT(cluster_.run({"set", "1", "ToleratedFailureCont=3"}).err,
              HasSubstr("Did you mean 'ToleratedFailureCount'"));
  EXPECT_EQ(cluster_.run({"set", "1", "ToleratedFailurePercentage=101"}).exit_code, 2);
  workspace_.write("go", "");
  const Outcome outcome = command.wait();
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_EQ(results("SUCCEEDED"), (Json{3, 4, 5}));
  EXPECT_EQ(manifest()["Items"]["Failed"], 3);
}

}  // namespace
}  // namespace fanfold::e2e
