// Targets as command lines name them, and what came of a scatter, from the manifest of its job.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "cli/scatter/scatter_result.hpp"
#include "cli/scatter/targets.hpp"
#include "common/io/manifest.hpp"
#include "tests/io/temporary_directory.hpp"

namespace fanfold::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ScatterTargets : public testing::Test {
 protected:
  std::vector<std::string> read(const std::vector<std::string>& words,
                                const std::string& input = "") {
    const std::string path = directory_.write("stdin", input);
    const int file = ::open(path.c_str(), O_RDONLY);
    auto targets = read_targets(directory_.path(), words, file);
    ::close(file);
    if (!targets.ok()) return {"refused: " + targets.status().message()};
    return *std::move(targets);
  }

  io::TemporaryDirectory directory_;
};

TEST_F(ScatterTargets, AreWordsAndLinesOfLists) {
  directory_.write("list", "b\r\n  \n c d\n\n$e");
  EXPECT_THAT(read({"a", "@list", "-"}, "f\n"), ElementsAre("a", "b", " c d", "$e", "f"));
}

TEST_F(ScatterTargets, AreRefusedWhenThereAreNoneOrTooManyOrOneTwice) {
  EXPECT_THAT(read({}), ElementsAre(HasSubstr("there are no targets")));
  EXPECT_THAT(read({"-"}), ElementsAre(HasSubstr("the list '-' is empty")));
  EXPECT_THAT(read({""}), ElementsAre(HasSubstr("a target is empty")));
  EXPECT_THAT(read({"@"}), ElementsAre(HasSubstr("lacks the name")));
  EXPECT_THAT(read({"-", "-"}, "a"), ElementsAre(HasSubstr("only once")));
  EXPECT_THAT(read({"a", "-"}, "a\n"), ElementsAre(HasSubstr("'a' is given twice")));
  EXPECT_THAT(read({std::string(kTargetBytesMax + 1, 'x')}), ElementsAre(HasSubstr("64 KiB")));
  std::string list;
  for (std::size_t i = 0; i < kTargetsMax; ++i) list += std::to_string(i) + "\n";
  EXPECT_EQ(read({"-"}, list).size(), kTargetsMax);
  EXPECT_THAT(read({"-"}, list + "one more\n"), ElementsAre(HasSubstr("more than 2048 targets")));
}

TEST_F(ScatterTargets, OfAPipeAreReadToItsEnd) {
  const std::string path = directory_.path() + "/pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::string list;
  for (int i = 0; i < 2000; ++i) list += std::string(50, 'x') + std::to_string(i) + "\n";
  std::jthread writer([&] {
    const int pipe = ::open(path.c_str(), O_WRONLY);
    EXPECT_EQ(::write(pipe, list.data(), list.size()), static_cast<ssize_t>(list.size()));
    ::close(pipe);
  });
  EXPECT_EQ(read({"@pipe"}).size(), 2000u);
}

TEST_F(ScatterTargets, OfAFileThatIsNoneAreRefused) {
  directory_.write("zero", std::string("a\0b\n", 4));
  EXPECT_THAT(read({"@zero"}), ElementsAre(HasSubstr("holds a zero byte")));
  EXPECT_THAT(read({"@."}), ElementsAre(HasSubstr("cannot read")));
  EXPECT_THAT(read({"@none"}), ElementsAre(HasSubstr("cannot open")));
}

class ScatterResults : public testing::Test {
 protected:
  ScatterResults() {
    request_.targets = {"a", "b", "c"};
    status_.state = proto::JobState::kPartial;
    status_.completion.results_discarded = 2;
    status_.counters = {{"duplicates", 5}};
    coverage_.policy = "all-completed";
    coverage_.map_tasks = 3;
    coverage_.covered = 1;
    coverage_.input_bytes = 120;
    coverage_.covered_bytes = 40;
    coverage_.missing = {
        {0, "failed", "exception: Task.Exit: exit status 3", 40, {{"/targets", 0, 40}}},
        {2, "stopped", "", 40, {{"/targets", 80, 120}}}};
  }
  ScatterResult read(proto::CompletionReason reason) {
    status_.completion.reason = reason;
    coverage_.reason = proto::name_of(reason);
    io::Manifest manifest;
    manifest.job_name = "scatter";
    manifest.coverage = coverage_;
    directory_.write("_PARTIAL", io::to_json(manifest));
    const auto result =
        read_result(io::posix_file_system(), directory_.path(), request_, 40, status_);
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result.ok() ? *result : ScatterResult();
  }

