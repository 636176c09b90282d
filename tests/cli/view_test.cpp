// Names, bars, summaries and causes as text.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/commands/session.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/view/json.hpp"
#include "cli/view/names.hpp"
#include "cli/view/progress.hpp"
#include "cli/view/summary.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

Instant at(Duration since_start) { return Instant{since_start}; }

proto::StageStatus stage(Stage which, std::uint32_t tasks, std::uint32_t done) {
  proto::StageStatus status;
  status.stage = which;
  status.tasks = tasks;
  status.done = done;
  return status;
}

proto::JobStatus running() {
  proto::JobStatus status;
  status.job = JobId{3};
  status.job_name = "word_count";
  status.output = "/data/out";
  proto::StageStatus map = stage(Stage::kMap, 27, 9);
  map.running = 2;
  map.bytes_total = 90u << 20;
  map.bytes_done = 30u << 20;
  map.elapsed_ms = 3000;
  status.stages = {map, stage(Stage::kReduce, 4, 0)};
  return status;
}

std::size_t visible_columns(const std::string& line) {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b')
      i = line.find('m', i);
    else
      ++columns;
  }
  return columns;
}

TEST(Names, OfTasksCanBeReadBack) {
  EXPECT_EQ(name_of(TaskId{JobId{1}, Stage::kMap, 3}), "map-3");
  EXPECT_EQ(name_of(TaskId{JobId{1}, Stage::kReduce, 0}), "reduce-0");
  EXPECT_EQ(name_of(TaskId{JobId{1}, Stage::kSample, 0}), "sample");
  const auto target = parse_log_target("12/map-3.2");
  ASSERT_TRUE(target.ok()) << target.status().message();
  EXPECT_EQ(target->job, JobId{12});
  EXPECT_EQ(target->task, (TaskId{JobId{12}, Stage::kMap, 3}));
  EXPECT_EQ(target->attempt_number, 2u);
}

TEST(Names, OfJobsMayStandAlone) {
  EXPECT_EQ(*parse_job("7"), JobId{7});
  EXPECT_EQ(*parse_job("job-7"), JobId{7});
  EXPECT_FALSE(parse_log_target("7")->task.has_value());
  EXPECT_EQ(parse_log_target("7/sample")->task->stage, Stage::kSample);
}

TEST(Names, RefuseWhatIsNone) {
  for (const char* text : {"", "x", "0", "-1", "7/", "7/map", "7/map-", "7/map-x", "7/red-1",
                           "7/map-1.", "7/map-1.0", "7/map-1.x", "7/map-99999999999"}) {
    EXPECT_FALSE(parse_log_target(text).ok()) << text;
  }
}

TEST(Progress, ShowsBarTasksSpeedAndTimeLeft) {
  Progress progress;
  proto::JobStatus status = running();
  status.stages[0].bytes_done = 20u << 20;
  progress.update(at(0s), status);
  status.stages[0].bytes_done = 30u << 20;
  progress.update(at(1s), status);
  const auto lines = progress.bars({100, false});
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_THAT(lines[0], StartsWith("map     33% ["));
  EXPECT_THAT(lines[0], HasSubstr("9/27 tasks  10.0 MiB/s  ETA 6 s"));
  EXPECT_THAT(lines[1], StartsWith("reduce   0% ["));
}

TEST(Progress, NeverExceedsTheWidth) {
  Progress progress;
  proto::JobStatus status = running();
  status.failed_attempts = 123456;
  progress.update(at(0s), status);
  status.stages[0].bytes_done += 1u << 20;
  progress.update(at(2s), status);
  for (std::size_t columns = 1; columns <= 200; ++columns) {
    for (const bool colour : {false, true}) {
      for (const std::string& line : progress.bars({columns, colour})) {
        EXPECT_LE(visible_columns(line), columns) << line;
      }
    }
  }
}

TEST(Progress, IsNotFullBeforeTheStageIsDone) {
  Progress progress;
  proto::JobStatus status = running();
  status.stages[0].bytes_done = status.stages[0].bytes_total;
  progress.update(at(0s), status);
  EXPECT_THAT(progress.bars({100, false})[0], HasSubstr(" 99%"));
  status.stages[0].done = 27;
  progress.update(at(1s), status);
  EXPECT_THAT(progress.bars({100, false})[0], HasSubstr("100%"));
}

