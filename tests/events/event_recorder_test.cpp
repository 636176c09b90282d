// The lines of event logs, without a master around them.

#include "master/events/event_recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using testing::ElementsAre;

class MemorySink final : public EventSink {
 public:
  Status begin(JobId job) override {
    logs_[job].clear();
    return failure;
  }
  Status append(JobId job, std::string_view lines) override {
    ++appends;
    if (failure.ok()) logs_[job] += lines;
    return failure;
  }
  void end(JobId job) override { ended.push_back(job); }
  Result<std::string> read(JobId job, std::uint64_t offset, std::size_t bytes_max) override {
    const auto found = logs_.find(job);
    if (found == logs_.end()) return Status(StatusCode::kNotFound, "none");
    return found->second.substr(std::min<std::size_t>(offset, found->second.size()), bytes_max);
  }
  std::uint64_t size(JobId job) override { return logs_[job].size(); }
  std::string capsule_directory(JobId job) const override {
    return logs_.contains(job) ? "capsules" : "before the log";
  }

  std::vector<Json> lines(JobId job) {
    std::vector<Json> lines;
    std::istringstream in(logs_[job]);
    for (std::string line; std::getline(in, line);) lines.push_back(parse(line));
    return lines;
  }
  /// A field that is there twice is a mistake that a parser hides.
  static Json parse(const std::string& line) {
    std::vector<std::set<std::string>> fields;
    return Json::parse(line, [&](int, Json::parse_event_t event, const Json& value) {
      if (event == Json::parse_event_t::object_start) fields.emplace_back();
      if (event == Json::parse_event_t::object_end) fields.pop_back();
      if (event == Json::parse_event_t::key) {
        EXPECT_TRUE(fields.back().insert(value.get<std::string>()).second) << line;
      }
      return true;
    });
  }
  std::vector<std::string> names(JobId job) {
    std::vector<std::string> names;
    for (const Json& line : lines(job)) names.push_back(line["event"]);
    return names;
  }

  Status failure;
  int appends = 0;
  std::vector<JobId> ended;

 private:
  std::map<JobId, std::string> logs_;
};

Instant at(Duration since) { return Instant() + since; }

class EventRecorderTest : public ::testing::Test {
 protected:
  static constexpr JobId kJob{7};
  static constexpr std::int64_t kOrigin = 1'000'000'000;

  EventRecorder make(EventLimits limits = {}) { return {&sink_, log_, kOrigin, limits}; }
  void accept(EventRecorder& recorder) {
    spec_.job_name = "word_count";
    spec_.inputs = {"/in"};
    recorder.accepted(at(1ms), {.job = kJob,
                                .spec = &spec_,
                                .submitted = at(0ms),
                                .splits = 1,
                                .partitions = 1,
                                .input_bytes = 100,
                                .notes = &notes_});
  }
  void assign(EventRecorder& recorder, Instant now, std::uint64_t attempt, Stage stage) {
    hello_.name = "host/1";
    recorder.assigned(
        now, {.attempt = {attempt}, .task = {kJob, stage, 0}, .worker = {1}, .hello = &hello_});
  }
  static proto::JobStatus status(proto::JobState state) {
    proto::JobStatus status;
    status.job = kJob;
    status.state = state;
    return status;
  }

  MemorySink sink_;
  Log log_;
  proto::JobSpec spec_;
  proto::Hello hello_;
  std::vector<std::string> notes_;
};

