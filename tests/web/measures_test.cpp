// What is counted when things happen to jobs and attempts.

#include "master/measures/measures.hpp"

#include <gtest/gtest.h>

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;

constexpr JobId kJob{7};

TaskId map(std::uint32_t index) { return {kJob, Stage::kMap, index}; }
TaskId reduce(std::uint32_t index) { return {kJob, Stage::kReduce, index}; }

class MeasuresTest : public testing::Test {
 protected:
  void pass(Duration time) { now_ = now_ + time; }

  void assign(const TaskId& task, std::uint64_t attempt, std::uint32_t number = 1,
              bool speculative = false) {
    measures_.assigned(
        now_, {.attempt = {attempt}, .task = task, .number = number, .speculative = speculative});
  }
  void commit(const TaskId& task, std::uint64_t attempt, Duration ran) {
    proto::AttemptReport report;
    report.wall_us = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(ran).count());
    report.records_in = 10;
    report.bytes_in = 100;
    report.records_out = 2;
    report.bytes_out = 20;
    report.spills = 1;
    measures_.committed(now_, task, {attempt}, report);
  }
  void end(proto::JobState state) {
    proto::JobStatus status;
    status.job = kJob;
    status.state = state;
    status.elapsed_ms = 5000;
    status.output_bytes = 1234;
    measures_.job_ended(now_, status);
  }
  const StageTotals& maps() const { return measures_.totals().stage(Stage::kMap); }
  std::uint64_t assigned(AttemptKind kind) const {
    return maps().assigned[static_cast<std::size_t>(kind)];
  }
  std::uint64_t ended(AttemptOutcome outcome) const {
    return maps().ended[static_cast<std::size_t>(outcome)];
  }

  Instant now_{1h};
  Measures measures_{true};
};

TEST_F(MeasuresTest, TellApartFirstLaterAndSecondAttempts) {
  assign(map(0), 1);
  assign(map(0), 2, 2);
  assign(map(0), 3, 3, true);
  assign(map(0), 3, 3, true);  // A heartbeat did not list it.
  EXPECT_EQ(assigned(AttemptKind::kFirst), 1u);
  EXPECT_EQ(assigned(AttemptKind::kAgain), 1u);
  EXPECT_EQ(assigned(AttemptKind::kSpeculative), 1u);
  EXPECT_EQ(measures_.totals().resent[static_cast<std::size_t>(Resend::kAssignment)], 1u);
}

TEST_F(MeasuresTest, CountEachEndOnce) {
  for (std::uint64_t attempt = 1; attempt <= 5; ++attempt) assign(map(0), attempt);
  measures_.failed({1}, proto::FailureKind::kSignal);
  measures_.failed({1}, proto::FailureKind::kSignal);
  measures_.failed({2}, proto::FailureKind::kWorkerLost);
  measures_.failed({3}, proto::FailureKind::kCancelled);
  measures_.cancelled({3});
  measures_.abandoned({4});
  measures_.abandoned({99});
  commit(map(0), 5, 1s);
  EXPECT_EQ(ended(AttemptOutcome::kFailed), 1u);
  EXPECT_EQ(ended(AttemptOutcome::kLost), 1u);
  EXPECT_EQ(ended(AttemptOutcome::kCancelled), 1u);
  EXPECT_EQ(ended(AttemptOutcome::kAbandoned), 1u);
  EXPECT_EQ(ended(AttemptOutcome::kCommitted), 1u);
  const std::map<proto::FailureKind, std::uint64_t> causes = {{proto::FailureKind::kSignal, 1},
                                                              {proto::FailureKind::kWorkerLost, 1}};
  EXPECT_EQ(measures_.totals().failures, causes);
}