TEST(Progress, OfAnOpenJobIsOfWhatItWasFedSoFar) {
  proto::JobStatus status;
  proto::StageStatus map;
  map.tasks = map.done = 7;
  map.bytes_total = map.bytes_done = 100;
  status.stages = {map};
  status.state = proto::JobState::kRunning;
  status.queue.open = true;
  Progress progress;
  progress.update(Instant{}, status);
  const std::string open = progress.bars({}).at(0);
  EXPECT_THAT(open, HasSubstr("open"));
  EXPECT_THAT(open, HasSubstr("7/7 tasks fed so far"));
  EXPECT_THAT(open, Not(HasSubstr("%")));
  EXPECT_THAT(status_text(status), HasSubstr("open, 7 of 7 tasks fed so far done"));
  status.queue.open = false;
  progress.update(Instant{}, status);
  EXPECT_THAT(progress.bars({}).at(0), HasSubstr("100%"));
  EXPECT_THAT(status_text(status), Not(HasSubstr("so far")));
}

TEST(Progress, UsesNoEscapesWithoutColour) {
  Progress progress;
  progress.update(at(0s), running());
  EXPECT_THAT(progress.bars({100, false})[0], Not(HasSubstr("\x1b")));
  EXPECT_THAT(progress.bars({100, true})[0], HasSubstr("\x1b[33m"));
}

TEST(Progress, TellsRetriesOnALineOfTheirOwn) {
  Progress progress;
  proto::JobStatus status = running();
  status.failed_attempts = 2;
  status.lost_attempts = 1;
  progress.update(at(0s), status);
  EXPECT_EQ(progress.bars({100, false}).back(), "retries: 2 failed attempts, 1 lost attempt");
}

TEST(Progress, ReportsEachFinishedStageOnce) {
  Progress progress;
  proto::JobStatus status = running();
  progress.update(at(0s), status);
  EXPECT_THAT(progress.finished_stages(), IsEmpty());
  status.stages[0].done = 27;
  status.stages[0].records_in = 1000;
  progress.update(at(1s), status);
  EXPECT_THAT(progress.finished_stages(),
              ElementsAre("map: 27 tasks, 30.0 MiB in, 1,000 records in, 0 out, 3.00 s"));
  progress.update(at(2s), status);
  EXPECT_THAT(progress.finished_stages(), IsEmpty());
}

TEST(Progress, FinishesAStageWithoutTasksWithItsJob) {
  Progress progress;
  proto::JobStatus status;
  status.stages = {stage(Stage::kMap, 0, 0)};
  progress.update(at(0s), status);
  EXPECT_THAT(progress.finished_stages(), IsEmpty());
  status.state = proto::JobState::kSucceeded;
  progress.update(at(1s), status);
  EXPECT_EQ(progress.finished_stages().size(), 1u);
}

TEST(Summary, SaysWhatWentInAndOutAndWhere) {
  proto::JobStatus status = running();
  status.state = proto::JobState::kSucceeded;
  status.stages[0].records_in = 5000;
  status.output_bytes = 2048;
  status.output_records = 77;
  status.output_files = 4;
  status.failed_attempts = 1;
  status.slowest_task = TaskId{JobId{3}, Stage::kMap, 5};
  status.slowest_task_ms = 420;
  status.notes = {"4 reducers because of reasons"};
  status.counters = {{"lines", 12}};
  const std::string text = summary_text(status, 1234);
  EXPECT_THAT(text, StartsWith("word_count finished in 1.23 s\n"));
  EXPECT_THAT(text, HasSubstr("30.0 MiB, 5,000 records\n"));
  EXPECT_THAT(text, HasSubstr("2.0 KiB, 77 records, 4 files\n"));
  EXPECT_THAT(text, HasSubstr("1, 1 failed\n"));
  EXPECT_THAT(text, HasSubstr("map-5, 0.42 s\n"));
  EXPECT_THAT(text, HasSubstr("4 reducers because of reasons\n"));
  EXPECT_THAT(text, HasSubstr("lines = 12\n"));
  EXPECT_THAT(text, EndsWith("output    /data/out\n"));
}

