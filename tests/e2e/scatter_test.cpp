// `fanfold scatter` with real programs and jobs: whom it asks, how it merges, and what it says of
// those that fail, are late, or go away.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "tests/e2e/scatter_fixture.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;

using ScatterTest = ScatterFixture;

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

  const Outcome too_few =
      ask({"a", "b", "c", "--completion", "min-successful=3", "--json"}, program);
  EXPECT_EQ(too_few.exit_code, 1) << too_few.both();
  EXPECT_THAT(too_few.err, testing::Not(HasSubstr("target 1")));
  const Json json = Json::parse(too_few.out);
  EXPECT_EQ(json["targets"]["failed"], 1);
  EXPECT_EQ(json["missing"][0]["target"], "b");
  EXPECT_THAT(json["missing"][0]["error"], HasSubstr("exit status 7: no such index"));

  const Words some = {"a", "b", "c", "--completion", "all-completed"};
  const Outcome outcome = ask(some, program);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_EQ(outcome.out, "a\nc\n");
  EXPECT_THAT(outcome.err, HasSubstr("2 of 3 targets answered (ALL_COMPLETED)"));
  EXPECT_THAT(outcome.err, HasSubstr("failed   b: Task.Exit: exit status 7: no such index\n"));
}

TEST_F(ScatterTest, ATargetThatKillsWhoeverAsksIsNotAskedForEver) {
  const Words program = script("echo x >> asked-$1; test $1 != a || kill -9 $PPID; echo $1");
  const Outcome outcome = ask({"a", "b", "--completion", "all-completed"}, program);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_EQ(outcome.out, "b\n");
  EXPECT_THAT(outcome.err, HasSubstr("failed   a: Task.Lost: the executor was killed"));
  // Whatever else is lost meanwhile counts too.
  EXPECT_LE(workspace_.read("asked-a").size(), std::string("x\nx\nx\nx\n").size());
}

TEST_F(ScatterTest, CountsDuplicatesBeyondTheTopAndTakesNoBytesThatAreNoText) {
  const Outcome top =
      ask({"a", "b", "--distinct", "content", "--top", "1", "--json"}, script("echo same"));
  ASSERT_EQ(top.exit_code, 0) << top.both();
  EXPECT_EQ(Json::parse(top.out)["duplicates"], 1);
  EXPECT_EQ(Json::parse(top.out)["answers"], Json{"same"});
  const Outcome bytes = ask({"a", "b", "--completion", "all-completed"},
                            script("test $1 = b && echo good || printf '\\377\\n'"));
  EXPECT_EQ(bytes.exit_code, 3) << bytes.both();
  EXPECT_EQ(bytes.out, "good\n");
  EXPECT_THAT(bytes.err, HasSubstr("a: Data.Corrupt: what it printed is no text in UTF-8"));
}

TEST_F(ScatterTest, TheProgramMayBeTheTarget) {
  for (const char* name : {"one", "two"}) {
    const std::string path = workspace_.write(name, std::string("#!/bin/sh\necho I am ") + name);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  EXPECT_EQ(ask({"one", "two"}, {"./{}"}).out, "I am one\nI am two\n");
}

TEST_F(ScatterTest, AnswersAtItsDeadlineWithoutThoseThatAreLate) {
  const Words program =
      script("test $1 != slow || { setsid sleep 1000 & exec sleep 1000; }; echo $1");
  const Outcome outcome =
      ask({"a", "slow", "--deadline", "10s", "--on-deadline", "partial", "--json"}, program);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  const Json json = Json::parse(outcome.out);
  EXPECT_EQ(json["answers"], Json{"a"});
  EXPECT_EQ(json["reason"], "DEADLINE_EXCEEDED");
  EXPECT_EQ(json["targets"]["late"], 1);
  EXPECT_EQ(json["missing"], Json::parse(R"([{"target": "slow", "why": "late"}])"));
  const Outcome nobody = ask({"slow", "--deadline", "1s", "--on-deadline", "partial", "--json"},
                             script("exec sleep 1000"));
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
  workspace_.write("zero", std::string("a\0b\n", 4));
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
      {{"@zero"}, touch, "holds a zero byte"},
      {{"[\"touch\", \"\\u0000\"]"}, {}, "holds a zero byte"},
      {{"a", "./a", "--to", "search", "--param", "query=x"}, {}, "are one file"},
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

TEST_F(ScatterTest, CountsAnAnswerThatComesAfterTheEnd) {
  const Cluster cluster(workspace_, 2, 1);
  ASSERT_TRUE(cluster.up());
  pid_t master = 0;
  for (const pid_t pid : processes_naming(cluster.directory())) {
    if (command_line_of(pid).find("fanfold-master") != std::string::npos) master = pid;
  }
  ASSERT_NE(master, 0);
  // Both answers wait for a master that stands still: the second of them comes after the end.  A
  // worker may be slower than that, so it is tried until it is so.
  int round = 0;
  EXPECT_TRUE(eventually([&] {
    const std::string go = "go-" + std::to_string(++round);
    const std::string program =
        "touch begun-$1-" + go + "; until [ -e " + go + " ]; do sleep 0.05; done; echo $1";
    Running command(workspace_,
                    scatter({"a", "b", "--completion", "first", "--json"}, script(program)),
                    cluster.options());
    EXPECT_TRUE(eventually([&] {
      return workspace_.exists("begun-a-" + go) && workspace_.exists("begun-b-" + go);
    })) << command.err_so_far();
    ::kill(master, SIGSTOP);
    workspace_.write(go, "");
    EXPECT_TRUE(eventually([&] {
      const std::vector<pid_t> left = processes_naming("touch begun-$1-" + go);
      return std::all_of(left.begin(), left.end(), [](pid_t pid) {
        return command_line_of(pid).find("fanfold scatter") != std::string::npos;
      });
    }));
    ::kill(master, SIGCONT);
    const Outcome outcome = command.wait();
    EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
    const Json json = Json::parse(outcome.out, nullptr, false);
    return json.is_object() && json["answers"].size() == 1 && json["late_answers"] == 1;
  }));
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
