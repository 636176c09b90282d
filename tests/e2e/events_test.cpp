// `fanfold events` and `run --events`: what happened to a job, as its users get it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

std::vector<Json> lines_of(const std::string& text) {
  std::vector<Json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  return lines;
}

std::size_t count(const std::vector<Json>& lines, const std::string& event) {
  return static_cast<std::size_t>(std::count_if(
      lines.begin(), lines.end(), [&](const Json& line) { return line["event"] == event; }));
}

class Events : public testing::Test {
 protected:
  void SetUp() override { workspace_.write("in.txt", make_text(1, 2000)); }

  Workspace workspace_;
};

TEST_F(Events, OfAPrivateRunAreKeptWhereTheUserWantsThem) {
  workspace_.write("events.jsonl", "of an earlier run, and much longer\n");
  const Outcome outcome =
      run(workspace_, {"run", "word_count", "in.txt", "-o", "out", "-r", "3", "--split-bytes", "7K",
                       "--events", "events.jsonl", "--quiet"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  const std::vector<Json> lines = lines_of(workspace_.read("events.jsonl"));
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.front()["event"], "job.submitted");
  EXPECT_EQ(lines.back()["event"], "job.ended");
  EXPECT_EQ(lines.back()["state"], "succeeded");
  EXPECT_EQ(count(lines, "attempt.ended"), lines[1]["maps"].get<std::size_t>() + 3);
  EXPECT_EQ(workspace_.leftovers(), "");
}

TEST_F(Events, OfARunThatFailsSayWhy) {
  workspace_.write("bad.txt", "fine\nthrow\n");
  const Outcome outcome =
      run(workspace_, {"run", faulty_plugin("faulty"), "bad.txt", "-o", "out", "--attempts", "2",
                       "--events", "events.jsonl", "--quiet"});
  ASSERT_EQ(outcome.exit_code, 1) << outcome.both();
  const std::vector<Json> lines = lines_of(workspace_.read("events.jsonl"));
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines.back()["state"], "failed");
  EXPECT_EQ(lines.back()["cause"], "exception");
}

TEST_F(Events, FileIsNotLeftBehindByAJobThatNeverWas) {
  EXPECT_EQ(
      run(workspace_, {"run", "word_count", "missing.txt", "-o", "out", "--events", "e.jsonl"})
          .exit_code,
      2);
  EXPECT_FALSE(workspace_.exists("e.jsonl"));
}

TEST_F(Events, FileThatCannotBeWrittenIsToldBeforeAnythingRuns) {
  const Outcome outcome = run(workspace_, {"run", "word_count", "in.txt", "-o", "out", "--events",
                                           "no/such/directory/e.jsonl"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("no/such/directory/e.jsonl"));
  EXPECT_FALSE(workspace_.exists("out"));
}

TEST_F(Events, OfAClusterAreReadFromItsMaster) {
  Cluster cluster(workspace_, 1, 2);
  const Outcome ran = cluster.run({"run", "word_count", "in.txt", "-o", "out", "--split-bytes",
                                   "1K", "--events", "kept.jsonl", "--quiet"});
  ASSERT_EQ(ran.exit_code, 0) << ran.both();
  const Outcome events = cluster.run({"events", "1"});
  EXPECT_EQ(events.exit_code, 0) << events.err;
  EXPECT_EQ(events.out, workspace_.read("kept.jsonl"));
  EXPECT_EQ(lines_of(events.out).back()["event"], "job.ended");
  EXPECT_EQ(cluster.run({"events", "1", "-f"}).out, events.out);
  EXPECT_EQ(cluster.run({"events", "2"}).exit_code, 2);
}

TEST_F(Events, AreMadeIntoAPageAndATraceFromTheMasterAndFromAFile) {
  std::string page;
  {
    Cluster cluster(workspace_, 1, 2);
    const Outcome ran = cluster.run({"run", "word_count", "in.txt", "-o", "out", "--split-bytes",
                                     "1K", "--events", "kept.jsonl", "--quiet"});
    ASSERT_EQ(ran.exit_code, 0) << ran.both();
    const Outcome report = cluster.run({"report", "1", "-o", "page.html"});
    ASSERT_EQ(report.exit_code, 0) << report.both();
    page = workspace_.read("page.html");
    EXPECT_EQ(cluster.run({"report", "2"}).exit_code, 2);
  }
  // The master is gone; its log is enough.
  EXPECT_EQ(run(workspace_, {"report", "kept.jsonl"}).out, page);
  EXPECT_THAT(page, HasSubstr("What to change first"));
  const Outcome trace = run(workspace_, {"trace", "kept.jsonl", "-o", "trace.json"});
  ASSERT_EQ(trace.exit_code, 0) << trace.both();
  EXPECT_GT(Json::parse(workspace_.read("trace.json"))["traceEvents"].size(), 10u);

  const Outcome missing = run(workspace_, {"report", "missing.jsonl"});
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_THAT(missing.err, HasSubstr("missing.jsonl"));
  const Outcome other = run(workspace_, {"report", "in.txt"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("no event log"));
  EXPECT_EQ(run(workspace_, {"report", "kept.jsonl", "-o", "no/such/place.html"}).exit_code, 2);
  const Outcome not_kept = run(workspace_, {"run", "word_count", "in.txt", "-o", "there",
                                            "--events", "/dev/full", "--quiet"});
  EXPECT_NE(not_kept.exit_code, 0);
  EXPECT_NE(not_kept.err.find("the job itself is done"), std::string::npos) << not_kept.err;
  EXPECT_TRUE(workspace_.exists("there/_SUCCESS"));
}

TEST_F(Events, AreFollowedWhileTheJobRuns) {
  Cluster cluster(workspace_, 1, 1);
  workspace_.write("endless.txt", "hang\n");
  ASSERT_EQ(cluster.run({"submit", faulty_plugin("faulty"), "endless.txt", "-o", "out"}).exit_code,
            0);
  Running follower(workspace_, {"events", "1", "--follow"}, cluster.options());
  // What happens at first is there without an end of the job.
  EXPECT_TRUE(eventually([&] {
    return cluster.run({"events", "1"}).out.find("attempt.assigned") != std::string::npos;
  }));
  EXPECT_FALSE(follower.ended());
  cluster.run({"cancel", "1"});
  const Outcome followed = follower.wait();
  EXPECT_EQ(followed.exit_code, 0) << followed.err;
  EXPECT_EQ(lines_of(followed.out).back()["state"], "cancelled");
  EXPECT_EQ(followed.out, cluster.run({"events", "1"}).out);
}

}  // namespace
}  // namespace fanfold::e2e