TEST_F(MeasuresTest, ShareTheTimeOfAnAttemptIntoWaitingAndRunning) {
  assign(map(0), 1);
  pass(10s);
  commit(map(0), 1, 4s);
  EXPECT_EQ(maps().ran.count(), 1u);
  EXPECT_DOUBLE_EQ(maps().ran.sum(), 4);
  EXPECT_DOUBLE_EQ(maps().waited.sum(), 6);
  EXPECT_EQ(maps().records_in, 10u);
  EXPECT_EQ(maps().bytes_out, 20u);
}

TEST_F(MeasuresTest, AClockOfAWorkerThatRunsAheadMakesNoNegativeWait) {
  assign(map(0), 1);
  pass(1s);
  commit(map(0), 1, 4s);
  EXPECT_EQ(maps().waited.sum(), 0);
}

TEST_F(MeasuresTest, OfAJobComeWhenItEnds) {
  measures_.job_accepted(now_, kJob, 3, 1);
  for (std::uint32_t i = 0; i < 3; ++i) assign(map(i), 1 + i);
  commit(map(0), 1, 1s);
  commit(map(1), 2, 1s);
  commit(map(2), 3, 6s);
  pass(2s);
  commit(reduce(0), 4, 1s);
  pass(1s);
  EXPECT_EQ(measures_.totals().gather_seconds.count(), 0u);
  end(proto::JobState::kSucceeded);
  const Totals& totals = measures_.totals();
  EXPECT_EQ(totals.jobs_accepted, 1u);
  EXPECT_EQ(totals.jobs_ended.at(proto::JobState::kSucceeded), 1u);
  EXPECT_DOUBLE_EQ(totals.job_seconds.sum(), 5);
  EXPECT_DOUBLE_EQ(totals.gather_seconds.sum(), 3);
  EXPECT_EQ(totals.output_bytes, 1234u);
  EXPECT_EQ(maps().tasks.sum(), 3);
  // The median is that of a bucket.
  EXPECT_NEAR(maps().straggling.sum(), 6, 1);
  EXPECT_EQ(totals.stage(Stage::kReduce).straggling.count(), 0u);  // One task is no straggler.
}

TEST_F(MeasuresTest, GatheringBeginsAnewWhenAMapIsLost) {
  measures_.job_accepted(now_, kJob, 1, 1);
  commit(map(0), 1, 1s);
  pass(10s);
  measures_.output_invalidated(map(0));
  commit(map(0), 2, 1s);
  pass(2s);
  end(proto::JobState::kSucceeded);
  EXPECT_DOUBLE_EQ(measures_.totals().gather_seconds.sum(), 2);
  EXPECT_EQ(measures_.totals().outputs_invalidated, 1u);
}

TEST_F(MeasuresTest, OfAnEarlierMastersJobAreNotInvented) {
  commit(map(0), 1, 1s);
  measures_.output_invalidated(map(0));
  end(proto::JobState::kFailed);
  EXPECT_EQ(measures_.totals().gather_seconds.count(), 0u);
  EXPECT_EQ(measures_.totals().jobs_ended.at(proto::JobState::kFailed), 1u);
}

TEST(Measures, ThatAreOffKeepNothing) {
  Measures measures(false);
  measures.job_accepted({}, kJob, 1, 1);
  measures.assigned({}, {.attempt = {1}, .task = map(0)});
  measures.committed({}, map(0), {1}, {});
  EXPECT_EQ(measures.totals().jobs_accepted, 0u);
  EXPECT_EQ(measures.totals().stage(Stage::kMap).ran.count(), 0u);
}

TEST(Distribution, PutsAValueIntoTheFirstBucketThatHoldsIt) {
  Distribution ratios(ratio_bounds());
  ratios.add(1.25);
  ratios.add(1.26);
  ratios.add(1e9);
  EXPECT_EQ(ratios.counts().front(), 1u);
  EXPECT_EQ(ratios.counts()[1], 1u);
  EXPECT_EQ(ratios.counts().back(), 1u);
  EXPECT_EQ(ratios.count(), 3u);
}

}  // namespace
}  // namespace fanfold::master