proto::JobStatus failed() {
  proto::JobStatus status = running();
  status.state = proto::JobState::kFailed;
  status.reason = "map-3 failed 4 times";
  status.failed_task = TaskId{JobId{3}, Stage::kMap, 3};
  status.failed_attempt = AttemptId{17};
  status.first_cause.kind = proto::FailureKind::kException;
  status.first_cause.message = "std::invalid_argument: stoi";
  status.first_cause.worker = "worker-1";
  status.first_cause.record_file = "/data/in";
  status.first_cause.record_offset = 4711;
  for (int i = 0; i < 20; ++i) status.first_cause.stack.push_back("frame" + std::to_string(i));
  status.first_cause.log_tail = "first line\nsecond line\n";
  status.first_cause.memory = {.resident_bytes = {3u << 20, 40u << 20},
                               .step_ms = 50,
                               .peak_bytes = 131u << 20,
                               .budget_bytes = 128u << 20};
  return status;
}

FailureContext context_of_failure() {
  FailureContext context;
  context.master = "ipc:///x/master.sock";
  context.command = "fanfold run x.so in -o out";
  proto::LogEntry first;
  first.attempt = AttemptId{17};
  first.attempt_number = 1;
  first.failure = failed().first_cause;
  proto::LogEntry second = first;
  second.attempt = AttemptId{19};
  second.attempt_number = 2;
  second.failure.message = "a later message";
  context.attempts = {first, second};
  return context;
}

TEST(Failure, ShowsWhereAFrameIsHoweverLongItsName) {
  proto::JobStatus status = failed();
  status.first_cause.stack = {"map<" + std::string(1000, 'x') + "> at words.cpp:17",
                              std::string(1000, 'y')};
  const std::string text = failure_text(status, context_of_failure());
  EXPECT_THAT(text, HasSubstr("xxx... at words.cpp:17\n"));
  EXPECT_THAT(text, HasSubstr("yyy...\n"));
  EXPECT_THAT(text, Not(HasSubstr(std::string(101, 'x'))));
}

TEST(Failure, TellsWhereElseTheTaskWasTriedAlsoWhereAHostWasToBlame) {
  FailureContext context = context_of_failure();
  context.attempts[1].failure.kind = proto::FailureKind::kWorkerLost;
  context.attempts[1].failure.worker = "host-9";
  for (std::uint32_t number = 3; number < 14; ++number) {
    proto::LogEntry entry = context.attempts[1];
    entry.attempt = AttemptId{number + 20};
    entry.attempt_number = number;
    context.attempts.push_back(entry);
  }
  // Nobody needed this one any more.
  context.attempts.back().failure.kind = proto::FailureKind::kCancelled;
  const std::string text = failure_text(failed(), context);
  EXPECT_THAT(text, HasSubstr("Other attempts at map-3:\n  attempt 12: worker lost on host-9: "));
  EXPECT_THAT(text, Not(HasSubstr("attempt 13")));
  EXPECT_THAT(text, HasSubstr("  attempt 5: worker lost"));
  EXPECT_THAT(text, Not(HasSubstr("  attempt 4: worker lost")));
  EXPECT_THAT(text, HasSubstr("  and 3 more attempts\n"));
}

TEST(Failure, EndsWithTheFirstCauseAndTheNextStep) {
  const std::string text = failure_text(failed(), context_of_failure());
  EXPECT_THAT(text, StartsWith("fanfold: job word_count failed: map-3 failed 4 times\n"));
  EXPECT_LT(text.find("attempt 2: exception on worker-1: a later message"),
            text.find("First cause:"));
  const std::size_t first = text.find("First cause:");
  for (const char* part :
       {"class     exception", "task      map-3, attempt 1", "worker-1", "/data/in, byte 4711",
        "std::invalid_argument: stoi", "#0 frame0", "... 8 more frames", "second line",
        "memory    at most 131 MiB, its budget is 128 MiB; every 50 ms 3, 40 MiB",
        "fanfold logs 3/map-3 --master", "gdb --args fanfold run x.so in -o out --in-process"}) {
    EXPECT_NE(text.find(part, first), std::string::npos) << part << "\n" << text;
  }
}

