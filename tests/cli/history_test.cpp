// Histories of jobs from their event logs, and what their numbers say.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "common/history/analysis.hpp"
#include "common/report/emission.hpp"
#include "common/report/stage_graph.hpp"
#include "tests/cli/history_lines.hpp"

namespace fanfold::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;

constexpr std::uint64_t kSecond = 1'000'000;

std::vector<std::string> findings(const JobHistory& history) {
  std::vector<std::string> texts;
  for (const Advice& advice : analyse(history).advice) {
    texts.push_back(advice.finding + " -> " + advice.action);
  }
  return texts;
}

TEST(JobHistory, IsReadFromItsLog) {
  const JobHistory history =
      LogWriter()
          .add(5, "job.planned", {{"input_bytes", 1000}, {"notes", {"a note"}}})
          .worker("w1", 1)
          .add(6, "stage.started", {{"stage", "map"}, {"tasks", 1}})
          .attempt({.task = "map-0", .began = 6, .ended = 26}, {{"bytes_in", 1000}})
          .add(26, "stage.ended", {{"stage", "map"}, {"tasks", 1}})
          .add(27, "publication.started")
          .add(29, "publication.ended", {{"succeeded", true}})
          .add(30, "job.ended", {{"state", "succeeded"}, {"counters", {{"seen", -3}}}})
          .read();
  EXPECT_EQ(history.name, "word_count");
  EXPECT_EQ(history.state, "succeeded");
  EXPECT_EQ(history.elapsed, 30'000u);
  EXPECT_EQ(history.planned, 5'000u);
  EXPECT_EQ(history.counters.at("seen"), -3);
  ASSERT_EQ(history.attempts.size(), 1u);
  EXPECT_EQ(history.attempts[0].ran(), 20'000u);
  EXPECT_EQ(history.attempts[0].bytes_in, 1000u);
  EXPECT_EQ(history.publication_ended, 29'000u);
  EXPECT_EQ(history.stages[0].ended, 26'000u);
}

TEST(JobHistory, OfSomethingElseIsRefused) {
  for (const char* text : {"", "\n", "no json\n", "{}\n", "[1]\n", "{\"event\":\"job.ended\"}\n",
                           "{\"event\":\"job.submitted\",\"version\":2,\"time\":1}\n"}) {
    EXPECT_EQ(read_job_history(text).status().code(), StatusCode::kCorruption) << text;
  }
}

TEST(JobHistory, SkipsDamagedLinesAndUnknownEvents) {
  const JobHistory history = LogWriter()
                                 .raw("{\"event\":\"attempt.ended\",\"ti")
                                 .add(1, "something.new", {{"x", 1}})
                                 .add(2, "attempt.ended", {{"task", "map-x"}})
                                 .raw("17")
                                 .add(3, "job.ended", {{"state", "failed"}})
                                 .read();
  EXPECT_EQ(history.lines_damaged, 2u);
  EXPECT_EQ(history.state, "failed");
  EXPECT_THAT(history.attempts, IsEmpty());
}

TEST(JobHistory, BelievesNoNumberInTheLog) {
  std::mt19937_64 random(11);
  const std::vector<Json> odd = {
      -1, 1e300, "text", nullptr, true, Json::array(), 18446744073709551615u};
  const std::vector<std::string> events = {
      "job.submitted", "job.planned",         "job.ended",       "stage.started",
      "stage.ended",   "attempt.assigned",    "attempt.started", "attempt.ended",
      "worker.joined", "publication.started", "keys.measured"};
  for (int i = 0; i < 300; ++i) {
    LogWriter log;
    for (int line = 0; line < 30; ++line) {
      Json fields = {
          {"task", "map-" + std::to_string(random() % 3)}, {"stage", "map"}, {"id", "1"}};
      for (const char* name :
           {"time",   "started", "assigned", "tasks", "slots",           "attempt", "bytes_in",
            "worker", "outcome", "counters", "notes", "inputs",          "id",      "version",
            "maps",   "reduces", "sample",   "bytes", "partition_bytes", "keys"}) {
        if (random() % 2 == 0) fields[name] = odd[random() % odd.size()];
      }
      const Json time = fields.value("time", Json(random() % 100));
      if (random() % 4 == 0)
        fields["keys"] = {odd[random() % odd.size()],
                          Json::object({{"key", odd[random() % odd.size()]}, {"bytes", 7}})};
      if (random() % 4 == 0) fields["partition_bytes"] = {odd[random() % odd.size()], 5};
      fields["event"] = events[random() % events.size()];
      fields["time"] = time;
      log.raw(fields.dump());
    }
    const JobHistory history = log.read();
    // Whatever it says, nothing ends before it begins.
    for (const AttemptHistory& attempt : history.attempts) {
      ASSERT_LE(attempt.assigned, attempt.ended) << log.text();
      ASSERT_LE(attempt.started, attempt.ended) << log.text();
      ASSERT_LT(attempt.worker, history.workers.size());
    }
    analyse(history);
    EXPECT_FALSE(stage_graph(history, {}).empty());
    EXPECT_TRUE(emission_section(history.emission).empty() || history.emission.bytes > 0);
  }
}

TEST(JobHistory, PutsAttemptsThatOverlapIntoDifferentLanes) {
  const JobHistory history =
      LogWriter()
          .worker("w1", 2)
          .attempt({.task = "map-0", .began = 0, .ended = 10})
          .attempt({.task = "map-1", .began = 0, .ended = 20})
          .attempt({.task = "map-2", .began = 10, .ended = 30})
          .attempt({.task = "map-3", .worker = "w2", .began = 0, .ended = 30})
          .read();
  std::vector<std::string> lanes;
  for (const AttemptHistory& attempt : history.attempts) {
    lanes.push_back(history.workers[attempt.worker].name + ":" + std::to_string(attempt.lane) +
                    " " + name_of(attempt));
  }
  EXPECT_THAT(lanes, testing::UnorderedElementsAre("w1:0 map-0.1", "w1:1 map-1.1", "w1:0 map-2.1",
                                                   "w2:0 map-3.1"));
  EXPECT_EQ(history.workers[0].lanes, 2u);
}

TEST(JobHistory, LetsAnAttemptOfUnknownStartBeginWhenASlotIsFree) {
  const JobHistory history = LogWriter()
                                 .worker("w1", 1)
                                 .attempt({.task = "map-0", .began = 0, .ended = 50})
                                 .add(60, "attempt.ended",
                                      {{"task", "map-1"},
                                       {"attempt", 1},
                                       {"id", "x"},
                                       {"worker", "w1"},
                                       {"outcome", "failed"},
                                       {"assigned", LogWriter::time(1)}})
                                 .read();
  EXPECT_EQ(history.attempts[1].started, 50'000u);
  EXPECT_EQ(history.attempts[1].lane, 0u);
}

TEST(JobHistory, OfAJobThatRunsShowsWhatIsUnderWay) {
  const JobHistory history =
      LogWriter()
          .add(3, "attempt.assigned",
               {{"task", "map-0"}, {"attempt", 1}, {"id", "1"}, {"worker", "w"}})
          .add(9, "attempt.started", {{"id", "1"}})
          .add(90, "job.resumed")
          .read();
  EXPECT_EQ(history.state, "running");
  EXPECT_EQ(history.attempts[0].outcome, Outcome::kUnfinished);
  EXPECT_EQ(history.attempts[0].started, 9'000u);
  EXPECT_EQ(history.attempts[0].ended, 90'000u);
}

TEST(Analysis, CountsRunTimesAndWhatCameToNothing) {
  LogWriter log;
  log.worker("w1", 2).add(0, "stage.started", {{"stage", "map"}, {"tasks", 4}});
  for (std::uint64_t i = 0; i < 4; ++i) {
    log.attempt({.task = "map-" + std::to_string(i), .began = 0, .ended = 100 + i * 1000},
                {{"bytes_in", 100 * (i + 1)}});
  }
  log.attempt({.task = "map-0", .began = 0, .ended = 500, .outcome = "failed"},
              {{"cause", "signal"}});
  const Analysis analysis = analyse(log.read());
  ASSERT_EQ(analysis.stages.size(), 1u);
  const StageAnalysis& map = analysis.stages[0];
  EXPECT_EQ(map.committed, 4u);
  EXPECT_EQ(map.median, 1'100'000u);
  EXPECT_EQ(map.longest, 3'100'000u);
  EXPECT_EQ(map.stragglers, 1u);
  EXPECT_EQ(map.bytes_in, 1000u);
  EXPECT_EQ(map.slowest.size(), 4u);
  EXPECT_EQ(analysis.wasted, 500'000u);
}

TEST(Analysis, GroupsFailuresThatDifferInNumbersAlone) {
  LogWriter log;
  for (int i = 0; i < 3; ++i) {
    log.attempt(
        {.task = "map-0", .ended = 10, .outcome = "failed"},
        {{"cause", "signal"}, {"message", "SIGSEGV at 0x" + std::to_string(i)}, {"charged", true}});
  }
  log.attempt({.task = "map-1", .ended = 10, .outcome = "lost"}, {{"cause", "worker lost"}});
  const Analysis analysis = analyse(log.read());
  ASSERT_EQ(analysis.failures.size(), 2u);
  EXPECT_EQ(analysis.failures[0].count, 3u);
  EXPECT_EQ(analysis.failures[0].message, "SIGSEGV at 0x0");
  EXPECT_EQ(analysis.failures[1].cause, "worker lost");
  EXPECT_THAT(findings(log.read()), testing::Contains(HasSubstr("fanfold why 7/map-0.1")));
}

TEST(CriticalPath, FollowsTheLastAttemptsOfTheStages) {
  const JobHistory history =
      LogWriter()
          .add(100, "job.planned")
          .worker("w1", 1)
          .add(100, "stage.started", {{"stage", "map"}, {"tasks", 2}})
          .attempt({.task = "map-0", .began = 100, .ended = 400})
          .attempt({.task = "map-1", .began = 400, .ended = 900})
          .add(900, "stage.started", {{"stage", "reduce"}, {"tasks", 1}})
          .attempt({.task = "reduce-0", .began = 900, .ended = 1000, .outcome = "failed"})
          .attempt({.task = "reduce-0", .began = 1100, .ended = 1300, .number = 2})
          .add(1300, "publication.started")
          .add(1500, "publication.ended")
          .add(1500, "job.ended", {{"state", "succeeded"}})
          .read();
  std::vector<std::string> steps;
  std::uint64_t end = 0;
  for (const CriticalStep& step : critical_path(history)) {
    steps.push_back(step.what);
    EXPECT_EQ(step.began, end);
    end = step.ended;
  }
  EXPECT_THAT(steps, ElementsAre("planning", "map: other tasks first", "map-1.1",
                                 "reduce-0.2: earlier attempts", "reduce-0.2", "publication"));
  EXPECT_EQ(end, 1'500'000u);
}

/// Seven reducers on four slots; the first reads and runs `factor` times as much as the others.
LogWriter skewed(std::uint64_t factor) {
  LogWriter log;
  for (const char* worker : {"w1", "w2", "w3", "w4"}) log.worker(worker, 1);
  log.add(0, "stage.started", {{"stage", "reduce"}, {"tasks", 7}});
  log.attempt({.task = "reduce-0", .began = 0, .ended = 1000 * factor},
              {{"bytes_in", 1000 * factor}});
  for (std::uint64_t i = 1; i < 7; ++i) {
    const std::uint64_t began = i / 4 * 1000;
    log.attempt({.task = "reduce-" + std::to_string(i),
                 .worker = "w" + std::to_string(2 + i % 3),
                 .began = began,
                 .ended = began + 1000},
                {{"bytes_in", 1000}});
  }
  return log;
}

TEST(Advice, NamesThePartitionThatAllWaitFor) {
  EXPECT_THAT(
      findings(skewed(10).read()),
      testing::Contains(testing::AllOf(HasSubstr("reduce-0.1"), HasSubstr("10.0 times as large"),
                                       HasSubstr("combine()"))));
}

TEST(Advice, KnowsTasksThatShareAHotPartition) {
  LogWriter shared;
  shared.add(0, "job.planned", {{"reduces", 3}})
      .add(0, "partitions.hot",
           {{"shares", 2},
            {"partitions", {1, 2}},
            {"partition_shares", {0, 2}},
            {"share_ends", {1, 2}}})
      .worker("w1", 3)
      .add(0, "stage.started", {{"stage", "reduce"}, {"tasks", 5}});
  for (const std::uint64_t other : {0, 1, 3}) {
    shared.attempt({.task = "reduce-" + std::to_string(other), .ended = 100}, {{"bytes_in", 10}});
  }
  LogWriter folded = shared;
  shared.attempt({.task = "reduce-4", .ended = 2000}, {{"bytes_in", 1000}});
  EXPECT_THAT(findings(shared.read()),
              testing::Contains(HasSubstr("a part of hot partition 2, as one of 2 tasks")));
  folded.attempt({.task = "reduce-4", .ended = 100}, {{"bytes_in", 10}})
      .attempt({.task = "reduce-2", .began = 100, .ended = 2000});
  EXPECT_THAT(findings(folded.read()),
              testing::Contains(HasSubstr("reduced what 2 tasks had folded of hot partition 2")));
}

TEST(Advice, NamesTheKeyThatFillsAPartition) {
  LogWriter log = skewed(10);
  log.add(1, "keys.measured",
          {{"bytes", 1000},
           {"partition_bytes", {700, 300}},
           {"keys", {{{"key", "\"the\""}, {"partition", 0}, {"bytes", 630}}}}});
  EXPECT_THAT(findings(log.read()), testing::Contains(HasSubstr("the key \"the\" has 90 % of")));
}

TEST(Advice, BlamesTheFailuresOfATaskThatAllWaitedFor) {
  const JobHistory history =
      LogWriter()
          .worker("w1", 2)
          .add(0, "stage.started", {{"stage", "map"}, {"tasks", 2}})
          .attempt({.task = "map-0", .began = 0, .ended = 1000})
          .attempt({.task = "map-1", .began = 0, .ended = 3000, .outcome = "failed"},
                   {{"cause", "timeout"}, {"charged", true}})
          .attempt({.task = "map-1", .began = 3000, .ended = 4000, .number = 2})
          .read();
  EXPECT_THAT(findings(history), testing::Contains(HasSubstr("because map-1.2 was a retry")));
}

TEST(Advice, NamesTheWorkerThatTheMajorityOfReplicasDidNotAgreeWith) {
  LogWriter log = skewed(2);
  log.add(10, "result.dissented", {{"task", "map-0"}, {"worker", "w1"}, {"digest", "0a"}});
  EXPECT_THAT(findings(log.read()), IsEmpty()) << "without a majority nobody is wrong";
  log.add(10, "result.dissented",
          {{"task", "map-1"}, {"worker", "w1"}, {"digest", "0a"}, {"accepted", "0b"}});
  EXPECT_THAT(findings(log.read()),
              ElementsAre(HasSubstr("worker w1 gave 1 result that the majority")));
}

TEST(Advice, IsSilentWhenNothingStandsOut) { EXPECT_THAT(findings(skewed(2).read()), IsEmpty()); }

TEST(Advice, FindsTasksThatAreTooShort) {
  LogWriter log;
  log.worker("w1", 1).add(0, "stage.started", {{"stage", "map"}, {"tasks", 100}});
  for (std::uint64_t i = 0; i < 100; ++i) {
    log.attempt({.task = "map-" + std::to_string(i), .began = i * 10, .ended = i * 10 + 1});
  }
  EXPECT_THAT(findings(log.read()), testing::Contains(HasSubstr("Fewer and larger tasks")));
}

TEST(Advice, FindsSlotsThatHadNothingToDo) {
  const JobHistory history = LogWriter()
                                 .worker("w1", 4)
                                 .add(0, "job.planned", {{"input_bytes", 800}})
                                 .add(0, "stage.started", {{"stage", "map"}, {"tasks", 1}})
                                 .attempt({.task = "map-0", .began = 0, .ended = 9000})
                                 .read();
  EXPECT_THAT(findings(history), testing::Contains(HasSubstr("--split-bytes 100")));
  EXPECT_LE(analyse(history).advice[0].saves, 9 * kSecond);
}

TEST(Advice, SaysOfATreeWhatATreeIs) {
  LogWriter log;
  log.worker("w1", 4).add(0, "stage.started", {{"stage", "gather"}, {"tasks", 3}});
  log.attempt({.task = "gather-0", .began = 0, .ended = 1000}, {{"bytes_in", 10}});
  log.attempt({.task = "gather-1", .began = 0, .ended = 1000}, {{"bytes_in", 10}});
  log.attempt({.task = "gather-2", .began = 1000, .ended = 9000}, {{"bytes_in", 2000}});
  const std::vector<std::string> found = findings(log.read());
  EXPECT_THAT(found, testing::ElementsAre(testing::AllOf(HasSubstr("9.00 s, 100 % of the job"),
                                                         HasSubstr("--gather-arity"))));
}

TEST(HistoryReader, TakesALogInPiecesOfAnySize) {
  const std::string log = LogWriter("pieces")
                              .add(0, "job.planned", {{"input_bytes", 10}})
                              .attempt({.task = "map-0", .worker = "w", .began = 5, .ended = 900})
                              .add(900, "job.ended", {{"state", "succeeded"}})
                              .text();
  for (std::size_t size = 1; size < 40; ++size) {
    HistoryReader reader;
    for (std::size_t at = 0; at < log.size(); at += size) {
      ASSERT_TRUE(reader.take(std::string_view(log).substr(at, size)).ok());
    }
    const Result<JobHistory> history = reader.history();
    ASSERT_TRUE(history.ok());
    EXPECT_EQ(history->state, "succeeded");
    ASSERT_EQ(history->attempts.size(), 1u);
    EXPECT_EQ(history->attempts.front().ended, 900'000u);
    EXPECT_EQ(history->lines_damaged, 0u);
  }
}

TEST(HistoryReader, ShowsAJobAsFarAsItIsKnown) {
  HistoryReader reader;
  EXPECT_FALSE(reader.history().ok());
  const std::string log = LogWriter("growing").text();
  ASSERT_TRUE(reader.take(log).ok());
  EXPECT_EQ(reader.history()->state, "running");
  ASSERT_TRUE(reader.take("{\"event\":\"job.ended\",\"time\":1000005,").ok());
  EXPECT_EQ(reader.history()->state, "running");
  ASSERT_TRUE(reader.take("\"state\":\"failed\"}\n").ok());
  EXPECT_EQ(reader.history()->state, "failed");
}

TEST(HistoryReader, GivesTheHistoryAwayAndBeginsAnew) {
  HistoryReader reader;
  const std::string log = skewed(2).add(9000, "job.ended", {{"state", "succeeded"}}).text();
  ASSERT_TRUE(reader.take(log).ok());
  EXPECT_TRUE(reader.over());
  EXPECT_EQ(reader.release()->attempts.size(), 7u);
  EXPECT_FALSE(reader.over());
  EXPECT_FALSE(reader.history().ok());
  ASSERT_TRUE(reader.take(log).ok());
  EXPECT_EQ(reader.history()->attempts.size(), 7u);
}

TEST(HistoryReader, RefusesWhatIsNoLogForGood) {
  HistoryReader reader;
  EXPECT_FALSE(reader.take("rubbish\n").ok());
  EXPECT_FALSE(reader.take(LogWriter("late").text()).ok());
  EXPECT_FALSE(reader.history().ok());
}

}  // namespace
}  // namespace fanfold::cli