TEST_F(EventRecorderTest, TellsTheWholeLifeOfAJob) {
  EventRecorder recorder = make();
  accept(recorder);
  assign(recorder, at(2ms), 10, Stage::kMap);
  proto::AttemptReport report;
  report.records_in = 5;
  report.wall_us = 3'000;
  recorder.committed(at(10ms), {kJob, Stage::kMap, 0}, {10}, report);
  assign(recorder, at(11ms), 11, Stage::kReduce);
  recorder.committed(at(20ms), {kJob, Stage::kReduce, 0}, {11}, {});
  recorder.publication_started(at(20ms), kJob);
  recorder.publication_ended(at(21ms), kJob, {});
  recorder.ended(at(22ms), status(proto::JobState::kSucceeded));
  EXPECT_THAT(sink_.names(kJob),
              ElementsAre("job.submitted", "job.planned", "worker.joined", "stage.started",
                          "attempt.ended", "stage.ended", "stage.started", "attempt.ended",
                          "stage.ended", "publication.started", "publication.ended", "job.ended"));
  const Json map = sink_.lines(kJob)[4];
  EXPECT_EQ(map["time"], kOrigin + 10'000);
  EXPECT_EQ(map["assigned"], kOrigin + 2'000);
  EXPECT_EQ(map["started"], kOrigin + 7'000);
  EXPECT_EQ(map["task"], "map-0");
  EXPECT_EQ(map["outcome"], "committed");
  EXPECT_EQ(map["records_in"], 5);
  EXPECT_EQ(sink_.lines(kJob)[5]["elapsed_us"], 8'000);
  EXPECT_EQ(sink_.lines(kJob).back()["elapsed_us"], 22'000);
  EXPECT_THAT(sink_.ended, ElementsAre(kJob));
}

TEST_F(EventRecorderTest, TellsOfAnAssignmentThatLastsUntilTheNextFlush) {
  EventRecorder recorder = make();
  accept(recorder);
  assign(recorder, at(2ms), 10, Stage::kMap);
  assign(recorder, at(3ms), 11, Stage::kMap);
  recorder.cancelled(at(4ms), {10});
  recorder.flush();
  recorder.flush();
  EXPECT_THAT(sink_.names(kJob), ElementsAre("job.submitted", "job.planned", "worker.joined",
                                             "stage.started", "attempt.ended", "attempt.assigned"));
  EXPECT_EQ(sink_.lines(kJob)[5]["id"], "11");
  EXPECT_EQ(sink_.lines(kJob)[5]["time"], kOrigin + 3'000);
}

TEST_F(EventRecorderTest, EndsLogsThatADeadMasterLeftOpen) {
  constexpr JobId kEvicted{1};
  constexpr JobId kWhole{2};
  constexpr JobId kCut{3};
  constexpr JobId kUnwritten{4};
  ASSERT_TRUE(sink_.append(kWhole, "{\"event\":\"job.ended\",\"state\":\"failed\"}\n").ok());
  ASSERT_TRUE(sink_.append(kCut, "{\"event\":\"job.submitted\"}\n").ok());
  std::vector<proto::JobStatus> ended;
  for (const JobId job : {kUnwritten, kCut, kWhole, kEvicted}) {
    ended.push_back(status(proto::JobState::kSucceeded));
    ended.back().job = job;
    ended.back().elapsed_ms = 7;
  }
  EventRecorder recorder = make();
  recorder.complete(at(20ms), ended);
  EXPECT_THAT(sink_.names(kUnwritten), ElementsAre("job.ended"));
  EXPECT_THAT(sink_.names(kCut), ElementsAre("job.submitted", "job.ended"));
  EXPECT_EQ(sink_.lines(kCut).back()["elapsed_us"], 7'000);
  EXPECT_THAT(sink_.names(kWhole), ElementsAre("job.ended"));
  EXPECT_THAT(sink_.names(kEvicted), ElementsAre());
  recorder.complete(at(30ms), ended);
  EXPECT_THAT(sink_.names(kCut), ElementsAre("job.submitted", "job.ended"));
}

TEST_F(EventRecorderTest, KnowsWhatWasAssignedAgainInTheTurnInWhichItEnded) {
  EventRecorder recorder = make();
  accept(recorder);
  assign(recorder, at(2ms), 10, Stage::kMap);
  recorder.end_turn(at(2ms));
  // A heartbeat lacks it, and then its failure arrives.
  recorder.failed(at(3ms), {10}, {});
  assign(recorder, at(3ms), 10, Stage::kMap);
  recorder.abandoned(at(3ms), {10});
  recorder.end_turn(at(3ms));
  recorder.flush();
  EXPECT_THAT(sink_.names(kJob), ElementsAre("job.submitted", "job.planned", "worker.joined",
                                             "stage.started", "attempt.ended"));
}

TEST_F(EventRecorderTest, NeverSaysThatAnAttemptStartedBeforeItWasAssigned) {
  EventRecorder recorder = make();
  accept(recorder);
  assign(recorder, at(9ms), 10, Stage::kMap);
  proto::AttemptReport report;
  report.wall_us = 3'000'000;
  recorder.committed(at(10ms), {kJob, Stage::kMap, 0}, {10}, report);
  recorder.flush();
  EXPECT_EQ(sink_.lines(kJob)[4]["started"], kOrigin + 9'000);
}

TEST_F(EventRecorderTest, TellsEachEndOnceAndWhyItCame) {
  EventRecorder recorder = make();
  accept(recorder);
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kException;
  failure.message = "stoi";
  failure.record_file = "/in";
  failure.record_offset = 40;
  failure.key = "a key";
  assign(recorder, at(2ms), 10, Stage::kMap);
  recorder.running(at(3ms), {10});
  recorder.running(at(4ms), {10});
  recorder.failed(at(5ms), {10}, failure);
  recorder.failed(at(6ms), {10}, failure);
  recorder.cancelled(at(7ms), {10});
  failure.kind = proto::FailureKind::kWorkerLost;
  assign(recorder, at(8ms), 11, Stage::kMap);
  recorder.failed(at(9ms), {11}, failure);
  assign(recorder, at(10ms), 12, Stage::kMap);
  recorder.cancelled(at(11ms), {12});
  assign(recorder, at(12ms), 13, Stage::kMap);
  recorder.abandoned(at(13ms), {13});
  recorder.flush();
  std::vector<std::string> outcomes;
  for (const Json& line : sink_.lines(kJob)) {
    if (line["event"] == "attempt.ended") outcomes.push_back(line["outcome"]);
  }
  EXPECT_THAT(outcomes, ElementsAre("failed", "lost", "cancelled", "abandoned"));
  EXPECT_THAT(sink_.names(kJob), testing::Contains("attempt.started").Times(1));
  const Json failed = sink_.lines(kJob)[6];
  EXPECT_EQ(failed["cause"], "exception");
  EXPECT_EQ(failed["charged"], true);
  EXPECT_EQ(failed["message"], "stoi");
  EXPECT_EQ(failed["record_offset"], 40);
  EXPECT_EQ(failed["key"], "a key");
  EXPECT_EQ(failed["started"], kOrigin + 3'000);
}

TEST_F(EventRecorderTest, EndsAStageAgainWhenAnOutputWasLostAndMadeAgain) {
  EventRecorder recorder = make();
  accept(recorder);
  const TaskId map{kJob, Stage::kMap, 0};
  recorder.committed(at(2ms), map, {10}, {});
  recorder.output_invalidated(at(3ms), map, {10});
  recorder.committed(at(4ms), map, {11}, {});
  recorder.flush();
  EXPECT_THAT(sink_.names(kJob),
              ElementsAre("job.submitted", "job.planned", "attempt.ended", "stage.ended",
                          "output.invalidated", "attempt.ended", "stage.ended"));
}

TEST_F(EventRecorderTest, TouchesNoLogBeforeItsTurnHasEnded) {
  {
    EventRecorder another = make();
    accept(another);
    another.flush();
  }
  // A master that slept while another took over, and does not know it yet.
  EventRecorder late = make();
  accept(late);
  EXPECT_THAT(sink_.names(kJob), ElementsAre("job.submitted", "job.planned"));
  late.end_turn(at(1h));
  EXPECT_THAT(sink_.names(kJob), ElementsAre("job.submitted", "job.planned"));
  EXPECT_EQ(sink_.appends, 2);
}

TEST_F(EventRecorderTest, WritesManyLinesAtOnce) {
  EventRecorder recorder = make({.delay = 100ms});
  accept(recorder);
  assign(recorder, at(2ms), 10, Stage::kMap);
  recorder.end_turn(at(99ms));
  EXPECT_EQ(sink_.appends, 0);
  EXPECT_EQ(recorder.next_due(), at(101ms));
  recorder.end_turn(at(101ms));
  EXPECT_EQ(sink_.appends, 1);
  EXPECT_EQ(recorder.next_due(), std::nullopt);
  recorder.end_turn(at(1h));
  EXPECT_EQ(sink_.appends, 1);
}

TEST_F(EventRecorderTest, DoesNotWaitWhenThereIsMuchToWrite) {
  EventRecorder recorder = make({.bytes_buffered = 100, .delay = 1h});
  accept(recorder);
  recorder.end_turn(at(2ms));
  EXPECT_EQ(sink_.appends, 1);
}

TEST_F(EventRecorderTest, SaysThatItReachedItsLimitAndStillTellsTheEnd) {
  EventRecorder recorder = make({.bytes_per_job = 1'000});
  accept(recorder);
  for (std::uint64_t attempt = 10; attempt < 30; ++attempt) {
    assign(recorder, at(2ms), attempt, Stage::kMap);
    recorder.cancelled(at(3ms), {attempt});
  }
  recorder.committed(at(4ms), {kJob, Stage::kMap, 0}, {30}, {});
  recorder.ended(at(5ms), status(proto::JobState::kFailed));
  const std::vector<std::string> names = sink_.names(kJob);
  EXPECT_EQ(std::count(names.begin(), names.end(), "log.capped"), 1);
  const std::vector<std::string> last(names.end() - 3, names.end());
  EXPECT_THAT(last, ElementsAre("log.capped", "stage.ended", "job.ended"));
  const auto attempts = std::count_if(names.begin(), names.end(), [](const std::string& name) {
    return name.starts_with("attempt.");
  });
  EXPECT_EQ(sink_.lines(kJob).back()["lines_dropped"], 21 - attempts);
  EXPECT_LT(sink_.size(kJob), 1'600u);
}

TEST_F(EventRecorderTest, CountsWhatADiskDidNotTake) {
  EventRecorder recorder = make();
  accept(recorder);
  sink_.failure = {StatusCode::kNoSpace, "full"};
  recorder.flush();
  sink_.failure = {};
  recorder.ended(at(5ms), status(proto::JobState::kSucceeded));
  EXPECT_THAT(sink_.names(kJob), ElementsAre("job.ended"));
  EXPECT_EQ(sink_.lines(kJob)[0]["lines_dropped"], 2);
}

TEST_F(EventRecorderTest, GoesOnWithTheLogOfAnEarlierMaster) {
  {
    EventRecorder earlier = make();
    accept(earlier);
    earlier.committed(at(2ms), {kJob, Stage::kMap, 0}, {10}, {});
    earlier.flush();
  }
  EventRecorder recorder = make();
  recorder.restore(kJob, false, 1, 1);
  recorder.restore_done({kJob, Stage::kMap, 0}, true);
  recorder.resumed(at(3ms), kJob);
  hello_.name = "host/1";
  recorder.assigned(at(4ms), {.attempt = {11},
                              .task = {kJob, Stage::kReduce, 0},
                              .worker = {1},
                              .hello = &hello_,
                              .adopted = true});
  recorder.committed(at(5ms), {kJob, Stage::kReduce, 0}, {11}, {});
  recorder.flush();
  EXPECT_THAT(sink_.names(kJob),
              ElementsAre("job.submitted", "job.planned", "attempt.ended", "stage.ended",
                          "job.resumed", "worker.joined", "stage.started", "attempt.adopted",
                          "attempt.ended", "stage.ended"));
  EXPECT_FALSE(sink_.lines(kJob)[8].contains("assigned"));
}

TEST_F(EventRecorderTest, GivesAReaderAllThatWasToldSoFar) {
  EventRecorder recorder = make();
  accept(recorder);
  const auto first = recorder.read(kJob, 0, 1u << 20);
  ASSERT_TRUE(first.ok());
  EXPECT_NE(first->bytes.find("job.planned"), std::string::npos);
  EXPECT_FALSE(first->ended);
  recorder.ended(at(5ms), status(proto::JobState::kSucceeded));
  const auto cut = recorder.read(kJob, first->bytes.size(), 10);
  EXPECT_EQ(cut->bytes.size(), 10u);
  EXPECT_FALSE(cut->ended);
  const auto rest = recorder.read(kJob, first->bytes.size() + 10, 1u << 20);
  EXPECT_TRUE(rest->ended);
}

TEST_F(EventRecorderTest, SaysThatNoLogIsKept) {
  EventRecorder none(nullptr, log_, 0);
  accept(none);
  assign(none, at(2ms), 10, Stage::kMap);
  none.committed(at(2ms), {kJob, Stage::kMap, 0}, {10}, {});
  none.ended(at(2ms), status(proto::JobState::kSucceeded));
  const auto part = none.read(kJob, 0, 10);
  EXPECT_EQ(part.status().code(), StatusCode::kNotFound);
  EXPECT_NE(part.status().message().find("--events"), std::string::npos);
}

TEST_F(EventRecorderTest, KeepsTheFirstAndTheNewestCapsulesOfAJob) {
  EventRecorder recorder = make();
  EXPECT_EQ(recorder.take_capsule_place(kJob, "of nobody").directory, "");
  accept(recorder);
  constexpr std::size_t kKept = 1000;
  for (std::size_t i = 0; i < kKept; ++i) {
    const auto place = recorder.take_capsule_place(kJob, std::to_string(i));
    EXPECT_EQ(place.directory, "capsules");
    EXPECT_EQ(place.replaced, "");
  }
  EXPECT_EQ(recorder.take_capsule_place(kJob, "1000").replaced, "500");
  EXPECT_EQ(recorder.take_capsule_place(kJob, "1001").replaced, "501");
}

}  // namespace
}  // namespace fanfold::master
