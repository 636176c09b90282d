// A job that is limited, paused and resumed while it runs, on real processes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

class ControlTest : public testing::Test {
 protected:
  std::string submit(std::vector<std::string> words) {
    words.insert(words.begin(), "submit");
    const Outcome submitted = cluster_.run(words);
    EXPECT_EQ(submitted.exit_code, 0) << submitted.both();
    return submitted.out.substr(0, submitted.out.find('\n'));
  }
  Json status(const std::string& job) const {
    return Json::parse(cluster_.run({"status", job, "--json"}).out, nullptr, false);
  }
  int in_stages(const std::string& job, const char* what) const {
    int count = 0;
    const Json json = status(job);
    for (const Json& stage : json["stages"]) count += stage[what].get<int>();
    return count;
  }
  bool runs(const std::string& job, int tasks) const { return in_stages(job, "running") == tasks; }

  Workspace workspace_;
  Cluster cluster_{workspace_, 4, 1};
};

TEST_F(ControlTest, ALimitIsRaisedWhileTheJobRuns) {
  for (int i = 0; i < 6; ++i) workspace_.write("in/" + std::to_string(i), "hang\n");
  const std::string job = submit(
      {faulty_plugin("faulty"), "in", "-o", "out", "--split-bytes", "5", "--max-concurrency", "1"});
  ASSERT_TRUE(eventually([&] { return runs(job, 1); })) << status(job).dump();
  const Outcome set = cluster_.run({"set", job, "MaxConcurrency=3", "Priority=60"});
  EXPECT_EQ(set.exit_code, 0) << set.both();
  EXPECT_EQ(set.out, "job " + job + ": at most 3 attempts at a time, priority 60, weight 1\n");
  ASSERT_TRUE(eventually([&] { return runs(job, 3); }));
  EXPECT_EQ(status(job)["control"]["max_concurrency"], 3);
  EXPECT_EQ(cluster_.run({"pause", job}).exit_code, 0);
  EXPECT_THAT(cluster_.run({"list"}).out, HasSubstr("paused"));
  EXPECT_THAT(cluster_.run({"set", job, "MaxConcurrency=0"}).out, HasSubstr("paused"));
  EXPECT_TRUE(runs(job, 3)) << "what runs goes on, and nothing joins it";
  EXPECT_EQ(cluster_.run({"resume", job}).exit_code, 0);
  ASSERT_TRUE(eventually([&] { return runs(job, 4); }));
  EXPECT_THAT(cluster_.run({"events", job}).out, HasSubstr("\"job.changed\""));
  cluster_.run({"cancel", job});
  const Outcome late = cluster_.run({"pause", job});
  EXPECT_EQ(late.exit_code, 2);
  EXPECT_THAT(late.err, HasSubstr("is over"));
}

TEST_F(ControlTest, APausedJobEndsAsIfNothingHadBeen) {
  workspace_.write("in.txt", make_text(3, 60'000));
  ASSERT_EQ(cluster_.run({"run", "word_count", "in.txt", "-o", "plain", "--quiet"}).exit_code, 0);
  const std::string job = submit({"word_count", "in.txt", "-o", "paused", "--split-bytes", "20K",
                                  "--max-concurrency", "1", "-r", "1"});
  EXPECT_EQ(cluster_.run({"pause", job}).exit_code, 0);
  // The few that its worker had been given before.
  ASSERT_TRUE(eventually([&] { return runs(job, 0); }));
  const int done = in_stages(job, "done");
  EXPECT_EQ(cluster_.run({"set", job, "MaxConcurrency=0"}).exit_code, 0);
  EXPECT_EQ(status(job)["state"], "running");
  EXPECT_EQ(in_stages(job, "done"), done);
  EXPECT_EQ(cluster_.run({"resume", job}).exit_code, 0);
  const Outcome waited = cluster_.run({"wait", job});
  EXPECT_EQ(waited.exit_code, 0) << waited.both();
  EXPECT_EQ(workspace_.read("paused/part-00000-of-00001.txt"),
            workspace_.read("plain/part-00000-of-00001.txt"));
}

TEST_F(ControlTest, WhatCannotBeSetIsRefused) {
  const auto complaint = [this](std::vector<std::string> words) {
    const Outcome outcome = cluster_.run(std::move(words));
    EXPECT_EQ(outcome.exit_code, 2) << outcome.both();
    return outcome.err;
  };
  EXPECT_THAT(complaint({"set", "1", "MaxConcurency=2"}),
              HasSubstr("Did you mean 'MaxConcurrency'?"));
  EXPECT_THAT(complaint({"set", "1", "Priority"}), HasSubstr("has no value"));
  EXPECT_THAT(complaint({"set", "1", "Priority=101"}), HasSubstr("Priority"));
  EXPECT_THAT(complaint({"set", "1", "Weight=0"}), HasSubstr("Weight"));
  EXPECT_THAT(complaint({"set", "1", "Weight=2", "Weight=3"}), HasSubstr("twice"));
  EXPECT_THAT(complaint({"pause", "99"}), HasSubstr("no job 99"));
  workspace_.write("in.txt", "a\n");
  EXPECT_THAT(complaint({"submit", "word_count", "in.txt", "-o", "out", "--weight", "1001"}),
              HasSubstr("--weight"));
}

}  // namespace
}  // namespace fanfold::e2e