  io::TemporaryDirectory directory_;
  ScatterRequest request_;
  proto::JobStatus status_;
  io::Coverage coverage_;
};

TEST_F(ScatterResults, NameEachTargetThatIsMissingAndWhy) {
  const ScatterResult result = read(proto::CompletionReason::kDeadlineExceeded);
  ASSERT_EQ(result.missing.size(), 2u);
  EXPECT_EQ(result.missing[0].target, "a");
  EXPECT_EQ(result.missing[0].why, "failed");
  EXPECT_EQ(result.missing[0].error, "Task.Exit: exit status 3");
  EXPECT_EQ(result.missing[1].target, "c");
  EXPECT_EQ(result.missing[1].why, "late");
  EXPECT_THAT(missing_text(result), HasSubstr("1 of 3 targets answered (DEADLINE_EXCEEDED)"));
  EXPECT_EQ(read(proto::CompletionReason::kFirstSuccessful).missing[1].why, "stopped");
}

TEST_F(ScatterResults, CountTheAnswersThatCameTooLate) {
  const ScatterResult result = read(proto::CompletionReason::kDeadlineExceeded);
  EXPECT_EQ(json_of(result)["late_answers"], 2);
  EXPECT_EQ(json_of(result)["duplicates"], 5);
  EXPECT_EQ(json_of(result)["targets"]["answered"], 1);
  EXPECT_THAT(text_of(result), HasSubstr("2 answers dropped"));
}

TEST_F(ScatterResults, ShowTheFirstOfVeryMany) {
  ScatterResult result;
  result.targets = 100;
  for (int i = 0; i < 100; ++i) result.missing.push_back({std::to_string(i), "late", ""});
  EXPECT_THAT(missing_text(result), HasSubstr("and 80 more"));
}

TEST_F(ScatterResults, SayWhichTargetFailedTheScatter) {
  status_.state = proto::JobState::kFailed;
  status_.failed_task = {JobId{1}, Stage::kMap, 1};
  status_.first_cause.kind = proto::FailureKind::kException;
  status_.first_cause.message = "Task.Signal: signal 9 (Killed)";
  EXPECT_EQ(failure_text_of(request_, status_),
            "target 'b' failed: Task.Signal: signal 9 (Killed)");
  status_.first_cause = {};
  status_.reason = "DEADLINE_EXCEEDED: the deadline passed when 1 of 3 map tasks were done";
  EXPECT_EQ(failure_text_of(request_, status_),
            "DEADLINE_EXCEEDED: the deadline passed when 1 of 3 targets were done");
  status_.reason = "NO_QUORUM: the last one: map task 1 failed once";
  EXPECT_EQ(failure_text_of(request_, status_), "NO_QUORUM: the last one: target 'b' failed once");
  status_.stages.emplace_back().done = 1;
  proto::LogEntry attempt;
  attempt.task = {JobId{1}, Stage::kMap, 1};
  attempt.failure.kind = proto::FailureKind::kException;
  attempt.failure.message = "exception: Task.Exit: exit status 3";
  proto::LogEntry stopped = attempt;
  stopped.task.index = 2;
  stopped.failure.kind = proto::FailureKind::kCancelled;
  const items::Json json = failure_json_of(request_, status_, {attempt, stopped});
  EXPECT_EQ(json["targets"]["failed"], 1);
  EXPECT_EQ(json["missing"],
            items::Json::parse(
                R"([{"target": "b", "why": "failed", "error": "Task.Exit: exit status 3"}])"));
  EXPECT_EQ(json["targets"]["total"], 3);
  EXPECT_EQ(json["targets"]["answered"], 1);
}

}  // namespace
}  // namespace fanfold::cli
