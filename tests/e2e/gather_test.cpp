// Results that become one: in every way, on real processes, of which some are killed meanwhile.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/e2e/command.hpp"
#include "tests/e2e/held_job.hpp"

namespace fanfold::e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

class GatherTest : public testing::Test {
 protected:
  GatherTest() { workspace_.write("in.txt", make_text(3, 4000) + "hold named\n"); }
  ~GatherTest() override { EXPECT_THAT(workspace_.remains(), IsEmpty()); }

  static Words with(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  /// Many maps, seven parts, a tree of three levels.
  Outcome count(const std::string& output, const Words& more) {
    const Words words = {"run",           "word_count", "in.txt",         "-o", output, "-r", "7",
                         "--split-bytes", "20K",        "--gather-arity", "2"};
    return run(workspace_, with(words, more));
  }
  std::string part(const std::string& output, const std::string& suffix = "") const {
    return workspace_.read(output + "/part-00000-of-00001" + suffix);
  }
  Json manifest(const std::string& output) const {
    return Json::parse(workspace_.read(output + "/_SUCCESS"));
  }
  void expect_verified(const std::string& output) {
    const Outcome verified = run(workspace_, {"verify", output});
    EXPECT_EQ(verified.exit_code, 0) << verified.both();
  }
  /// What a job with a single reduce writes: sorted by key.
  std::string in_one_part() {
    const Outcome one = run(workspace_, {"run", "word_count", "in.txt", "-o", "one", "-r", "1"});
    EXPECT_EQ(one.exit_code, 0) << one.both();
    return part("one");
  }
  /// Its root waits.
  HeldJob hold_the_root(const Cluster& cluster) {
    return {workspace_,
            cluster,
            {"-r", "4", "--split-bytes", "20K", "--gather", "reduce", "--gather-arity", "2"}};
  }

  Workspace workspace_;
};

TEST_F(GatherTest, ConcatenatesPartsInTheirOrder) {
  const Outcome apart = run(workspace_, {"run", "word_count", "in.txt", "-o", "parts", "-r", "7"});
  ASSERT_EQ(apart.exit_code, 0) << apart.both();
  std::string all;
  for (const char* name : {"0", "1", "2", "3", "4", "5", "6"}) {
    all += workspace_.read(std::string("parts/part-0000") + name + "-of-00007");
  }
  const Outcome gathered = count("out", {"--gather", "concat"});
  ASSERT_EQ(gathered.exit_code, 0) << gathered.both();
  EXPECT_THAT(gathered.both(), HasSubstr("gather: 7 tasks"));
  EXPECT_EQ(part("out"), all);
  EXPECT_THAT(workspace_.list("out"), ElementsAre("_SUCCESS", "part-00000-of-00001"));
  EXPECT_EQ(manifest("out")["gathered"]["strategy"], "concat");
  EXPECT_EQ(manifest("out")["gathered"]["parts"], 7);
  EXPECT_EQ(manifest("out")["gathered"]["records"], manifest("out")["records"]);
  EXPECT_EQ(manifest("out")["partitions"], 1);
  EXPECT_EQ(manifest("out")["run"]["gather_tasks"], 7);
  expect_verified("out");
  Json other = manifest("out");
  other["gathered"]["records"] = other["gathered"]["records"].get<int>() + 1;
  workspace_.write("out/_SUCCESS", other.dump());
  EXPECT_THAT(run(workspace_, {"verify", "out"}).both(), HasSubstr("7 parts with"));
  EXPECT_NE(run(workspace_, {"verify", "out"}).exit_code, 0);
}

TEST_F(GatherTest, MergesPartsIntoOneThatIsSorted) {
  const std::string sorted = in_one_part();
  for (const std::string arity : {"2", "7"}) {
    const std::string output = "out" + arity;
    const Outcome gathered =
        run(workspace_, {"run", "word_count", "in.txt", "-o", output, "-r", "7", "--gather",
                         "merge-sort", "--gather-arity", arity});
    ASSERT_EQ(gathered.exit_code, 0) << gathered.both();
    EXPECT_EQ(part(output), sorted) << "arity " << arity;
    expect_verified(output);
  }
}

TEST_F(GatherTest, FoldsInATreeWhatOneReduceWouldHaveFolded) {
  const std::string sorted = in_one_part();
  ASSERT_EQ(count("out", {"--gather", "reduce"}).exit_code, 0);
  EXPECT_EQ(part("out"), sorted);
  EXPECT_EQ(manifest("out")["gathered"]["strategy"], "reduce");
  expect_verified("out");
}

TEST_F(GatherTest, GathersLinesAndAnyBytesInEveryFormatAndCompression) {
  std::string text = make_text(5, 300) + "\xff\xfe caf\xc3\xa9 a\tb \\t\n";
  for (int i = 0; i < 200; ++i) text += "caf\xc3\xa9 a\tb \x80" + std::to_string(i % 29) + "\n";
  workspace_.write("mixed.txt", text);
  const std::string job = faulty_plugin("held") + ":mixed";
  const Words words = {"run", job, "mixed.txt", "--split-bytes", "4K", "-o"};
  const std::vector<std::pair<std::string, std::string>> kinds = {
      {"text", "gzip"}, {"jsonl", "zstd"}, {"binary", "gzip"}};
  for (const auto& [format, codec] : kinds) {
    const Words apart = {"--format", format, "--in-process", "-r"};
    ASSERT_EQ(run(workspace_, with(with(words, {"one" + format}), with(apart, {"1"}))).exit_code,
              0);
    ASSERT_EQ(run(workspace_, with(with(words, {"in" + format}), with(apart, {"5"}))).exit_code, 0);
    const std::string one = part("one" + format);
    std::string joined;
    for (const std::string& name : workspace_.list("in" + format)) {
      if (name.starts_with("part-")) joined += workspace_.read("in" + format + "/" + name);
    }
    for (const std::string how : {"concat", "merge-sort", "reduce"}) {
      const std::string output = how + format;
      const Outcome gathered = run(
          workspace_,
          with(with(words, {output}), {"-r", "5", "--format", format, "--compress", codec,
                                       "--gather", how, "--gather-arity", "2", "--memory", "32M"}));
      ASSERT_EQ(gathered.exit_code, 0) << gathered.both();
      EXPECT_THAT(workspace_.list(output),
                  ElementsAre("_SUCCESS", "part-00000-of-00001" +
                                              std::string(codec == "gzip" ? ".gz" : ".zst")));
      expect_verified(output);
      EXPECT_EQ(run(workspace_, {"cat", output}).out, how == "concat" ? joined : one)
          << how << " " << format;
    }
  }
}

TEST_F(GatherTest, WritesTheSameInProcess) {
  for (const std::string how : {"concat", "merge-sort", "reduce"}) {
    ASSERT_EQ(count(how, {"--gather", how}).exit_code, 0);
    const Outcome inside = count(how + "-inside", {"--gather", how, "--in-process"});
    ASSERT_EQ(inside.exit_code, 0) << inside.both();
    EXPECT_EQ(part(how + "-inside"), part(how));
    expect_verified(how + "-inside");
  }
}

TEST_F(GatherTest, JoinsThePartsOfRangesAndKeepsNamedOutputs) {
  const Outcome sorted = run(workspace_, {"run", "sort", "in.txt", "-o", "sorted", "-r", "5",
                                          "--gather", "merge-sort", "--compress", "zstd"});
  ASSERT_EQ(sorted.exit_code, 0) << sorted.both();
  EXPECT_THAT(workspace_.list("sorted"), ElementsAre("_SUCCESS", "part-00000-of-00001.zst"));
  std::istringstream lines(run(workspace_, {"cat", "sorted"}).out);
  std::vector<std::string> found;
  for (std::string line; std::getline(lines, line);) found.push_back(line);
  EXPECT_EQ(found.size(), 4001u);
  EXPECT_TRUE(std::is_sorted(found.begin(), found.end()));

  const Outcome named = run(
      workspace_, {"run", faulty_plugin("held") + ":declared", "in.txt", "-o", "named", "-r", "3"});
  ASSERT_EQ(named.exit_code, 0) << named.both();
  EXPECT_EQ(manifest("named")["gathered"]["strategy"], "merge-sort");
  std::string beside;
  for (const std::string& name : workspace_.list("named")) {
    if (name.starts_with("beside-")) beside += workspace_.read("named/" + name);
  }
  EXPECT_EQ(beside, "one line\n");
}

TEST_F(GatherTest, RefusesWhatCannotBeGatheredBeforeAnythingStarts) {
  const auto refused = [&](const Words& more, const std::string& why) {
    const Outcome outcome = run(workspace_, with({"run"}, more));
    EXPECT_EQ(outcome.exit_code, 2) << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr(why));
    EXPECT_FALSE(workspace_.exists("out"));
  };
  const Words words = {"word_count", "in.txt", "-o", "out"};
  refused(with(words, {"--gather", "merge"}), "Did you mean 'merge-sort'?");
  refused(with(words, {"--gather", "concat", "--gather-arity", "1"}), "2 is the least");
  refused(with(words, {"--gather", "concat", "--gather-arity", "1000"}), "256 is the most");
  refused(with(words, {"--gather-arity", "4"}), "nothing is brought together");
  refused(with(words, {"--gather", "first", "--completion", "all"}), "does not go with it");
  refused(with(words, {"--gather", "first", "--in-process"}), "one after the other");
  refused(with(words, {"--gather", "quorom"}), "Did you mean 'quorum'?");
  refused(with(words, {"--gather", "quorum", "--replicas", "2"}), "neither is the majority");
  refused(with(words, {"--gather", "quorum", "--replicas", "1"}), "one result has no majority");
  refused(with(words, {"--gather", "quorum", "--accept", "all"}), "--accept all does not go with");
  refused(with(words, {"--gather", "quorum", "--hedge-after", "p95"}), "--hedge-after does not go");
  refused(with(words, {"--gather", "quorum", "--verify-sample", "5%"}), "--verify-sample does not");
  refused(with(words, {"--gather", "quorum", "--in-process"}), "--in-process has none");
  refused(with(words, {"--gather", "quorum", "--workers", "2"}), "--workers is 2");
  refused({"sort", "in.txt", "-o", "out", "--gather", "reduce"}, "no combine()");
  refused({"top_k", "in.txt", "-o", "out", "--gather", "merge-sort"}, "use --gather concat");
}

