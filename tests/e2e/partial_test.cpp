// Jobs that may do without some of their input, on real processes: what they cover, what they call
// themselves, how fast they stop what is not needed, and what is refused before anything starts.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::json;

class Partial : public testing::Test {
 protected:
  static constexpr std::size_t kFileBytes = 128;

  /// One map task for each text, which is followed by empty lines.
  void write_inputs(const std::vector<std::string>& texts) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::string text = texts[i];
      text.resize(kFileBytes, '\n');
      workspace_.write("in/" + std::to_string(i) + ".txt", text);
    }
  }
  std::vector<std::string> job(const std::string& command, std::vector<std::string> more) const {
    std::vector<std::string> words = {
        command,         faulty_plugin("faulty"),   "in", "-o", "out", "-r", "2",
        "--split-bytes", std::to_string(kFileBytes)};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Outcome run_job(std::vector<std::string> more) {
    const Outcome outcome = run(workspace_, job("run", std::move(more)));
    EXPECT_THAT(workspace_.remains(), IsEmpty());
    return outcome;
  }
  Json manifest() const { return Json::parse(workspace_.read("out/_PARTIAL")); }
  std::string line_that_waits() const { return "wait for " + workspace_.path("never") + "\n"; }

  Workspace workspace_;
};

TEST_F(Partial, GoesOnWithoutWhatFailsForGood) {
  write_inputs({"a\nb\n", "throw\n", "a\nc\n", "segv\n"});
  const Outcome outcome = run_job({"--completion", "all-completed", "--attempts", "2"});
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_THAT(outcome.out, HasSubstr("PARTIAL"));
  EXPECT_THAT(outcome.out, HasSubstr("2 map tasks failed for good"));
  EXPECT_THAT(outcome.both(), Not(HasSubstr("finished in")));
  EXPECT_FALSE(workspace_.exists("out/_SUCCESS"));

  const Json coverage = manifest()["coverage"];
  EXPECT_EQ(coverage["reason"], "ALL_COMPLETED");
  EXPECT_EQ(coverage["map_tasks"], 4);
  EXPECT_EQ(coverage["covered"], 2);
  ASSERT_EQ(coverage["missing"].size(), 2u);
  EXPECT_EQ(coverage["missing"][0]["task"], 1);
  EXPECT_EQ(coverage["missing"][0]["why"], "failed");
  EXPECT_THAT(coverage["missing"][0]["error"].get<std::string>(), HasSubstr("this record is bad"));
  EXPECT_THAT(coverage["missing"][1]["error"].get<std::string>(), HasSubstr("SIGSEGV"));
  EXPECT_EQ(coverage["missing"][1]["pieces"][0]["path"], workspace_.path("in/3.txt"));

  const Outcome text = run(workspace_, {"cat", "out"});
  EXPECT_EQ(text.exit_code, 3);
  EXPECT_THAT(text.out, HasSubstr("\na\t2\nb\t1\nc\t1\n"));
  EXPECT_THAT(text.err, HasSubstr("partial"));
  const Outcome verified = run(workspace_, {"verify", "out"});
  EXPECT_EQ(verified.exit_code, 3) << verified.both();
  EXPECT_THAT(verified.out, HasSubstr("2 map tasks covered + 2 listed as missing = 4"));
  EXPECT_THAT(verified.out, Not(HasSubstr("FAILED")));
}

TEST_F(Partial, AWholeJobWithAPolicyIsASuccess) {
  write_inputs({"a\n", "b\n"});
  EXPECT_EQ(run_job({"--completion", "all-completed", "--deadline", "60s"}).exit_code, 0);
  const Json manifest = Json::parse(workspace_.read("out/_SUCCESS"));
  EXPECT_EQ(manifest["coverage"]["covered_percent"], "100.00");
  EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 0);
  // And a partial output may be replaced.
  write_inputs({"a\n", "throw\n"});
  EXPECT_EQ(
      run_job({"--completion", "first", "--attempts", "1", "--on-exists", "replace"}).exit_code, 3);
  EXPECT_FALSE(workspace_.exists("out/_SUCCESS"));
  EXPECT_EQ(
      run_job({"--completion", "first", "--attempts", "1", "--on-exists", "replace"}).exit_code, 3);
}

