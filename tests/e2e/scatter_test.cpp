// `fanfold scatter` with real programs and jobs: whom it asks, how it merges, and what it says of
// those that fail, are late, or go away.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;

class ScatterTest : public testing::Test {
 protected:
  using Words = std::vector<std::string>;

  static Words scatter(Words words, const Words& program = {}) {
    words.insert(words.begin(), "scatter");
    if (!program.empty()) words.emplace_back("--");
    words.insert(words.end(), program.begin(), program.end());
    return words;
  }
  /// A script for `sh` that finds its target in $1.
  static Words script(const std::string& text) { return {"sh", "-c", text, "sh"}; }
  Outcome ask(const Words& words, const Words& program = {}) {
    const Outcome outcome = run(workspace_, scatter(words, program));
    EXPECT_THAT(workspace_.remains(), IsEmpty());
    return outcome;
  }
  /// Three indexes; both "be" and "hamlet" are in more than one.
  Words write_shards() const {
    workspace_.write("a.tsv", "hamlet\tbe\t0.5\nlear\tbe\t0.25\n");
    workspace_.write("b.tsv", "macbeth\tbe\t0.375\n");
    workspace_.write("c.tsv", "hamlet\tbe\t0.5\nothello\tnot\t1\n");
    return {"a.tsv", "b.tsv", "c.tsv"};
  }

  Workspace workspace_;
};

TEST_F(ScatterTest, AsksAProgramForEachTargetAndKeepsTheirOrder) {
  const Outcome outcome = ask({"b", "a", "c"}, script("echo $1 1; echo $1 2"));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(outcome.out, "b 1\nb 2\na 1\na 2\nc 1\nc 2\n");
  EXPECT_THAT(outcome.err, IsEmpty());
}

