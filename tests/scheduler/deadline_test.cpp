// What becomes of jobs at their deadlines.

#include "tests/scheduler/completion_test.hpp"

namespace fanfold::master {
namespace {

class DeadlineTest : public CompletionTest {};

TEST_F(DeadlineTest, FailsAtItsDeadline) {
  run_four({});
  cancel();
  submit({.job = {2}, .maps = 4, .deadline_unix_us = in(5s)});
  wait_with_heartbeats(4900ms);
  EXPECT_EQ(status({2}).state, JobState::kRunning);
  wait_with_heartbeats(200ms);
  EXPECT_EQ(status({2}).state, JobState::kFailed);
  EXPECT_EQ(status({2}).completion.reason, CompletionReason::kDeadlineExceeded);
  EXPECT_NE(status({2}).reason.find("0 of 4 map tasks"), std::string::npos) << status({2}).reason;
  EXPECT_TRUE(live.empty());
}

TEST_F(DeadlineTest, FailsAtItsDeadlineWhileItReducesToo) {
  join(1);
  submit({.reduces = 2, .deadline_unix_us = in(5s)});
  commit(map(0));
  commit(reduce(0));
  wait_with_heartbeats(5s);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_NE(status().reason.find("1 of 2 reduce tasks"), std::string::npos) << status().reason;
}

TEST_F(DeadlineTest, WhatIsBeingPublishedAtItsDeadlineIsPublished) {
  join(1);
  submit({.deadline_unix_us = in(5s)});
  commit(map(0));
  commit(reduce(0));
  wait_with_heartbeats(10s);
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
  EXPECT_EQ(completion().reason, CompletionReason::kAllCompleted);
}

TEST_F(DeadlineTest, GoesOnAtItsDeadlineWithWhatThereIs) {
  join(1, 3);
  submit({.maps = 3,
          .speculate = false,
          .on_deadline = OnDeadline::kPartial,
          .deadline_unix_us = in(5s)});
  commit(map(1));
  wait_with_heartbeats(5s);
  EXPECT_TRUE(completion().decided);
  EXPECT_EQ(inputs().size(), 1u);
  finish();
  EXPECT_EQ(status().state, JobState::kPartial);
  EXPECT_EQ(completion().reason, CompletionReason::kDeadlineExceeded);
  EXPECT_EQ(completion().maps_dropped, 2u);
}

TEST_F(DeadlineTest, FailsAtItsDeadlineWithNothingToGoOnWith) {
  join(1);
  submit({.maps = 3, .on_deadline = OnDeadline::kPartial, .deadline_unix_us = in(5s)});
  wait_with_heartbeats(5s);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(completion().reason, CompletionReason::kDeadlineExceeded);
}

TEST_F(DeadlineTest, ADeadlineThatMayBePartialLeavesAWholeJobAlone) {
  join(1);
  submit({.on_deadline = OnDeadline::kPartial, .deadline_unix_us = in(5s)});
  commit(map(0));
  wait_with_heartbeats(10s);
  finish();
  EXPECT_EQ(status().state, JobState::kSucceeded);
  EXPECT_EQ(completion().reason, CompletionReason::kAllCompleted);
}

TEST_F(DeadlineTest, FewerThanThePolicyAsksForAreEnoughAtADeadlineThatMayBePartial) {
  join(1, 4);
  submit({.maps = 4,
          .speculate = false,
          .completion = min_successful(3),
          .on_deadline = OnDeadline::kPartial,
          .deadline_unix_us = in(5s)});
  commit(map(0));
  wait_with_heartbeats(5s);
  finish();
  EXPECT_EQ(status().state, JobState::kPartial);
  EXPECT_EQ(completion().reason, CompletionReason::kDeadlineExceeded);
}

TEST_F(DeadlineTest, ADeadlinePassesWhileThereIsNoMaster) {
  join(1);
  submit({.maps = 2, .deadline_unix_us = in(5s)});
  restart();
  wait(6s);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(completion().reason, CompletionReason::kDeadlineExceeded);
}

TEST_F(DeadlineTest, ADeadlineThatPassedLongAgoIsNoTrapForTheClock) {
  join(1);
  submit({.maps = 2, .deadline_unix_us = 1});
  submit({.job = {2}, .maps = 2, .deadline_unix_us = UINT64_MAX});
  step(Tick{});
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status({2}).state, JobState::kRunning);
}

}  // namespace
}  // namespace fanfold::master
