// Records that map() throws, crashes or hangs on: left out or put aside within the attempt, never
// lost and never twice, whoever is killed meanwhile.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::json;

class BadRecords : public testing::Test {
 protected:
  std::vector<std::string> words(const std::string& input, const std::string& output,
                                 const std::string& what) const {
    return {"run",     faulty_plugin("faulty"), input, "-o", output, "-r", "1",
            "--quiet", "--on-bad-record",       what};
  }
  Outcome run_on(const std::string& input, const std::string& what,
                 const std::vector<std::string>& more = {}) {
    workspace_.write("in.txt", input);
    std::vector<std::string> all = words("in.txt", "out", what);
    all.insert(all.end(), more.begin(), more.end());
    return run(workspace_, all);
  }
  Outcome run_keeping(const std::string& job, const std::string& input) {
    workspace_.write("in.txt", input);
    return run(workspace_,
               {"run", job, "--plugin", faulty_plugin("keeping"), "in.txt", "-o", "out", "-r", "1",
                "--quiet", "--on-bad-record", "dead-letter", "--attempts", "1"});
  }
  std::string part(const std::string& output = "out") const {
    return workspace_.read(output + "/part-00000-of-00001");
  }
  std::vector<Json> letters(const std::string& output = "out") const {
    std::vector<Json> all;
    if (!workspace_.exists(output + "/_DEAD_LETTERS")) return all;
    std::istringstream lines(workspace_.read(output + "/_DEAD_LETTERS"));
    for (std::string line; std::getline(lines, line);) all.push_back(Json::parse(line));
    return all;
  }
  Json manifest(const std::string& output = "out") const {
    return Json::parse(workspace_.read(output + "/_SUCCESS"));
  }
  void expect_verified(const std::string& fragment, const std::string& output = "out") {
    const Outcome verified = run(workspace_, {"verify", output});
    EXPECT_EQ(verified.exit_code, 0) << verified.both();
    EXPECT_THAT(verified.out, HasSubstr(fragment));
  }

  Workspace workspace_;
};

TEST_F(BadRecords, ThatThrowCrashExitAndHangArePutAside) {
  const Outcome outcome = run_on("a\nthrow\nb\nsegv\nc\nexit\nhang\nabort\na\n", "dead-letter",
                                 {"--stall-timeout", "500ms", "--attempts", "1"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(part(), "a\t2\nb\t1\nc\t1\n");
  std::set<std::string> found;
  for (const Json& letter : letters()) {
    found.insert(std::to_string(letter["offset"].get<int>()) + " " +
                 letter["error"].get<std::string>() + " " + letter["excerpt"].get<std::string>());
    EXPECT_EQ(letter["file"], workspace_.path("in.txt"));
    EXPECT_EQ(letter["task"], "map/0");
    EXPECT_EQ(letter["attempt_number"], 1);
    EXPECT_FALSE(letter["correlation_id"].get<std::string>().empty());
  }
  EXPECT_EQ(letters().size(), 5u);
  EXPECT_THAT(
      found, ElementsAre("10 Task.Signal segv\n", "17 Task.Exit exit\n", "2 Task.Exception throw\n",
                         "22 Task.Stalled hang\n", "27 Task.Signal abort\n"))
      << outcome.both();
  EXPECT_EQ(manifest()["dead_letters"], 5);
  EXPECT_EQ(manifest()["run"]["failed_attempts"], 0);
  expect_verified("4 records mapped once each, 0 skipped, 5 dead-lettered, 9 read");
  EXPECT_THAT(workspace_.remains(), IsEmpty());
}

TEST_F(BadRecords, HaveTheirStacksWhenTheyCrash) {
  ASSERT_EQ(run_on("segv\n", "dead-letter").exit_code, 0);
  ASSERT_EQ(letters().size(), 1u);
  EXPECT_THAT(letters()[0]["stack"].dump(), HasSubstr("write_to_null_pointer"));
  EXPECT_THAT(letters()[0]["reason"].get<std::string>(), HasSubstr("SIGSEGV"));
}

TEST_F(BadRecords, AreSkippedAndCounted) {
  const Outcome outcome = run_on("a\nthrow\nsegv\nb\n", "skip");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(part(), "a\t1\nb\t1\n");
  EXPECT_FALSE(workspace_.exists("out/_DEAD_LETTERS"));
  EXPECT_EQ(manifest()["records_skipped"], 2);
  expect_verified("2 records mapped once each, 2 skipped, 0 dead-lettered, 4 read");
}

TEST_F(BadRecords, FailTheJobUnlessItSaysOtherwise) {
  EXPECT_EQ(run_on("a\nthrow\n", "fail").exit_code, 1);
  EXPECT_FALSE(workspace_.exists("out"));
}

TEST_F(BadRecords, LeaveNothingOfThemselves) {
  // Few pairs stay in a batch and are taken back; many are not, and the attempt begins anew.
  const std::string input = "a\nemit 3\nwrite and throw\nemit 1000\nb\nemit 60\n";
  const Outcome outcome = run_on(input, "dead-letter", {"--attempts", "1"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(part(), "a\t1\nb\t1\n");
  EXPECT_EQ(letters().size(), 4u);
  EXPECT_FALSE(workspace_.exists("out/half-map"));
  EXPECT_FALSE(manifest()["counters"].contains("half")) << manifest().dump();
  expect_verified("2 records mapped once each, 0 skipped, 4 dead-lettered, 6 read");
}

TEST_F(BadRecords, LeaveNothingInJobsThatKeepThings) {
  const Outcome outcome = run_keeping("keeper", "a\nthrow\nb\nsegv\nthrow\n");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(part(), "lines\t2\n");
  EXPECT_EQ(letters().size(), 3u);
}

TEST_F(BadRecords, AreNotBlamedForWhatComesAfterThem) {
  for (const auto& [job, input] :
       {std::pair("keeper", "a\nsegv at the end\nb\n"), std::pair("combiner", "a\na\n"),
        std::pair("combiner", "a\na\nsegv\n")}) {
    const Outcome outcome = run_keeping(job, input);
    EXPECT_EQ(outcome.exit_code, 1) << job << outcome.both();
    EXPECT_THAT(outcome.both(), Not(HasSubstr("passed over"))) << job;
    EXPECT_FALSE(workspace_.exists("out"));
  }
  // A budget that is too small is no fault of the record.
  EXPECT_EQ(run_on("leak\n", "skip", {"--memory", "128M", "--attempts", "1"}).exit_code, 1);
}

TEST_F(BadRecords, FailTheJobWhenThereAreTooMany) {
  const std::string input = "throw\na\nthrow\nb\n";
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"--bad-records-max", "1"},
        {"--bad-records-max", "1", "--split-bytes", "7"},
        {"--bad-records-per-million", "499999", "--split-bytes", "7"}}) {
    const Outcome outcome = run_on(input, "dead-letter", more);
    EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr("--bad-records-"));
    EXPECT_FALSE(workspace_.exists("out"));
  }
  for (const std::vector<std::string>& more :
       {std::vector<std::string>{"--bad-records-max", "2"},
        {"--bad-records-per-million", "500000", "--on-exists", "replace"}}) {
    EXPECT_EQ(run_on(input, "dead-letter", more).exit_code, 0);
  }
  EXPECT_THAT(workspace_.remains(), IsEmpty());
}

