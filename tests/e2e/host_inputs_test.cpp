// Input that lies on the hosts of workers: read there, and nowhere else.  The hosts are names that
// workers of one machine were given.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/keyed_cluster.hpp"

namespace fanfold::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

class HostInputs : public testing::Test {
 protected:
  HostInputs() {
    workspace_.write("log/app/1.log", "good\nbad\ngood\n");
    workspace_.write("log/app/deep/2.log", "bad\nbad\n");
    workspace_.write("log/other.txt", "bad\n");
    workspace_.write("private/key.log", "bad\n");
  }
  void add_host(const std::string& host, std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--host-name", host, "--host-input", workspace_.path("log")});
    cluster_->add_worker("", more);
  }
  /// Inputs are below the workspace: "host://*" + this.
  std::string below(const std::string& path) const { return workspace_.path("log/" + path); }
  Outcome grep(const std::vector<std::string>& inputs, const std::string& output) {
    std::vector<std::string> words = {"run", "grep"};
    words.insert(words.end(), inputs.begin(), inputs.end());
    words.insert(words.end(),
                 {"--param", "pattern=bad", "--param", "mode=count", "-o", output, "--quiet"});
    return cluster_->run_as("alice", words);
  }
  std::string refusal(const std::string& input) {
    const Outcome refused = grep({input}, "never");
    EXPECT_EQ(refused.exit_code, 2) << refused.both();
    EXPECT_FALSE(workspace_.exists("never"));
    return refused.err;
  }

  Workspace workspace_;
  std::unique_ptr<KeyedCluster> cluster_ = std::make_unique<KeyedCluster>(
      workspace_, std::vector<std::string>{"--host-absence-ms", "3000"});
};

TEST_F(HostInputs, AreReadOnEachHostByOneCommand) {
  add_host("a");
  add_host("b");
  const Outcome run = grep({"host://*" + below("**/*.log")}, "out");
  ASSERT_EQ(run.exit_code, 0) << run.both() << cluster_->master_log();
  std::string expected;
  for (const char* host : {"a", "b"}) {
    const std::string prefix = std::string("host://") + host + below("app/");
    expected += prefix + "1.log:1\n" + prefix + "deep/2.log:2\n";
  }
  EXPECT_EQ(cluster_->run_as("alice", {"cat", "out"}).out, expected);
  EXPECT_EQ(cluster_->run_as("alice", {"verify", "out"}).exit_code, 0);
  // Each has listed its own, and run what lies there.
  EXPECT_THAT(cluster_->worker_log(1), HasSubstr("host.listed"));
  EXPECT_THAT(cluster_->worker_log(2), HasSubstr("host.listed"));
}

TEST_F(HostInputs, AreRefusedWhereNobodyMayReadThem) {
  add_host("a");
  cluster_->add_worker("", {"--host-name", "closed"});
  EXPECT_THAT(refusal("host://c" + below("app/1.log")),
              AllOf(HasSubstr("no worker is known of a host 'c'"), HasSubstr("there are: a")));
  EXPECT_THAT(refusal("host://closed" + below("app/1.log")), HasSubstr("without --host-input"));
  EXPECT_THAT(refusal("host://a" + workspace_.path("private/key.log")),
              AllOf(HasSubstr("host a"), HasSubstr("--host-input")));
  EXPECT_THAT(refusal("host://a" + below("../private/key.log")), HasSubstr("'..'"));
  EXPECT_THAT(refusal("host://a" + below("x\x1b[2J")), HasSubstr("control characters"));
  EXPECT_THAT(refusal("host://a/"), HasSubstr("say which"));
  EXPECT_THAT(refusal("host://a" + below("none*")), HasSubstr("no file matches"));
  const Outcome replicas = cluster_->run_as(
      "alice",
      {"run", "word_count", "host://a" + below("app/1.log"), "-o", "never", "--replicas", "2"});
  EXPECT_EQ(replicas.exit_code, 2);
  EXPECT_THAT(replicas.err, HasSubstr("leave out the replicas"));
}

TEST_F(HostInputs, AreLeftOutWhenLinksLeadElsewhereAndASayingTellsSo) {
  add_host("a");
  ASSERT_EQ(::symlink(workspace_.path("private").c_str(), below("way").c_str()), 0);
  const Outcome run = grep({"host://a" + below("**/*.log")}, "out");
  ASSERT_EQ(run.exit_code, 0) << run.both();
  EXPECT_THAT(cluster_->run_as("alice", {"cat", "out"}).out, Not(HasSubstr("key.log")));
  const Json jobs = Json::parse(cluster_->run_as("alice", {"list", "--json"}).out);
  const std::string job = std::to_string(jobs[0]["job"].get<int>());
  EXPECT_THAT(cluster_->run_as("alice", {"status", job}).both(), HasSubstr("left out"));
}

