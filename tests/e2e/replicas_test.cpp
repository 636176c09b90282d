// Replicas and hedges on real processes: a worker that computes wrongly is outvoted and named, a
// vote survives its master, and what can never be is refused before anything starts.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::json;

/// "4711 (fanfold-worker) S 4700 ...": 4700.
pid_t parent_of(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  std::string text;
  std::getline(file, text);
  const std::size_t name = text.rfind(')');
  return name == std::string::npos ? 0 : std::stoi(text.substr(name + 4));
}

class ReplicasTest : public testing::Test {
 protected:
  std::string submit(std::vector<std::string> words) {
    words.insert(words.begin(), {"submit", faulty_plugin("faulty"), "in.txt", "-o", "out"});
    const Outcome submitted = cluster_.run(words);
    EXPECT_EQ(submitted.exit_code, 0) << submitted.both();
    return submitted.out.substr(0, submitted.out.find('\n'));
  }
  Json status(const std::string& job) const {
    return Json::parse(cluster_.run({"status", job, "--json"}).out, nullptr, false);
  }
  /// Whether a result waits to be compared.
  bool has_voted(const std::string& job) const {
    const Json json = status(job);
    return json.is_object() && json["replicas"].value("votes", 0) == 1;
  }
  /// The name of the worker that the plugin chose to lie.
  std::string liar() const {
    const pid_t worker = parent_of(workspace_.read("lie"));
    const Json json = Json::parse(cluster_.run({"cluster", "status", "--json"}).out);
    for (const Json& one : json["workers"]) {
      if (one["process"] == worker) return one["name"];
    }
    return "nobody";
  }
  void expect_named(const std::string& job) {
    const Json json = status(job);
    EXPECT_EQ(json["state"], "succeeded") << json.dump();
    EXPECT_EQ(json["replicas"]["policy"], "quorum of 3 replicas");
    ASSERT_EQ(json["replicas"]["dissenters"].size(), 1u) << json.dump();
    EXPECT_EQ(json["replicas"]["dissenters"][0]["worker"], liar());
    EXPECT_EQ(json["replicas"]["dissents"], 1);
    EXPECT_THAT(workspace_.read("out/part-00000-of-00001"), HasSubstr("truth"));
    EXPECT_THAT(workspace_.read("out/part-00000-of-00001"), Not(HasSubstr("lie")));
  }

  Workspace workspace_;
  Cluster cluster_{workspace_, 3, 1};
};

TEST_F(ReplicasTest, AQuorumMasksAWorkerThatComputesWronglyAndNamesIt) {
  workspace_.write("in.txt", "lie at " + workspace_.path("lie") + "\n");
  const std::string job = submit({"-r", "1", "--replicas", "3", "--accept", "quorum"});
  // The wrong result is there first.
  ASSERT_TRUE(eventually([&] { return has_voted(job); })) << status(job).dump();
  EXPECT_EQ(status(job)["state"], "running");
  EXPECT_THAT(cluster_.run({"logs", job, "--json"}).out, HasSubstr("\"voted\""));
  workspace_.write("lie.go", "");
  const Outcome waited = cluster_.run({"wait", job});
  EXPECT_EQ(waited.exit_code, 0) << waited.both();
  expect_named(job);
  const std::string name = liar();
  const std::string line = "1 result differed from the majority: 1 by " + name;
  EXPECT_THAT(cluster_.run({"status", job}).out, HasSubstr(line));
  EXPECT_THAT(cluster_.run({"why", job}).out, HasSubstr(line));
  const std::string events = cluster_.run({"events", job}).out;
  EXPECT_THAT(events, HasSubstr("\"result.dissented\""));
  EXPECT_THAT(events, HasSubstr("\"worker\":\"" + name + "\",\"digest\":"));
  const Json cluster = Json::parse(cluster_.run({"cluster", "status", "--json"}).out);
  for (const Json& worker : cluster["workers"]) {
    EXPECT_EQ(worker["demerits"].get<int>() > 0, worker["name"] == name) << worker.dump();
  }
}

TEST_F(ReplicasTest, AVoteGoesOnUnderAnotherMaster) {
  workspace_.write("in.txt", "lie at " + workspace_.path("lie") + "\n");
  const std::string job = submit({"-r", "1", "--replicas", "3", "--accept", "quorum"});
  ASSERT_TRUE(eventually([&] { return has_voted(job); }));
  for (const pid_t pid : processes_naming(workspace_.path("c"))) {
    if (command_line_of(pid).find("fanfold-master") == std::string::npos) continue;
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(eventually([&] { return command_line_of(pid).empty(); }));
  }
  const Outcome up = run(workspace_, {"cluster", "up", "--dir", "c"});
  ASSERT_EQ(up.exit_code, 0) << up.both();
  ASSERT_TRUE(eventually([&] { return has_voted(job); })) << status(job).dump();
  workspace_.write("lie.go", "");
  EXPECT_EQ(cluster_.run({"wait", job}).exit_code, 0) << status(job).dump();
  expect_named(job);
}

TEST_F(ReplicasTest, WithoutAMajorityItFailsAndShowsWhoGaveWhat) {
  // Each executor gives something else.
  workspace_.write("in.txt", "differ\n");
  const std::string job = submit({"--replicas", "3", "--accept", "quorum"});
  EXPECT_EQ(cluster_.run({"wait", job}).exit_code, 1);
  const std::string reason = status(job)["reason"];
  EXPECT_THAT(reason, HasSubstr("NO_MAJORITY: map task 0 gave different results"));
  const Json cluster = Json::parse(cluster_.run({"cluster", "status", "--json"}).out);
  for (const Json& worker : cluster["workers"]) {
    EXPECT_THAT(reason, HasSubstr(" by " + worker["name"].get<std::string>()));
    EXPECT_EQ(worker["demerits"], 0);
  }
  EXPECT_THAT(cluster_.run({"why", job}).both(), HasSubstr("NO_MAJORITY"));
  EXPECT_FALSE(workspace_.exists("out"));
}

