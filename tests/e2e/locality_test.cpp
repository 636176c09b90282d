// Maps that prefer hosts.  The hosts are names that workers of one machine were given.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/keyed_cluster.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

class LocalityTest : public testing::Test {
 protected:
  LocalityTest() {
    for (const char* host : {"a", "b"}) cluster_.add_worker("", {"--host-name", host});
  }
  std::string submit(std::vector<std::string> words) {
    words.insert(words.begin(), "submit");
    const Outcome submitted = cluster_.run_as("alice", std::move(words));
    EXPECT_EQ(submitted.exit_code, 0) << submitted.both();
    return submitted.out.substr(0, submitted.out.find('\n'));
  }
  Json status(const std::string& job) const {
    return Json::parse(cluster_.run_as("alice", {"status", job, "--json"}).out);
  }
  std::string refusal(const std::vector<std::string>& words) {
    std::vector<std::string> all = {"submit", "word_count", "in", "-o", "never"};
    all.insert(all.end(), words.begin(), words.end());
    const Outcome refused = cluster_.run_as("alice", all);
    EXPECT_EQ(refused.exit_code, 2) << refused.both();
    return refused.err;
  }

  Workspace workspace_;
  KeyedCluster cluster_{workspace_};
};

TEST_F(LocalityTest, RunsMapsNearTheirInput) {
  std::string lines;
  for (int i = 0; i < 200; ++i) lines += "some words of line " + std::to_string(i) + "\n";
  workspace_.write("in/brick-1/x.txt", lines);
  workspace_.write("in/brick-2/x.txt", lines);
  workspace_.write("in/other/x.txt", lines);
  const std::string job =
      submit({"word_count", "in/brick-1", "in/brick-2", "in/other", "-o", "out", "--split-bytes",
              "1000", "--prefer", "in/brick-1=a", "--prefer", workspace_.path("in/*-2") + "=b",
              "--prefer", "in/none=a", "--locality-wait", "10m"});
  ASSERT_EQ(cluster_.run_as("alice", {"wait", job}).exit_code, 0);
  const Json ended = status(job);
  const int maps = ended["locality"]["maps"].get<int>();
  EXPECT_GT(maps, 4);
  EXPECT_LT(maps, ended["stages"][0]["tasks"].get<int>());
  EXPECT_EQ(ended["locality"]["there"], maps);
  EXPECT_EQ(ended["locality"]["elsewhere"], 0);
  EXPECT_EQ(ended["locality"]["wait_ms"], 600'000);
  const Outcome shown = cluster_.run_as("alice", {"status", job});
  EXPECT_THAT(shown.out, HasSubstr("ran on hosts that they prefer"));
  EXPECT_THAT(shown.out, HasSubstr("in/none',"));
}

TEST_F(LocalityTest, IsWhatAStageOfAPipelineMayWant) {
  workspace_.write("in/brick-1/x.txt", "some words\n");
  workspace_.write("in/brick-2/x.txt", "more words\n");
  workspace_.write("near.json", R"({"stages": [
      {"name": "counts", "job": "word_count", "inputs": ["in"], "output": "out", "split-bytes": 11,
       "prefer": {"in/brick-1": "a", "in/brick-2": "b"}, "locality-wait": "10m"}]})");
  const Outcome ran = cluster_.run_as("alice", {"pipeline", "near.json"});
  ASSERT_EQ(ran.exit_code, 0) << ran.both();
  const Json jobs = Json::parse(cluster_.run_as("alice", {"list", "--json"}).out);
  ASSERT_EQ(jobs.size(), 1u);
  const Json ended = status(std::to_string(jobs[0]["job"].get<int>()));
  EXPECT_EQ(ended["locality"]["maps"], 2);
  EXPECT_EQ(ended["locality"]["there"], 2);
}

TEST_F(LocalityTest, GoesElsewhereWhenItHasWaited) {
  workspace_.write("in/1.txt", "hang\n");
  workspace_.write("in/2.txt", "good\n");
  const std::string job =
      submit({faulty_plugin("faulty"), "in", "-o", "out", "--split-bytes", "5", "--prefer", "in=a",
              "--locality-wait", "300ms", "--no-speculation"});
  EXPECT_TRUE(eventually([&] { return status(job)["locality"]["elsewhere"] == 1; }))
      << status(job).dump(2);
  EXPECT_EQ(status(job)["stages"][0]["running"], 1);
  EXPECT_EQ(cluster_.run_as("alice", {"cancel", job}).exit_code, 0);
}

TEST_F(LocalityTest, WaitsForNobodyWhoIsNotThere) {
  workspace_.write("in/1.txt", "words\n");
  const std::string job =
      submit({"word_count", "in", "-o", "out", "--prefer", "in=away", "--locality-wait", "10m"});
  ASSERT_EQ(cluster_.run_as("alice", {"wait", job}).exit_code, 0);
  EXPECT_EQ(status(job)["locality"]["elsewhere"], 1);
}

TEST_F(LocalityTest, RefusesWhatItDoesNotUnderstand) {
  EXPECT_THAT(refusal({"--prefer", "in"}), HasSubstr("PATTERN=HOST"));
  EXPECT_THAT(refusal({"--prefer", "in=a,,b"}), HasSubstr("not the name of a host"));
  EXPECT_THAT(refusal({"--prefer", "host://a/in=a"}), HasSubstr("read there anyway"));
  EXPECT_THAT(refusal({"--locality-wait", "1s"}), HasSubstr("--prefer"));
  EXPECT_THAT(refusal({"--prefer", "in=a", "--locality-wait", "2h"}), HasSubstr("an hour"));
  const Outcome alone = cluster_.run_as(
      "alice", {"run", "word_count", "in", "-o", "never", "--in-process", "--prefer", "in=a"});
  EXPECT_EQ(alone.exit_code, 2);
}

}  // namespace
}  // namespace fanfold::e2e