TEST_F(HostInputs, WaitForAHostThatWentAwayAndThenFail) {
  add_host("a");
  add_host("b");
  workspace_.write("log/app/1.log", "hang\n");
  workspace_.write("log/app/3.log", "hang\n");
  const Outcome submitted = cluster_->run_as(
      "alice", {"submit", faulty_plugin("faulty"), "host://b" + below("app/[13].log"), "-o", "out",
                "--split-bytes", "5"});
  ASSERT_EQ(submitted.exit_code, 0) << submitted.both();
  const std::string job = submitted.out.substr(0, submitted.out.find('\n'));
  const auto status = [&] { return cluster_->run_as("alice", {"status", job}).both(); };
  ASSERT_TRUE(eventually([&] {
    const Json json = Json::parse(cluster_->run_as("alice", {"status", job, "--json"}).out);
    return json["stages"][0]["running"] == 1;
  })) << status();
  // It finishes what it runs, and takes nothing more.
  cluster_->worker(2).signal(SIGTERM);
  ASSERT_TRUE(eventually([&] {
    const std::string why = cluster_->run_as("alice", {"why", job}).both();
    return why.find("on host b") != std::string::npos;
  })) << status();
  const auto waited_in_vain = [&] {
    const std::string why = cluster_->run_as("alice", {"why", job}).both();
    return why.find("map task 1 waited 3 s for a worker on host b") != std::string::npos;
  };
  ASSERT_TRUE(eventually(waited_in_vain)) << status();
}

TEST_F(HostInputs, MayBeNamedTwice) {
  add_host("a");
  const std::string input = "host://a" + below("app/*.log");
  const Outcome run =
      cluster_->run_as("alice", {"run", "word_count", input, input, "-o", "out", "--quiet"});
  ASSERT_EQ(run.exit_code, 0) << run.both();
  EXPECT_EQ(cluster_->run_as("alice", {"cat", "out"}).out, "bad\t2\ngood\t4\n");
}

TEST_F(HostInputs, AreReadAgainByReplay) {
  add_host("a");
  workspace_.write("log/app/1.log", "throw\n");
  const Outcome run =
      cluster_->run_as("alice", {"run", faulty_plugin("faulty"), "host://a" + below("app/1.log"),
                                 "-o", "out", "--attempts", "1"});
  ASSERT_EQ(run.exit_code, 1) << run.both();
  EXPECT_THAT(run.both(), HasSubstr("host://a" + below("app/1.log")));
  const Outcome replay = cluster_->run_as("alice", {"replay", "1/map-0.1"});
  EXPECT_EQ(replay.exit_code, 1) << replay.both();
  EXPECT_THAT(replay.err, HasSubstr("the input lay on host a"));
}

TEST_F(HostInputs, OfAPrivateClusterAreThoseOfItsUser) {
  cluster_.reset();
  char name[256] = {};
  ASSERT_EQ(::gethostname(name, sizeof name - 1), 0);
  for (const std::string& host : {std::string("*"), std::string(name)}) {
    const Outcome run =
        e2e::run(workspace_, {"run", "word_count", "host://" + host + below("app/*.log"), "-o",
                              "out", "--on-exists", "replace", "--quiet"});
    ASSERT_EQ(run.exit_code, 0) << run.both();
    EXPECT_EQ(e2e::run(workspace_, {"cat", "out"}).out, "bad\t1\ngood\t2\n");
  }
  EXPECT_EQ(workspace_.leftovers(), "");
}

TEST_F(HostInputs, MayStandInLists) {
  add_host("a");
  add_host("b");
  workspace_.write("here.log", "bad\n");
  const std::string list =
      workspace_.write("list", "host://*" + below("app/1.log") + "\nhere.log\n");
  const Outcome run = grep({"@" + list}, "out");
  ASSERT_EQ(run.exit_code, 0) << run.both() << cluster_->master_log();
  EXPECT_EQ(cluster_->run_as("alice", {"cat", "out"}).out,
            workspace_.path("here.log") + ":1\nhost://a" + below("app/1.log:1") + "\nhost://b" +
                below("app/1.log:1") + "\n");
}