TEST_F(ReplicasTest, AHedgeOvertakesAnAttemptThatHangs) {
  workspace_.write("in.txt", "fine\nwait once for " + workspace_.path("never") + "\n");
  const std::string job = submit({"--hedge-after", "200ms"});
  EXPECT_EQ(cluster_.run({"wait", job}).exit_code, 0) << status(job).dump();
  const Json replicas = status(job)["replicas"];
  EXPECT_EQ(replicas["policy"], "hedge after 0.20 s") << replicas.dump();
  EXPECT_GE(replicas["hedges"], 1);
  EXPECT_GE(replicas["hedges_won"], 1);
}

TEST_F(ReplicasTest, WaitsForAWorkerThatIsNotThereYetAndSaysSo) {
  workspace_.write("in.txt", "fine\n");
  const std::string job = submit({"--replicas", "4", "--accept", "all"});
  ASSERT_TRUE(eventually([&] { return status(job)["replicas"].value("waiting", 0) == 1; }));
  EXPECT_THAT(cluster_.run({"status", job}).out,
              HasSubstr("1 task for more workers than there are"));
  EXPECT_EQ(cluster_.run({"cancel", job}).exit_code, 0);
}

class Replicated : public testing::Test {
 protected:
  Outcome run_with(std::vector<std::string> more) {
    std::vector<std::string> words = {"run", bundled_plugin("word_count"), "in.txt", "-o", "out"};
    words.insert(words.end(), more.begin(), more.end());
    return run(workspace_, words);
  }
  void expect_refusal(std::vector<std::string> more, const std::string& why) {
    const Outcome outcome = run_with(std::move(more));
    EXPECT_EQ(outcome.exit_code, 2) << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr(why));
    EXPECT_FALSE(workspace_.exists("out"));
  }
  Workspace workspace_;
};

TEST_F(Replicated, APrivateClusterHasAsManyWorkersAsItTakes) {
  workspace_.write("in.txt", make_text(3, 2000));
  ASSERT_EQ(run_with({"--in-process", "-r", "1"}).exit_code, 0);
  const std::string expected = workspace_.read("out/part-00000-of-00001");
  for (const char* accept : {"first", "quorum", "all"}) {
    const Outcome outcome = run_with({"-r", "1", "--on-exists", "replace", "--split-bytes", "16K",
                                      "--replicas", "3", "--accept", accept, "--json", "--quiet"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
    EXPECT_EQ(Json::parse(outcome.out)["replicas"]["dissents"], 0);
    EXPECT_EQ(workspace_.read("out/part-00000-of-00001"), expected);
  }
  const Outcome gathered = run_with({"-r", "3", "--on-exists", "replace", "--replicas", "3",
                                     "--accept", "quorum", "--gather", "merge-sort", "--quiet"});
  ASSERT_EQ(gathered.exit_code, 0) << gathered.both();
  EXPECT_EQ(workspace_.read("out/part-00000-of-00001"), expected);
  EXPECT_THAT(workspace_.remains(), IsEmpty());
}

TEST_F(Replicated, WhatCanNeverBeIsRefusedBeforeAnythingStarts) {
  workspace_.write("in.txt", "a b\n");
  expect_refusal({"--replicas", "0"}, "--replicas");
  expect_refusal({"--replicas", "-3"}, "--replicas");
  expect_refusal({"--replicas", "17"}, "--replicas");
  expect_refusal({"--replicas=3", "--workers", "2"}, "need as many workers, and --workers is 2");
  expect_refusal({"--accept", "quorum"}, "ask for more with --replicas N");
  expect_refusal({"--replicas", "2", "--accept", "quorum"}, "neither is the majority");
  expect_refusal({"--replicas", "3", "--accept", "quorun"}, "Did you mean 'quorum'?");
  expect_refusal({"--hedge-after", "p49"}, "no percentile from p50 to p99.9");
  expect_refusal({"--hedge-after", "p100"}, "no percentile from p50 to p99.9");
  expect_refusal({"--hedge-after", "soon"}, "neither a percentile");
  expect_refusal({"--hedge-after", "0s"}, "too short");
  expect_refusal({"--hedge-after", "p95", "--workers", "1"}, "second worker");
  expect_refusal({"--hedge-after", "p95", "--no-speculation"}, "forbids");
  expect_refusal({"--hedge-after", "p95", "--replicas", "3"}, "give --replicas or --hedge-after");
  expect_refusal({"--replicas", "3", "--verify-sample", "5%"}, "more than once already");
  expect_refusal({"--replicas", "3", "--in-process"}, "makes no sense with --in-process");
}

TEST_F(Replicated, AStageOfAPipelineMayBe) {
  workspace_.write("in.txt", "a b\n");
  workspace_.write("p.json", R"({"stages": [{"name": "counts", "job": "word_count",
    "inputs": ["in.txt"], "output": "out", "replicas": 3, "accept": "quorum"}]})");
  const Outcome few = run(workspace_, {"pipeline", "p.json", "--workers", "2"});
  EXPECT_EQ(few.exit_code, 2) << few.both();
  EXPECT_THAT(few.err, HasSubstr("stage 'counts'"));
  const Outcome done = run(workspace_, {"pipeline", "p.json"});
  EXPECT_EQ(done.exit_code, 0) << done.both();
  EXPECT_TRUE(workspace_.exists("out/_SUCCESS"));
}

}  // namespace
}  // namespace fanfold::e2e