TEST(Failure, OfAnInputTakesOneOrTwoLinesAndCountsAsUsage) {
  proto::JobStatus status = failed();
  status.first_cause.kind = proto::FailureKind::kInput;
  status.first_cause.message = "/data/in: line longer than limit";
  const std::string text = failure_text(status, context_of_failure());
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_THAT(text, HasSubstr("/data/in: line longer than limit"));
  EXPECT_EQ(exit_code_of(status), kExitUsage);
}

TEST(Failure, OfADiskSaysWhichAndOffersNoDebugger) {
  proto::JobStatus status = failed();
  status.first_cause.kind = proto::FailureKind::kNoSpace;
  status.first_cause.worker = "worker-1";
  status.first_cause.message = "cannot write /scratch/run: No space left on device";
  status.reason = "map task 3 met 8 times a disk that is full or does not work";
  EXPECT_EQ(failure_text(status, context_of_failure()),
            "fanfold: job word_count failed: map task 3 met 8 times a disk that is full or does "
            "not work\n"
            "  first, no space on worker-1: cannot write /scratch/run: No space left on device\n");
  EXPECT_EQ(exit_code_of(status), kExitFailed);
}

TEST(Failure, ShowsNoControlCharactersOfUserCode) {
  proto::JobStatus status = failed();
  status.first_cause.message = "\x1b[2Jgone";
  EXPECT_THAT(failure_text(status, {}), Not(HasSubstr("\x1b")));
}

TEST(Failure, WithoutACauseGivesTheReason) {
  proto::JobStatus status = running();
  status.state = proto::JobState::kFailed;
  status.reason = "cannot publish";
  EXPECT_EQ(failure_text(status, {}), "fanfold: job word_count failed: cannot publish\n");
}

TEST(ExitCodes, FollowTheFinalState) {
  proto::JobStatus status = running();
  status.state = proto::JobState::kSucceeded;
  EXPECT_EQ(exit_code_of(status), 0);
  EXPECT_EQ(exit_code_of(failed()), 1);
  status.state = proto::JobState::kCancelled;
  EXPECT_EQ(exit_code_of(status), 4);
}

TEST(Json, HoldsAnyBytesOfUserCode) {
  proto::JobStatus status = failed();
  status.first_cause.message = "\xff\xfe \"quoted\"";
  const std::string json = to_json(status);
  EXPECT_THAT(json, HasSubstr("\\\"quoted\\\""));
  EXPECT_THAT(json, HasSubstr("\"state\": \"failed\""));
  EXPECT_THAT(json, HasSubstr("\"failed_task\": \"map-3\""));
}

TEST(ShellCommand, QuotesWhatTheShellWouldChange) {
  EXPECT_EQ(shell_command({"fanfold", "run", "a b", "it's", "", "x=1"}),
            "fanfold run 'a b' 'it'\\''s' '' x=1");
}

TEST(ClusterInJson, TellsHowFarEachWorkerIsTrusted) {
  proto::ClusterReply cluster;
  cluster.workers.resize(2);
  cluster.workers[1].standing = proto::WorkerStanding::kExcluded;
  cluster.workers[1].demerits = 60;
  cluster.workers[1].excluded_ms = 42'000;
  const std::string json = to_json(cluster);
  EXPECT_NE(json.find("\"standing\": \"good\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"standing\": \"excluded\""), std::string::npos) << json;
  EXPECT_NE(json.find("\"excluded_ms\": 42000"), std::string::npos) << json;
}

TEST(ClusterInJson, TellsWhatHostsHaveAsFarAsItIsKnown) {
  proto::ClusterReply cluster;
  cluster.workers.resize(1);
  EXPECT_THAT(to_json(cluster), Not(HasSubstr("_bytes")));
  cluster.workers[0].room = {.memory_bytes = 20,
                             .memory_bytes_free = 0,
                             .executor_bytes = 8,
                             .scratch_bytes = 30,
                             .scratch_bytes_free = 1};
  const std::string json = to_json(cluster);
  for (const char* field :
       {"\"memory_bytes\": 20", "\"memory_bytes_free\": 0", "\"executor_bytes\": 8",
        "\"scratch_bytes\": 30", "\"scratch_bytes_free\": 1"}) {
    EXPECT_THAT(json, HasSubstr(field));
  }
}

}  // namespace
}  // namespace fanfold::cli