TEST_F(GatherTest, TakesTheFirstMapThatSucceeds) {
  const Outcome first = run(workspace_, {"run", "word_count", "in.txt", "-o", "out",
                                         "--split-bytes", "20K", "--gather", "first"});
  EXPECT_EQ(first.exit_code, 3) << first.both();
  const Json partial = Json::parse(workspace_.read("out/_PARTIAL"));
  EXPECT_EQ(partial["coverage"]["reason"], "FIRST_SUCCESSFUL");
  EXPECT_FALSE(partial.contains("gathered"));
  // What the job says of its parts holds for those of the first map, too.
  const Outcome declared =
      run(workspace_, {"run", faulty_plugin("held") + ":declared", "in.txt", "-o", "one", "-r", "3",
                       "--split-bytes", "20K", "--gather", "first"});
  EXPECT_EQ(declared.exit_code, 3) << declared.both();
  const Json one = Json::parse(workspace_.read("one/_PARTIAL"));
  EXPECT_EQ(one["gathered"]["strategy"], "merge-sort");
}

TEST_F(GatherTest, TakesWhatAQuorumOfReplicasAgreesOn) {
  const auto policy_of = [&](const Words& more) {
    const Words words = {"run",     faulty_plugin("held") + ":declared",
                         "in.txt",  "-o",
                         "out",     "--on-exists",
                         "replace", "-r",
                         "3",       "--gather",
                         "quorum",  "--json"};
    const Outcome voted = run(workspace_, with(words, more));
    EXPECT_EQ(voted.exit_code, 0) << voted.both();
    // How parts are gathered, the job says.
    EXPECT_EQ(manifest("out")["gathered"]["strategy"], "merge-sort");
    return Json::parse(voted.out)["replicas"]["policy"].get<std::string>();
  };
  EXPECT_EQ(policy_of({}), "quorum of 3 replicas");
  EXPECT_EQ(policy_of({"--replicas", "4", "--accept", "quorum"}), "quorum of 4 replicas");
}