TEST_F(BadRecords, AreTheSameInOneProcess) {
  const std::string input = "a\nthrow\nemit 1000\nb\n";
  ASSERT_EQ(run_on(input, "dead-letter", {"--in-process"}).exit_code, 0);
  EXPECT_EQ(part(), "a\t1\nb\t1\n");
  EXPECT_EQ(letters().size(), 2u);
  EXPECT_EQ(manifest()["dead_letters"], 2);
  EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 0);
}

TEST_F(BadRecords, AreRefusedInWordsThatHelp) {
  const auto refused = [this](const std::vector<std::string>& more, const char* why) {
    workspace_.write("in.txt", "a\n");
    std::vector<std::string> all = {"run", "word_count", "in.txt", "-o", "out", "--quiet"};
    all.insert(all.end(), more.begin(), more.end());
    const Outcome outcome = run(workspace_, all);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr(why));
    EXPECT_FALSE(workspace_.exists("out"));
  };
  refused({"--on-bad-record", "dead-leter"}, "Did you mean 'dead-letter'?");
  refused({"--bad-records-max", "5"}, "a bad record fails the job");
  refused({"--on-bad-record", "skip", "--bad-records-max", "0"}, "0 allows none");
  refused({"--on-bad-record", "skip", "--bad-records-max", "-1"}, "less than none");
  refused({"--on-bad-record", "skip", "--bad-records-per-million", "1000001"}, "1000000");
  refused({"--stall-timeout", "1ms"}, "too short");
}

TEST_F(BadRecords, AreShownAndExported) {
  ASSERT_EQ(run_on("a\nthrow\nthrow int\n", "dead-letter").exit_code, 0);
  const Outcome listed = run(workspace_, {"dlq", "list", "out"});
  EXPECT_EQ(listed.exit_code, 0) << listed.both();
  EXPECT_THAT(listed.out, HasSubstr("Task.Exception"));
  EXPECT_THAT(listed.out, HasSubstr("this record is bad"));
  const Outcome shown = run(workspace_, {"dlq", "show", "out", "2"});
  EXPECT_EQ(shown.exit_code, 0) << shown.both();
  EXPECT_THAT(shown.out, HasSubstr("byte        8, 10 bytes long"));
  EXPECT_EQ(run(workspace_, {"dlq", "export", "out"}).out, "throw\nthrow int\n");
  EXPECT_EQ(run(workspace_, {"dlq", "export", "out", "-o", "bad.txt"}).exit_code, 0);
  EXPECT_EQ(workspace_.read("bad.txt"), "throw\nthrow int\n");
  const Outcome again = run(workspace_, {"dlq", "export", "out", "-o", "bad.txt"});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_THAT(again.err, HasSubstr("exists"));
  EXPECT_THAT(run(workspace_, {"dlq", "show", "out", "3"}).err, HasSubstr("no number 3"));
  EXPECT_THAT(run(workspace_, {"dlq", "lst", "out"}).err, HasSubstr("Did you mean 'list'?"));
  EXPECT_EQ(run(workspace_, {"dlq", "list", "nowhere"}).exit_code, 2);
  const Json json = Json::parse(run(workspace_, {"dlq", "show", "out", "1", "--json"}).out);
  EXPECT_EQ(json["record_base64"], "dGhyb3cK");
}