TEST_F(HostInputs, AreInPlansOfTheirCluster) {
  add_host("a");
  add_host("b");
  const std::string input = "host://*" + below("**/*.log");
  const Outcome plan = cluster_->run_as("alice", {"plan", "word_count", input, "--json"});
  ASSERT_EQ(plan.exit_code, 0) << plan.both();
  const Json json = Json::parse(plan.out);
  EXPECT_EQ(json["input_files"], 4) << plan.out;
  EXPECT_EQ(json["splits"].size(), 2u) << plan.out;
  const Outcome text = cluster_->run_as("alice", {"plan", "word_count", input});
  EXPECT_THAT(text.out, HasSubstr("input on 2 hosts: a, b"));
  const Outcome tried = cluster_->run_as("alice", {"plan", "word_count", input, "--limit", "1"});
  EXPECT_EQ(tried.exit_code, 2);
  EXPECT_THAT(tried.err, HasSubstr("lies on hosts"));
  const Outcome nowhere =
      cluster_->run_as("alice", {"plan", "word_count", "host://c" + below("app")});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_THAT(nowhere.err, HasSubstr("there are: a, b"));
  const Outcome alone = run(workspace_, {"plan", "word_count", input});
  EXPECT_EQ(alone.exit_code, 2);
  EXPECT_THAT(alone.err, HasSubstr("--master ADDR"));
}

TEST_F(HostInputs, AreReadByPipelinesAndAgainWhenTheyHaveChanged) {
  add_host("a");
  add_host("b");
  const Json stages = Json::array(
      {{{"name", "words"}, {"job", "word_count"}, {"inputs", {"host://*" + below("app/*.log")}}},
       {{"name", "sorted"},
        {"job", "sort"},
        {"inputs", {Json{{"stage", "words"}}}},
        {"output", "out"},
        {"on-exists", "replace"}}});
  workspace_.write("p.json", Json({{"stages", stages}}).dump());
  const auto states = [&] {
    const Outcome outcome = cluster_->run_as("alice", {"pipeline", "p.json", "--json", "--reuse"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.both() << cluster_->master_log();
    const Json json = Json::parse(outcome.out, nullptr, false);
    std::string text;
    if (json.is_object()) {
      for (const Json& stage : json["stages"]) text += stage["state"].get<std::string>() + " ";
    }
    return text;
  };
  EXPECT_EQ(states(), "ran ran ");
  EXPECT_EQ(cluster_->run_as("alice", {"cat", "out"}).out, "bad\t2\ngood\t4\n");
  EXPECT_EQ(states(), "reused reused ");
  workspace_.write("log/app/1.log", "good\nbad\ngood\nnew\n");
  EXPECT_EQ(states(), "ran ran ");
  EXPECT_EQ(cluster_->run_as("alice", {"cat", "out"}).out, "bad\t2\ngood\t4\nnew\t2\n");
}

TEST_F(HostInputs, ThatCouldNotBeMappedAreRedrivenWhereTheyLie) {
  add_host("a");
  add_host("b");
  workspace_.write("log/app/1.log", "good 1\nbad 9\ngood 2\nbad 8\ngood 3\n");
  const std::string input = "host://*" + below("app/1.log");
  const Outcome first =
      cluster_->run_as("alice", {"run", faulty_plugin("mending_0") + ":middle", input, "-o", "out",
                                 "-r", "1", "--quiet", "--on-bad-record", "dead-letter"});
  ASSERT_EQ(first.exit_code, 0) << first.both();
  EXPECT_EQ(cluster_->run_as("alice", {"cat", "out"}).out, "all\t2\n");
  const std::vector<std::string> again = {"redrive", "out", "--plugin", faulty_plugin("mending_1")};
  // What lies there now is another record: nothing is made of it.
  workspace_.write("log/app/1.log", "good 1\nbad 7\ngood 2\nbad 8\ngood 3\n");
  const Outcome changed = cluster_->run_as("alice", again);
  EXPECT_NE(changed.exit_code, 0) << changed.both();
  EXPECT_EQ(cluster_->run_as("alice", {"cat", "out"}).out, "all\t2\n");
  workspace_.write("log/app/1.log", "good 1\nbad 9\ngood 2\nbad 8\ngood 3\n");
  const Outcome redriven = cluster_->run_as("alice", again);
  ASSERT_EQ(redriven.exit_code, 0) << redriven.both() << cluster_->master_log();
  EXPECT_THAT(redriven.out, HasSubstr("4 of 4 dead letters"));
  // The middle one of 1 1 2 2 3 3 8 8 9 9.
  EXPECT_EQ(cluster_->run_as("alice", {"cat", "out"}).out, "all\t3\n");
  EXPECT_EQ(cluster_->run_as("alice", {"verify", "out"}).exit_code, 0);
}

}  // namespace
}  // namespace fanfold::e2e