TEST_F(GatherTest, CoversWhatThePolicyLetGoOn) {
  // Each is a map of its own.
  std::string apples;
  for (int i = 0; i < 150; ++i) apples += "apple\n";
  workspace_.write("many/1.txt", apples);
  workspace_.write("many/2.txt", apples + "pear fig\n");
  workspace_.write("many/3.txt.gz", std::string("\x1f\x8b\x08\x00", 4) + std::string(600, 'x'));
  const Outcome outcome = run(
      workspace_, {"run", "word_count", "many", "-o", "out", "-r", "3", "--split-bytes", "1K",
                   "--attempts", "1", "--completion", "all-completed", "--gather", "merge-sort"});
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_EQ(part("out"), "apple\t300\nfig\t1\npear\t1\n");
  EXPECT_TRUE(workspace_.exists("out/_PARTIAL"));
}

TEST_F(GatherTest, GoesOnElsewhereWhenAWorkerIsKilledAtIt) {
  Cluster cluster(workspace_, 2, 1);
  ASSERT_TRUE(cluster.up());
  const HeldJob job = hold_the_root(cluster);
  ASSERT_NE(job.holder(), 0);
  ASSERT_TRUE(cluster.kill_worker_above(job.holder()));
  EXPECT_TRUE(job.is_held_again());
  job.go_on_to_the_end();
  EXPECT_EQ(run(workspace_, {"cat", "out"}).out, in_one_part());
  expect_verified("out");
  // Its task was lost, or had a backup before that was noticed.
  const Json status = Json::parse(job.status());
  EXPECT_GE(status["lost_attempts"].get<int>() + status["speculative_attempts"].get<int>(), 1);
  EXPECT_EQ(cluster.down().exit_code, 0);
}

TEST_F(GatherTest, GoesOnUnderAMasterThatIsStartedAgain) {
  Cluster cluster(workspace_, 2, 1);
  ASSERT_TRUE(cluster.up());
  const HeldJob job = hold_the_root(cluster);
  ASSERT_NE(job.holder(), 0);
  const Outcome again = cluster.kill_and_start_master();
  ASSERT_EQ(again.exit_code, 0) << again.both();
  job.go_on_to_the_end();
  EXPECT_EQ(run(workspace_, {"cat", "out"}).out, in_one_part());
  EXPECT_EQ(cluster.down().exit_code, 0);
}

}  // namespace
}  // namespace fanfold::e2e