TEST_F(ScatterTest, ATargetIsDataWhateverItHolds) {
  const std::string target = "$(touch pwned) `touch pwned`; touch pwned \"'{}\t\\n";
  const Outcome outcome = ask({target}, {"printf", "%s\\n", "<{}>"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(outcome.out, "<" + target + ">\n");
  EXPECT_FALSE(workspace_.exists("pwned"));
}

TEST_F(ScatterTest, GivesTheRequestToEachAndReadsTargetsFromAListAndStandardInput) {
  workspace_.write("list", "one\r\n\ntwo\n");
  workspace_.write("more", "three");
  workspace_.write("request", "what is new?\n");
  CommandOptions options;
  options.standard_input = workspace_.path("more");
  const Outcome outcome =
      run(workspace_,
          scatter({"@list", "-", "--request", "@request"}, script("read q; echo $1: $q")), options);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(outcome.out, "one: what is new?\ntwo: what is new?\nthree: what is new?\n");
}

TEST_F(ScatterTest, MergesRankedAnswersAndDropsDuplicates) {
  workspace_.write("x", "p\t1\nq\t9\n");
  workspace_.write("y", "r\t5\nq\t7\ns\t-1\n");
  const Words merged = {"x", "y", "--rank", "2", "--distinct", "1", "--json"};
  const Outcome outcome = ask(merged, {"cat"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  const Json json = Json::parse(outcome.out);
  EXPECT_EQ(json["answers"], (Json{"q\t9", "r\t5", "p\t1", "s\t-1"}));
  EXPECT_EQ(json["duplicates"], 1);
  EXPECT_EQ(json["late_answers"], 0);
  EXPECT_EQ(json["targets"]["answered"], 2);
  const Outcome least = ask({"x", "y", "--rank", "2", "--least-first", "--top", "2"}, {"cat"});
  EXPECT_EQ(least.out, "s\t-1\np\t1\n");
  const Outcome equal = ask({"x", "x2", "--distinct", "content"}, script("cat x"));
  EXPECT_EQ(equal.out, "p\t1\nq\t9\n");
}

TEST_F(ScatterTest, RunsCommandsThatAreTargets) {
  workspace_.write("commands",
                   "[\"echo\", \"{\\\"n\\\": 1}\"]\n[\"sh\", \"-c\", \"echo '{\\\"n\\\": 2}'\"]\n");
  const Outcome outcome = ask({"@commands", "--answers", "json", "--rank", "$.n"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(outcome.out, "{\"n\": 2}\n{\"n\": 1}\n");
}

TEST_F(ScatterTest, SearchesTheShardsOfAnIndex) {
  Words words = write_shards();
  words.insert(words.end(), {"--to", "search", "--param", "query=be", "--rank", "$.value",
                             "--distinct", "$.key", "--top", "2"});
  const Outcome outcome = ask(words);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(outcome.out,
            "{\"key\":\"hamlet\",\"value\":0.5}\n{\"key\":\"macbeth\",\"value\":0.375}\n");
}

TEST_F(ScatterTest, NamesTheTargetsThatFail) {
  const Words program = script("test $1 != b || { echo no such index >&2; exit 7; }; echo $1");
  const Outcome all = ask({"a", "b", "c"}, program);
  EXPECT_EQ(all.exit_code, 1) << all.both();
  EXPECT_THAT(all.err, HasSubstr("target 'b' failed: Task.Exit: exit status 7: no such index"));
  EXPECT_THAT(all.out, IsEmpty());

  const Words some = {"a", "b", "c", "--completion", "all-completed"};
  const Outcome outcome = ask(some, program);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_EQ(outcome.out, "a\nc\n");
  EXPECT_THAT(outcome.err, HasSubstr("2 of 3 targets answered (ALL_COMPLETED)"));
  EXPECT_THAT(outcome.err, HasSubstr("failed   b: Task.Exit: exit status 7: no such index\n"));
}

TEST_F(ScatterTest, KeepsAnswersWithAManifestThatNamesWhatIsMissing) {
  Words words = write_shards();
  words.insert(words.end(), {"gone.tsv", "--to", "search", "--param", "query=be", "-o", "out",
                             "--completion", "min-successful=75%"});
  const Outcome outcome = ask(words);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_THAT(outcome.out, HasSubstr("4: 3 answered"));
  const Json manifest = Json::parse(workspace_.read("out/manifest.json"));
  EXPECT_EQ(manifest["state"], "partial");
  EXPECT_EQ(manifest["late_answers"], 0);
  ASSERT_EQ(manifest["missing"].size(), 1u);
  EXPECT_EQ(manifest["missing"][0]["target"], "gone.tsv");
  EXPECT_TRUE(workspace_.exists("out/_PARTIAL"));
  const Outcome verified = run(workspace_, {"verify", "out"});
  EXPECT_EQ(verified.exit_code, 3) << verified.both();
  EXPECT_THAT(run(workspace_, {"cat", "out"}).out, HasSubstr("\"hamlet\""));
  // It is there, and stays as it is unless it may be replaced.
  EXPECT_EQ(ask({"a", "-o", "out"}, {"echo"}).exit_code, 2);
  EXPECT_EQ(ask({"a", "-o", "out", "--on-exists", "replace"}, {"echo"}).exit_code, 0);
  EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 0);
  EXPECT_EQ(run(workspace_, {"cat", "out"}).out, "a\n");
}

TEST_F(ScatterTest, AnswersAtItsDeadlineWithoutThoseThatAreLate) {
  const Words program = script("test $1 != slow || exec sleep 1000; echo $1");
  const Outcome outcome =
      ask({"a", "slow", "--deadline", "3s", "--on-deadline", "partial", "--json"}, program);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  const Json json = Json::parse(outcome.out);
  EXPECT_EQ(json["answers"], Json{"a"});
  EXPECT_EQ(json["reason"], "DEADLINE_EXCEEDED");
  EXPECT_EQ(json["targets"]["late"], 1);
  EXPECT_EQ(json["missing"], Json::parse(R"([{"target": "slow", "why": "late"}])"));
  const Outcome nobody =
      ask({"slow", "--deadline", "1s", "--on-deadline", "partial", "--json"}, program);
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_THAT(nobody.err, HasSubstr("DEADLINE_EXCEEDED"));
  EXPECT_EQ(Json::parse(nobody.out)["state"], "failed");
}

TEST_F(ScatterTest, TheFirstAnswerIsEnoughWhenThatIsThePolicy) {
  const Words program = script("test $1 = quick || exec sleep 1000; echo $1");
  const Outcome outcome = ask({"slow", "quick", "slower", "--completion", "first"}, program);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_EQ(outcome.out, "quick\n");
  EXPECT_THAT(outcome.err, HasSubstr("stopped  slow\n"));
  EXPECT_THAT(outcome.err, HasSubstr("stopped  slower\n"));
}

TEST_F(ScatterTest, AsksAgainAsRetrySays) {
  const Words program = script("test $FANFOLD_ATTEMPT = 2 || exit 9; echo $1");
  const std::string retry = R"({"ErrorEquals": ["Task.Exit"], "IntervalSeconds": 1})";
  const Outcome outcome = ask({"a", "b", "--retry", retry, "--json"}, program);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(Json::parse(outcome.out)["retries"], 2);
}

TEST_F(ScatterTest, AnswersThatCannotBeRankedFailTheirTarget) {
  workspace_.write("good", "a\t1\n");
  workspace_.write("bad", "b\t1\nc\n");
  const Outcome outcome =
      ask({"good", "bad", "--rank", "2", "--completion", "all-completed"}, {"cat"});
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_EQ(outcome.out, "a\t1\n");
  EXPECT_THAT(outcome.err, HasSubstr("bad: Data.Corrupt: answer 2 has no number in column 2: c"));
}

TEST_F(ScatterTest, RefusesBeforeAnythingStarts) {
  struct Row {
    Words words;
    Words program;
    const char* why;
  };
  workspace_.write("empty", "\n\n");
  const Words touch = {"touch"};
  const std::vector<Row> rows = {
      {{}, touch, "there are no targets"},
      {{"@empty"}, touch, "the list '@empty' is empty"},
      {{"-"}, touch, "is empty"},
      {{"@none"}, touch, "none"},
      {{"a", "b", "a"}, touch, "'a' is given twice"},
      {{"a"}, {"no-such-program"}, "there is no program 'no-such-program' in PATH"},
      {{"a"}, {"./none"}, "is no program that can be run"},
      {{"a"}, {}, "is no command"},
      {{"[\"touch\", 3]"}, {}, "is no command"},
      {{"[\"no-such-program\"]"}, {}, "there is no program"},
      {{"a", "--to", "search"}, touch, "give one of them"},
      {{"a", "--to", "serach", "--param", "query=x"}, {}, "Did you mean 'search'"},
      {{"a", "--to", "search"}, {}, "query"},
      {{"a", "--to", "search", "--param", "query=x", "--request", "y"}, {}, "--request is for"},
      {{"a", "--param", "x=y"}, touch, "--param is for a job"},
      {{"a", "--rank", "score"}, touch, "neither a path"},
      {{"a", "--rank", "$.score"}, touch, "say --answers json"},
      {{"a", "--answers", "json", "--rank", "2"}, touch, "is a column"},
      {{"a", "--answers", "jsn"}, touch, "Did you mean 'json'"},
      {{"a", "--least-first"}, touch, "--rank"},
      {{"a", "--top", "0"}, touch, "--top"},
      {{"a", "b", "--completion", "quorum=5"}, touch, "only 2 targets"},
      {{"a", "b", "--completion", "min-successful=3"}, touch, "3 targets would have to"},
      {{"a", "--deadline", "-1s"}, touch, "in the past"},
      {{"a", "--retry", "[{\"ErrorEquals\": [\"Task.Exti\"]}]"}, touch, "Did you mean 'Task.Exit'"},
      {{"a", "--retry", "[{"}, touch, "--retry"},
      {{"a", "--on-exists", "replace"}, touch, "without -o"},
      {{std::string("\xff\xfe")}, touch, "UTF-8"},
  };
  for (const Row& row : rows) {
    const Outcome outcome = ask(row.words, row.program);
    EXPECT_EQ(outcome.exit_code, 2) << row.why << "\n" << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr(row.why));
    EXPECT_FALSE(workspace_.exists("a")) << row.why;
  }
}

TEST_F(ScatterTest, AnInterruptEndsThoseThatAreAsked) {
  Running command(workspace_, scatter({"a", "b"}, script("touch begun; exec sleep 1000")));
  ASSERT_TRUE(eventually([&] { return workspace_.exists("begun"); })) << command.err_so_far();
  command.signal(SIGINT);
  EXPECT_EQ(command.wait().exit_code, 130);
  EXPECT_THAT(workspace_.remains(), IsEmpty());
}

TEST_F(ScatterTest, AKilledWorkerCostsNoTarget) {
  const Cluster cluster(workspace_, 2, 2);
  ASSERT_TRUE(cluster.up());
  Running command(workspace_,
                  scatter({"a", "b", "c"},
                          script("touch begun-$1; until [ -e go ]; do sleep 0.05; done; echo $1")),
                  cluster.options());
  ASSERT_TRUE(eventually([&] {
    return workspace_.exists("begun-a") && workspace_.exists("begun-b") &&
           workspace_.exists("begun-c");
  })) << command.err_so_far();
  const pid_t worker = cluster.workers().front();
  ::kill(worker, SIGKILL);
  ASSERT_TRUE(eventually([&] { return command_line_of(worker).empty(); }));
  // The one that takes its place tells the master at once.
  ASSERT_EQ(run(workspace_, {"cluster", "up", "--dir", cluster.directory()}).exit_code, 0);
  workspace_.write("go", "");
  const Outcome outcome = command.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(outcome.out, "a\nb\nc\n");
}

TEST_F(ScatterTest, AKilledMasterGoesOnWithThoseThatHaveAnswered) {
  const Cluster cluster(workspace_, 2, 2);
  ASSERT_TRUE(cluster.up());
  Running command(
      workspace_,
      scatter({"a", "b"},
              script("echo x >> asked-$1; test $1 = a || until [ -e go ]; do sleep 0.05; "
                     "done; echo $1")),
      cluster.options());
  ASSERT_TRUE(eventually([&] {
    const Outcome listed = cluster.run({"list", "--json"});
    const Json jobs = Json::parse(listed.out, nullptr, false);
    return jobs.is_array() && !jobs.empty() && jobs[0]["stages"][0]["done"] == 1;
  })) << command.err_so_far();
  for (const pid_t pid : processes_naming(cluster.directory())) {
    if (command_line_of(pid).find("fanfold-master") == std::string::npos) continue;
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(eventually([&] { return command_line_of(pid).empty(); }));
  }
  ASSERT_EQ(run(workspace_, {"cluster", "up", "--dir", cluster.directory()}).exit_code, 0);
  workspace_.write("go", "");
  const Outcome outcome = command.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(outcome.out, "a\nb\n");
  EXPECT_EQ(workspace_.read("asked-a"), "x\n");
}

}  // namespace
}  // namespace fanfold::e2e
