// Jobs whose maps did without some of their records: how many there may be, and when that is known.

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

using proto::BadRecordPolicy;
using proto::CompletionReason;
using proto::OnBadRecord;

class BadRecordsTest : public SchedulerTest {
 protected:
  /// Of a hundred records.
  void commit_with(const AssignAttempt& attempt, std::uint64_t bad) {
    step(CommitRequested{attempt.worker, attempt.attempt, false, 10, {}, 0, 100, bad});
  }
  void submit_with(const BadRecordPolicy& policy, std::uint32_t maps = 3) {
    join(1, 3);
    submit({.maps = maps, .speculate = false, .bad_records = policy});
  }
};

TEST_F(BadRecordsTest, GoesOnWithAsManyAsThereMayBe) {
  submit_with({OnBadRecord::kSkip, 5, 0});
  commit_with(map(0), 2);
  commit_with(map(1), 3);
  commit_with(map(2), 0);
  commit(reduce(0));
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(BadRecordsTest, FailsInTheTurnInWhichThereAreTooMany) {
  submit_with({OnBadRecord::kSkip, 5, 0});
  commit_with(map(0), 3);
  EXPECT_EQ(status().state, JobState::kRunning);
  commit_with(map(2), 3);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().completion.reason, CompletionReason::kFailureToleranceExceeded);
  EXPECT_NE(status().reason.find("6 records could not be mapped, more than the 5"),
            std::string::npos)
      << status().reason;
  EXPECT_TRUE(live.empty());
  EXPECT_EQ(actions<CancelAttempt>().size(), 1u);
}

TEST_F(BadRecordsTest, KnowsTheShareOnceAllMapsAreDone) {
  submit_with({OnBadRecord::kDeadLetter, 0, 10'000});
  commit_with(map(0), 3);
  commit_with(map(1), 0);
  EXPECT_EQ(status().state, JobState::kRunning);
  commit_with(map(2), 1);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_NE(status().reason.find("4 of 300 records"), std::string::npos) << status().reason;
  EXPECT_TRUE(assigned().empty());
}

TEST_F(BadRecordsTest, AllowsTheShareItself) {
  submit_with({OnBadRecord::kDeadLetter, 0, 10'000});
  commit_with(map(0), 3);
  commit_with(map(1), 0);
  commit_with(map(2), 0);
  EXPECT_EQ(status().state, JobState::kRunning);
  EXPECT_EQ(assigned().size(), 1u);
}

TEST_F(BadRecordsTest, CountsAMapThatRunsAgainOnce) {
  submit_with({OnBadRecord::kSkip, 5, 10'000}, 2);
  commit_with(map(0), 2);
  join(2, 3);
  leave(1);
  commit_with(map(0), 2);
  commit_with(map(1), 0);
  EXPECT_EQ(status().state, JobState::kRunning) << status().reason;
  restart();
  join(2, 3);
  EXPECT_EQ(status().state, JobState::kRunning) << status().reason;
}

TEST_F(BadRecordsTest, CountsAcrossARestart) {
  submit_with({OnBadRecord::kSkip, 5, 0});
  commit_with(map(0), 3);
  restart();
  join(1, 3);
  commit_with(map(1), 3);
  EXPECT_EQ(status().state, JobState::kFailed);
}

TEST_F(BadRecordsTest, ForgetsMapsThatTheJobDoesWithout) {
  join(1, 3);
  join(2, 3);
  submit({.maps = 2,
          .speculate = false,
          .completion = {proto::CompletionRule::kMinSuccessful, 1},
          .bad_records = {OnBadRecord::kSkip, 0, 10'000}});
  commit_with(map(0), 1);
  EXPECT_TRUE(status().completion.decided);
  EXPECT_EQ(status().state, JobState::kRunning) << status().reason;
}

TEST_F(BadRecordsTest, TheShareIsOfTheRecordsThatAreCovered) {
  for (const std::uint64_t worker : {1, 2, 3, 4}) join(worker, 1);
  submit({.maps = 4,
          .speculate = false,
          .completion = {proto::CompletionRule::kMinSuccessful, 2},
          .bad_records = {OnBadRecord::kSkip, 0, 10'000}});
  // It has committed, is lost, and is not waited for.
  const AssignAttempt lost = map(0);
  commit_with(lost, 0);
  leave(lost.worker.value);
  commit_with(map(1), 3);
  commit_with(map(2), 0);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_NE(status().reason.find("3 of 200 records"), std::string::npos) << status().reason;
}

}  // namespace
}  // namespace fanfold::master