TEST_F(BadRecords, ThatWereDamagedLaterAreFound) {
  ASSERT_EQ(run_on("a\nthrow\nthrow int\n", "dead-letter").exit_code, 0);
  const std::string whole = workspace_.read("out/_DEAD_LETTERS");
  const std::string first = whole.substr(0, whole.find('\n') + 1);
  for (const std::string& damaged : {first, first + first, whole.substr(0, whole.size() - 9)}) {
    workspace_.write("out/_DEAD_LETTERS", damaged);
    const Outcome verified = run(workspace_, {"verify", "out", "--json"});
    EXPECT_EQ(verified.exit_code, 1) << damaged;
    for (const Json& check : Json::parse(verified.out)["checks"]) {
      if (check["name"] != "dead_letters") continue;
      EXPECT_EQ(check["holds"], false) << damaged;
    }
  }
  EXPECT_EQ(run(workspace_, {"dlq", "list", "out"}).exit_code, 1);
}

TEST_F(BadRecords, AreThereOnceWhenTheirWorkerIsLost) {
  const Cluster cluster(workspace_, 2, 1);
  workspace_.write("in.txt", "throw\nsegv\ntouch " + workspace_.path("here") + "\nwait for " +
                                 workspace_.path("go") + "\n");
  Running job(workspace_, words("in.txt", "out", "dead-letter"), cluster.options());
  const auto busy = [&] {
    const Json status = Json::parse(cluster.run({"cluster", "status", "--json"}).out);
    for (const Json& worker : status["workers"]) {
      if (worker["busy"] == 1) return static_cast<pid_t>(worker["process"].get<int>());
    }
    return pid_t{0};
  };
  // Both bad records are behind it.
  ASSERT_TRUE(eventually([&] { return workspace_.exists("here"); }));
  const pid_t worker = busy();
  ASSERT_NE(worker, 0);
  ::kill(worker, SIGKILL);
  workspace_.write("go", "");
  const Outcome outcome = job.wait();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(letters().size(), 2u);
  expect_verified("2 records mapped once each, 0 skipped, 2 dead-lettered, 4 read");
}

TEST_F(BadRecords, AreThereOnceWhenTheMasterIsLost) {
  const Cluster cluster(workspace_, 1, 1);
  const std::string wait = "wait for " + workspace_.path("go");
  workspace_.write("in.txt", "throw\nsegv\n" + wait + "\nthrow\n");
  std::vector<std::string> all = words("in.txt", "out", "dead-letter");
  all.insert(all.end(), {"--split-bytes", "11"});
  Running job(workspace_, all, cluster.options());
  ASSERT_TRUE(eventually([&] {
    const Json status = Json::parse(cluster.run({"status", "1", "--json"}).out, nullptr, false);
    return status.is_object() && status["dead_letters"] == 2;
  }));
  for (const pid_t pid : processes_naming(workspace_.path("c"))) {
    if (command_line_of(pid).find("fanfold-master") != std::string::npos) ::kill(pid, SIGKILL);
  }
  ASSERT_TRUE(eventually([&] {
    return run(workspace_, {"cluster", "up", "--dir", "c"}).exit_code == 0;
  }));
  workspace_.write("go", "");
  const Outcome outcome = job.wait();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(letters().size(), 3u);
  expect_verified("1 record mapped once each, 0 skipped, 3 dead-lettered, 4 read");
}

TEST_F(BadRecords, OfJobsAtTheSameTimeStayApart) {
  const Cluster cluster(workspace_, 2, 2);
  std::string input;
  for (int i = 0; i < 50; ++i) input += "a\nthrow\nb\nsegv\n";
  workspace_.write("in.txt", input);
  const auto start = [&](const std::string& output) {
    std::vector<std::string> all = words("in.txt", output, "dead-letter");
    all.insert(all.end(), {"--split-bytes", "100", "--verify-sample", "50%"});
    return std::make_unique<Running>(workspace_, all, cluster.options());
  };
  const auto first = start("one");
  const auto second = start("two");
  for (const auto& [job, output] : {std::pair(&*first, "one"), std::pair(&*second, "two")}) {
    const Outcome outcome = job->wait();
    ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
    EXPECT_EQ(part(output), "a\t50\nb\t50\n");
    std::set<int> offsets;
    for (const Json& letter : letters(output)) offsets.insert(letter["offset"].get<int>());
    EXPECT_EQ(offsets.size(), 100u);
    expect_verified("100 records mapped once each, 0 skipped, 100 dead-lettered, 200 read", output);
  }
}

}  // namespace
}  // namespace fanfold::e2e