TEST_F(Partial, NoticesAPieceThatTheManifestDoesNotMiss) {
  write_inputs({"a\n", "throw\n"});
  ASSERT_EQ(run_job({"--completion", "all-completed", "--attempts", "1"}).exit_code, 3);
  Json changed = manifest();
  changed["coverage"]["missing"][0]["pieces"][0]["end"] = 127;
  workspace_.write("out/_PARTIAL", changed.dump());
  const Outcome outcome = run(workspace_, {"verify", "out"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
  // Nor may it be called a success by renaming a file.
  workspace_.write("out/_PARTIAL", manifest().dump());
  workspace_.write("out/_SUCCESS", manifest().dump());
  EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 1);
}

TEST_F(Partial, FailsWhenTooManyFail) {
  write_inputs({"a\n", "throw\n", "throw\n"});
  const Outcome outcome =
      run_job({"--completion", "min-successful=2", "--attempts", "1", "--json"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
  const Json status = Json::parse(outcome.out);
  EXPECT_EQ(status["state"], "failed");
  EXPECT_EQ(status["completion"]["reason"], "FAILURE_TOLERANCE_EXCEEDED");
  EXPECT_THAT(outcome.err, HasSubstr("this record is bad"));
  EXPECT_FALSE(workspace_.exists("out"));
}

TEST_F(Partial, StopsWhatIsNotNeededAndMeasuresIt) {
  const Cluster cluster(workspace_, 4, 1);
  write_inputs({"a\n", "b\n", line_that_waits(), line_that_waits()});
  const Outcome outcome = cluster.run(job("run", {"--completion", "min-successful=50%", "--json"}));
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  const Json completion = Json::parse(outcome.out)["completion"];
  EXPECT_EQ(completion["reason"], "MIN_SUCCESSFUL_REACHED");
  EXPECT_EQ(completion["maps_covered"], 2);
  EXPECT_EQ(completion["maps_dropped"], 2);
  EXPECT_EQ(completion["attempts_stopped"], 2);
  const Json coverage = manifest()["coverage"];
  EXPECT_EQ(coverage["attempts_stopped"], 2);
  EXPECT_EQ(coverage["missing"][0]["why"], "stopped");
  // Heard of at once, not with the next heartbeat.  (The promise is a tenth of a second; this
  // machine may have others to serve.)
  EXPECT_GT(completion["stop_us"].get<std::uint64_t>(), 0u);
  EXPECT_LT(completion["stop_us"].get<std::uint64_t>(), 500'000u);
}

TEST_F(Partial, GoesOnAtItsDeadlineWithWhatIsDone) {
  const Cluster cluster(workspace_, 3, 1);
  write_inputs({"a\n", "b\n", line_that_waits()});
  const Outcome outcome =
      cluster.run(job("run", {"--deadline", "2s", "--on-deadline", "partial", "--json"}));
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_EQ(Json::parse(outcome.out)["completion"]["reason"], "DEADLINE_EXCEEDED");
  EXPECT_EQ(manifest()["coverage"]["deadline_ms"], 2000);
  EXPECT_THAT(cluster.run({"cat", "out"}).out, HasSubstr("\na\t1\nb\t1\n"));
  const Outcome listed = cluster.run({"list"});
  EXPECT_THAT(listed.out, HasSubstr("partial"));
}

TEST_F(Partial, FailsAtItsDeadline) {
  write_inputs({"a\n", line_that_waits()});
  const Outcome outcome = run_job({"--deadline", "1s"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
  EXPECT_THAT(outcome.err, HasSubstr("DEADLINE_EXCEEDED"));
  EXPECT_FALSE(workspace_.exists("out"));
}

TEST_F(Partial, TheEventLogTellsWhatIsCovered) {
  write_inputs({"a\n", "throw\n"});
  ASSERT_EQ(run_job({"--completion", "all-completed", "--attempts", "1", "--events",
                     workspace_.path("events.jsonl")})
                .exit_code,
            3);
  const std::string events = workspace_.read("events.jsonl");
  EXPECT_THAT(events, HasSubstr("\"task.given_up\""));
  EXPECT_THAT(events, HasSubstr("\"coverage.decided\""));
  EXPECT_THAT(events, HasSubstr("\"state\":\"partial\""));
}

TEST_F(Partial, RetriesAsTheStatesLanguageSays) {
  write_inputs({"throw\n", "segv once\n"});
  const std::string retry =
      R"([{"ErrorEquals": ["Task.Signal"], "IntervalSeconds": 1, "MaxAttempts": 2},
          {"ErrorEquals": ["Task.Exception"], "MaxAttempts": 0}])";
  const Outcome outcome = run_job({"--completion", "all-completed", "--retry", retry, "--json"});
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  const Json status = Json::parse(outcome.out);
  // The exception once, the signal once and then no more.
  EXPECT_EQ(status["failed_attempts"], 2);
  EXPECT_EQ(status["completion"]["maps_covered"], 1);
}

struct Refused {
  const char* name;
  std::vector<std::string> flags;
  const char* because;
};

class PartialRefused : public Partial, public testing::WithParamInterface<Refused> {};

TEST_P(PartialRefused, SaysWhyBeforeAnythingStarts) {
  write_inputs({"a\n", "b\n", "c\n"});
  const Outcome outcome = run_job(GetParam().flags);
  EXPECT_EQ(outcome.exit_code, 2) << outcome.both();
  EXPECT_THAT(outcome.err, HasSubstr(GetParam().because));
  EXPECT_FALSE(workspace_.exists("out"));
}

INSTANTIATE_TEST_SUITE_P(
    Flags, PartialRefused,
    testing::Values(
        Refused{"QuorumOfFiveOfThree", {"--completion", "quorum=5"}, "5 map tasks would have to"},
        Refused{"QuorumWithoutMajority", {"--completion", "quorum=1"}, "no majority"},
        Refused{"MoreThanThereAre", {"--completion", "min-successful=4"}, "only 3 map tasks"},
        Refused{"NegativeShare", {"--completion", "min-successful=-5%"}, "less than nothing"},
        Refused{"MoreThanAll", {"--completion", "min-successful=101%"}, "more than 100 %"},
        Refused{"NoShare", {"--completion", "min-successful=0%"}, "0 %"},
        Refused{"NoNumber", {"--completion", "min-successful"}, "how many"},
        Refused{"ANumberTooMany", {"--completion", "first=2"}, "takes no number"},
        Refused{"MistypedPolicy", {"--completion", "al-completed"}, "Did you mean"},
        Refused{"DeadlineInThePast", {"--deadline", "-3s"}, "in the past"},
        Refused{"DeadlineOfNothing", {"--deadline", "0s"}, "over before"},
        Refused{"NoDeadline", {"--on-deadline", "partial"}, "there is no deadline"},
        Refused{"UnknownEnd", {"--deadline", "9s", "--on-deadline", "parcial"}, "Did you mean"},
        Refused{"InProcess", {"--in-process", "--completion", "first"}, "--completion"},
        Refused{"RetryAndAttempts",
                {"--attempts", "2", "--retry", R"({"ErrorEquals": ["States.ALL"]})"},
                "--attempts"},
        Refused{"RetryOfAnUnknownField",
                {"--retry", R"([{"ErrorEquals": ["States.ALL"], "MaxAttempt": 1}])"},
                "Did you mean 'MaxAttempts'"},
        Refused{"RetryOfAnUnknownError",
                {"--retry", R"([{"ErrorEquals": ["Task.Exceptoin"]}])"},
                "Did you mean 'Task.Exception'"},
        Refused{"RetryOfAllBeforeOthers",
                {"--retry", R"([{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["Task.Exit"]}])"},
                "States.ALL"},
        Refused{"RetryThatShrinks",
                {"--retry", R"([{"ErrorEquals": ["States.ALL"], "BackoffRate": 0.5}])"},
                "BackoffRate"}),
    [](const auto& info) { return info.param.name; });

// A master that is killed while its job runs, or after it has decided what the job covers.
TEST_F(Partial, AKilledMasterGoesOnWithItsPolicy) {
  Cluster cluster(workspace_, 3, 1);
  write_inputs({"a\n", "wait for " + workspace_.path("go") + "\n", line_that_waits()});
  const Outcome submitted = cluster.run(job("submit", {"--completion", "min-successful=2"}));
  ASSERT_EQ(submitted.exit_code, 0) << submitted.both();
  const std::string id = submitted.out.substr(0, submitted.out.find('\n'));
  ASSERT_TRUE(eventually([&] {
    const Json status = Json::parse(cluster.run({"status", id, "--json"}).out);
    return status["stages"][0]["done"] == 1;
  }));
  for (const pid_t pid : processes_naming(cluster.directory())) {
    if (command_line_of(pid).find("fanfold-master") != std::string::npos) ::kill(pid, SIGKILL);
  }
  const Outcome again =
      run(workspace_, {"cluster", "up", "--dir", cluster.directory(), "--workers", "3"});
  ASSERT_EQ(again.exit_code, 0) << again.both();
  workspace_.write("go", "");
  const Outcome outcome = cluster.run({"wait", id, "--json"});
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  const Json completion = Json::parse(outcome.out)["completion"];
  EXPECT_EQ(completion["reason"], "MIN_SUCCESSFUL_REACHED");
  EXPECT_EQ(completion["maps_covered"], 2);
}

TEST_F(Partial, GathersWhatThereIsAtTheDeadline) {
  constexpr int kFiles = 6;
  constexpr int kWaits = 3;
  const std::string wait = "bad and wait " + workspace_.path("never") + "\n";
  for (int i = 0; i < kFiles; ++i) {
    std::string text;
    for (int line = 0; line < 16; ++line) text += "good w" + std::to_string(i) + "\n";
    // As large as the others: each is a map.
    ASSERT_LT(wait.size() + 6, kFileBytes);
    if (i == kWaits) {
      text = wait + "good " + std::string(kFileBytes - wait.size() - 6, 'z') + "\n";
    }
    ASSERT_EQ(text.size(), kFileBytes);
    workspace_.write("in/" + std::to_string(i) + ".txt", text);
  }
  const Cluster cluster(workspace_, 2, 4);
  const std::vector<std::string> ways = {"concat", "merge-sort", "reduce"};
  for (const std::string& way : ways) {
    const Outcome submitted =
        cluster.run({"submit", faulty_plugin("mending_1") + ":counted", "in", "-o", way, "-r", "4",
                     "--split-bytes", std::to_string(kFileBytes), "--gather", way, "--gather-arity",
                     "2", "--deadline", "5s", "--on-deadline", "partial"});
    ASSERT_EQ(submitted.exit_code, 0) << submitted.both();
  }
  for (std::size_t job = 1; job <= ways.size(); ++job) {
    const Outcome waited = cluster.run({"wait", std::to_string(job)});
    EXPECT_EQ(waited.exit_code, 3) << waited.both();
    const std::string& way = ways[job - 1];
    const Json partial = Json::parse(workspace_.read(way + "/_PARTIAL"));
    EXPECT_EQ(partial["gathered"]["strategy"], way);
    EXPECT_EQ(partial["coverage"]["reason"], "DEADLINE_EXCEEDED");
    std::set<int> missing;
    for (const Json& task : partial["coverage"]["missing"]) missing.insert(task["task"].get<int>());
    EXPECT_TRUE(missing.contains(kWaits));
    // Of the others mostly all, unless the machine was very busy.
    std::multiset<std::string> wanted;
    for (int i = 0; i < kFiles; ++i) {
      if (!missing.contains(i)) wanted.insert("w" + std::to_string(i) + "\t16");
    }
    std::multiset<std::string> found;
    std::istringstream lines(workspace_.read(way + "/part-00000-of-00001"));
    for (std::string line; std::getline(lines, line);) found.insert(line);
    EXPECT_EQ(found, wanted) << way;
    EXPECT_EQ(cluster.run({"verify", way}).exit_code, 3) << way;
  }
}

}  // namespace
}  // namespace fanfold::e2e
