// Which attempts go on after a record that ended their executor.

#include "worker/service/record_isolation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/limits.hpp"

namespace fanfold::worker {
namespace {

using proto::FailureKind;
using proto::OnBadRecord;
using testing::HasSubstr;

constexpr AttemptId kAttempt{5};

class RecordIsolationTest : public testing::Test {
 protected:
  void start(const proto::BadRecordPolicy& policy, Stage stage = Stage::kMap) {
    ExecutorTask task;
    task.assignment.attempt = kAttempt;
    task.assignment.task.stage = stage;
    task.assignment.spec.bad_records = policy;
    task.scratch = "/scratch";
    isolation_.note_started(task);
  }
  AttemptEnded ended_at(std::uint64_t offset, FailureKind kind = FailureKind::kSignal) {
    AttemptEnded ended;
    ended.attempt = kAttempt;
    ended.failure.kind = kind;
    ended.failure.message = "SIGSEGV";
    ended.failure.record_file = "in.txt";
    ended.failure.record_offset = offset;
    ended.failure.record_to_blame = true;
    ended.log_text = "log of " + std::to_string(offset) + "\n";
    ended.log_bytes = ended.log_text.size();
    return ended;
  }

  RecordIsolation isolation_;
};

TEST_F(RecordIsolationTest, GoesOnWithAllThatItHasMet) {
  start({OnBadRecord::kSkip, 0, 0});
  AttemptEnded first = ended_at(10);
  const auto second_try = isolation_.go_on(&first);
  ASSERT_TRUE(second_try);
  EXPECT_EQ(second_try->scratch, "/scratch");
  ASSERT_EQ(second_try->bad_records.size(), 1u);
  EXPECT_EQ(second_try->bad_records[0].offset, 10u);
  AttemptEnded second = ended_at(3, FailureKind::kStalled);
  const auto third_try = isolation_.go_on(&second);
  ASSERT_TRUE(third_try);
  EXPECT_EQ(third_try->bad_records.size(), 2u);
  AttemptEnded third;
  third.attempt = kAttempt;
  third.succeeded = true;
  third.log_text = "done\n";
  third.log_bytes = 5;
  EXPECT_FALSE(isolation_.go_on(&third));
  EXPECT_EQ(third.log_text, "log of 10\nlog of 3\ndone\n");
  EXPECT_EQ(third.log_bytes, third.log_text.size());
  EXPECT_EQ(isolation_.size(), 0u);
}

TEST_F(RecordIsolationTest, IsForMapsOfJobsThatTolerateBadRecords) {
  AttemptEnded ended = ended_at(10);
  EXPECT_FALSE(isolation_.go_on(&ended));
  start({});
  EXPECT_FALSE(isolation_.go_on(&ended));
  start({OnBadRecord::kSkip, 0, 0}, Stage::kReduce);
  EXPECT_FALSE(isolation_.go_on(&ended));
  EXPECT_EQ(isolation_.size(), 0u);
  start({OnBadRecord::kSkip, 0, 0}, Stage::kSample);
  EXPECT_TRUE(isolation_.go_on(&ended));
}

TEST_F(RecordIsolationTest, EndsWhenNoRecordIsToBlame) {
  start({OnBadRecord::kSkip, 0, 0});
  AttemptEnded ended = ended_at(10);
  ended.failure.record_to_blame = false;
  EXPECT_FALSE(isolation_.go_on(&ended));
  EXPECT_EQ(isolation_.size(), 0u);
}

TEST_F(RecordIsolationTest, EndsWhenPassingOverTheRecordDoesNotHelp) {
  start({OnBadRecord::kSkip, 0, 0});
  AttemptEnded first = ended_at(10);
  ASSERT_TRUE(isolation_.go_on(&first));
  AttemptEnded second = ended_at(10);
  EXPECT_FALSE(isolation_.go_on(&second));
  EXPECT_THAT(second.failure.message, HasSubstr("after 1 bad record that"));
}

TEST_F(RecordIsolationTest, EndsWhenItIsStopped) {
  for (const FailureKind kind : {FailureKind::kCancelled, FailureKind::kTimeout}) {
    start({OnBadRecord::kSkip, 0, 0});
    isolation_.note_killed(kAttempt, kind);
    AttemptEnded ended = ended_at(10);
    EXPECT_FALSE(isolation_.go_on(&ended));
  }
  start({OnBadRecord::kSkip, 0, 0});
  isolation_.note_killed(kAttempt, FailureKind::kStalled);
  AttemptEnded ended = ended_at(10);
  EXPECT_TRUE(isolation_.go_on(&ended));
}

TEST_F(RecordIsolationTest, EndsAtItsLimits) {
  start({OnBadRecord::kSkip, 2, 0});
  for (const std::uint64_t offset : {1, 2, 3}) {
    AttemptEnded ended = ended_at(offset);
    EXPECT_EQ(isolation_.go_on(&ended).has_value(), offset < 3);
  }
  start({OnBadRecord::kSkip, 0, 500'000});
  for (std::uint64_t offset = 0; offset <= limits::kBadRecordsPerAttempt; ++offset) {
    AttemptEnded ended = ended_at(offset);
    EXPECT_EQ(isolation_.go_on(&ended).has_value(), offset < limits::kBadRecordsPerAttempt);
  }
}

}  // namespace
}  // namespace fanfold::worker
