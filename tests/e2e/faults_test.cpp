// Faulty user code, killed executors, killed workers: the job ends as it should, with the same
// bytes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>
#include <filesystem>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;

class FaultyCode : public testing::Test {
 protected:
  Outcome run_on(const std::string& input, std::vector<std::string> more = {}) {
    workspace_.write("in.txt", input);
    std::vector<std::string> words = {"run",    faulty_plugin("faulty"), "in.txt", "-o", "out",
                                      "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run(workspace_, words);
    EXPECT_THAT(workspace_.remains(), IsEmpty());
    return outcome;
  }

  // The first cause is what stands last.
  void expect_failure(const Outcome& outcome, const std::vector<std::string>& fragments) {
    EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
    EXPECT_FALSE(workspace_.exists("out"));
    const std::size_t cause = outcome.err.find("First cause:");
    ASSERT_NE(cause, std::string::npos) << outcome.err;
    for (const std::string& fragment : fragments) {
      EXPECT_NE(outcome.err.find(fragment, cause), std::string::npos)
          << fragment << " is missing in\n"
          << outcome.err;
    }
  }

  Workspace workspace_;
};

TEST_F(FaultyCode, ThatThrowsIsNamedWithItsRecord) {
  expect_failure(run_on("fine\nthrow\n"), {"exception", "map-0", "worker-", "in.txt, byte 5",
                                           "this record is bad", "--in-process"});
}

TEST_F(FaultyCode, ThatCrashesIsNamedWithItsStack) {
  expect_failure(run_on("fine\nsegv\n"),
                 {"signal", "SIGSEGV", "in.txt, byte 5", "write_to_null_pointer"});
}

TEST_F(FaultyCode, ThatIsNotDeterministicIsFoundByASample) {
  const Cluster cluster(workspace_, 2, 1);
  workspace_.write("in.txt", "fine\ndiffer\n");
  const std::vector<std::string> words = {"run", faulty_plugin("faulty"), "in.txt", "--quiet"};
  const auto outcome_of = [&](std::vector<std::string> more) {
    more.insert(more.begin(), words.begin(), words.end());
    return cluster.run(more);
  };
  EXPECT_EQ(outcome_of({"-o", "mixed"}).exit_code, 0);
  const Outcome found = outcome_of({"-o", "out", "--verify-sample", "100%"});
  EXPECT_EQ(found.exit_code, 1) << found.both();
  EXPECT_NE(found.err.find("NON_DETERMINISTIC: map task 0"), std::string::npos) << found.err;
  EXPECT_FALSE(workspace_.exists("out"));

  workspace_.write("in.txt", "a\nb\nc\nd\n");
  const Outcome same = outcome_of({"-o", "same", "--split-bytes", "2", "--verify-sample", "100%"});
  EXPECT_EQ(same.exit_code, 0) << same.both();
  const Outcome verified = cluster.run({"verify", "same"});
  EXPECT_NE(verified.out.find("4 map tasks gave the same on another worker"), std::string::npos)
      << verified.both();
  EXPECT_EQ(outcome_of({"-o", "none", "--verify-sample", "2"}).exit_code, 2);
}

TEST_F(FaultyCode, ThatExitsIsNamed) {
  expect_failure(run_on("exit\n"), {"exit", "status 3", "in.txt, byte 0"});
}

TEST_F(FaultyCode, ThatAbortsIsNamed) {
  expect_failure(run_on("abort\n"), {"signal", "SIGABRT", "abort_on_purpose"});
}

TEST_F(FaultyCode, ThatHangsMeetsItsTimeLimit) {
  expect_failure(run_on("hang\n", {"--task-timeout", "300ms", "--attempts", "2"}),
                 {"timeout", "in.txt, byte 0"});
}

TEST_F(FaultyCode, ThatLeaksMeetsItsMemoryLimit) {
  expect_failure(run_on("leak\n", {"--memory", "128M", "--attempts", "1"}), {"memory"});
}

TEST_F(FaultyCode, ThatEmitsAHugeRecordIsNamed) {
  const Outcome outcome = run_on("huge\n", {"--attempts", "1"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
  EXPECT_THAT(outcome.err, HasSubstr("record"));
  EXPECT_FALSE(workspace_.exists("out"));
}

TEST_F(FaultyCode, ThatFailsInReduceIsNamedWithItsKey) {
  const std::vector<std::string> flags = {
      "--param", "fail_reduce=true", "-r", "1", "--task-timeout", "300ms", "--attempts", "2"};
  expect_failure(run_on("a\nbad key\nz\n", flags),
                 {"exception", "reduce-0", "\"bad key\"", "this record is bad"});
  expect_failure(run_on("a\nsegv key\nz\n", flags), {"SIGSEGV", "reduce-0", "\"segv key\""});
  expect_failure(run_on("a\nexit key\nz\n", flags), {"status 3", "reduce-0", "\"exit key\""});
  expect_failure(run_on("a\nhang key\nz\n", flags), {"timeout", "reduce-0", "\"hang key\""});
}

TEST_F(FaultyCode, ThatCrashesOnceIsRetried) {
  const Outcome outcome = run_on("fine\nsegv once\n", {"--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(Json::parse(outcome.out)["failed_attempts"], 1);
  EXPECT_THAT(run(workspace_, {"cat", "out"}).out, HasSubstr("segv once\t1\n"));
}

TEST_F(FaultyCode, ThatLeavesAChildBehindLeavesNothing) {
  const Outcome outcome = run_on("fork\nfine\n");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
}

TEST_F(FaultyCode, ThatFillsItsOutputDoesNotFillTheDisk) {
  EXPECT_EQ(run_on("print\n").exit_code, 0);
}

// A job of many short tasks on a cluster, and its bytes when nothing goes wrong.
class Killing : public testing::TestWithParam<unsigned> {
 protected:
  void SetUp() override {
    RecordProperty("seed", std::to_string(GetParam()));
    workspace_.write("in.txt", make_text(GetParam(), 12'000));
    const Outcome outcome =
        run(workspace_, {"run", "word_count", "in.txt", "-o", "expected", "-r", "3", "--quiet"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
    expected_ = workspace_.fingerprint("expected");
  }

  std::vector<std::string> job(const std::string& command) const {
    return {command, "word_count", "in.txt", "-o", "out", "-r", "3", "--split-bytes", "3K"};
  }

  unsigned below(unsigned bound) { return static_cast<unsigned>(random_() % bound); }

  // Tasks of all stages that are done; all of them when the job is over.
  std::uint64_t done(const Cluster& cluster, const std::string& id) {
    const Json status = Json::parse(cluster.run({"status", id, "--json"}).out);
    if (status["state"] == "succeeded" || status["state"] == "failed") return UINT64_MAX;
    std::uint64_t sum = 0;
    for (const Json& stage : status["stages"]) sum += stage["done"].get<std::uint64_t>();
    return sum;
  }

  std::string submit(const Cluster& cluster) {
    const Outcome outcome = cluster.run(job("submit"));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
    return outcome.out.substr(0, outcome.out.find('\n'));
  }

  void expect_same_bytes(const Cluster& cluster, const std::string& id) {
    const Outcome outcome = cluster.run({"wait", id});
    EXPECT_EQ(outcome.exit_code, 0) << "seed " << GetParam() << "\n" << outcome.both();
    EXPECT_EQ(workspace_.fingerprint("out"), expected_) << "seed " << GetParam();
  }

  Workspace workspace_;
  std::string expected_;
  std::mt19937 random_{GetParam()};
};

TEST_P(Killing, ExecutorsAtRandomMomentsChangesNothing) {
  Cluster cluster(workspace_, 2, 2);
  const std::vector<pid_t> workers = cluster.workers();
  ASSERT_EQ(workers.size(), 2u);
  const std::string id = submit(cluster);
  std::uint64_t threshold = 0;
  // At most three deaths: no task can meet more, and it has four attempts.
  for (int kills = 0; kills < 3; ++kills) {
    threshold += below(40);
    ASSERT_TRUE(eventually([&] { return done(cluster, id) >= threshold; }));
    std::vector<pid_t> executors;
    for (const pid_t worker : workers) {
      for (const pid_t zygote : descendants_of(worker)) {
        for (const pid_t executor : descendants_of(zygote)) executors.push_back(executor);
      }
    }
    if (!executors.empty()) ::kill(executors[below(executors.size())], SIGKILL);
  }
  expect_same_bytes(cluster, id);
  EXPECT_EQ(cluster.workers(), workers) << "a worker died with its executor";
}

TEST_P(Killing, AWorkerAtARandomMomentChangesNothing) {
  Cluster cluster(workspace_, 3, 1);
  const std::vector<pid_t> workers = cluster.workers();
  ASSERT_EQ(workers.size(), 3u);
  const std::string id = submit(cluster);
  const std::uint64_t threshold = below(100);
  ASSERT_TRUE(eventually([&] { return done(cluster, id) >= threshold; }));
  ::kill(workers[below(3)], SIGKILL);
  expect_same_bytes(cluster, id);
}

TEST_P(Killing, AWorkerOfAPrivateClusterChangesNothing) {
  Running command(workspace_, job("run"));
  const auto workers = [&] {
    std::vector<pid_t> found;
    for (const pid_t pid : processes_naming(workspace_.temporary())) {
      if (command_line_of(pid).find("fanfold-worker") != std::string::npos) found.push_back(pid);
    }
    return found;
  };
  const std::size_t wanted = 1 + below(5);
  ASSERT_TRUE(eventually([&] { return command.ended() || workers().size() >= wanted; }));
  const std::vector<pid_t> found = workers();
  if (!found.empty()) ::kill(found[below(found.size())], SIGKILL);
  const Outcome outcome = command.wait();
  EXPECT_EQ(outcome.exit_code, 0) << "seed " << GetParam() << "\n" << outcome.both();
  EXPECT_EQ(workspace_.fingerprint("out"), expected_);
  EXPECT_THAT(workspace_.remains(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, Killing, testing::Values(1u, 2u, 3u));

}  // namespace
}  // namespace fanfold::e2e
