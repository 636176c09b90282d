// Where replicas find room, what they leave to others, and what becomes of those that fail.

#include "master/scheduler/policy.hpp"
#include "tests/scheduler/replicas_test.hpp"

namespace fanfold::master {
namespace {

TEST_F(ReplicasTest, WhoHasVotedMakesRoomForOthers) {
  // Three tasks of three replicas each on three slots: held slots would be held for ever.
  join_all(3);
  submit_replicated(3, AcceptRule::kAll, 3);
  for (std::uint32_t index = 0; index < 3; ++index) {
    for (std::uint64_t worker = 1; worker <= 3; ++worker) {
      give(on(worker, Stage::kMap, index), kRight + index);
    }
  }
  EXPECT_EQ(stage_status(Stage::kMap).done, 3u);
}

TEST_F(ReplicasTest, ReducesMakeRoomForMapsThatRunAgain) {
  // Two such jobs could wait in each other's slots for ever.
  join_all(2);
  submit_replicated(2, AcceptRule::kAll);
  give(on(1), kRight);
  const AssignAttempt committed = on(2);
  give(committed, kRight);
  const AssignAttempt one = on(1, Stage::kReduce);
  const AssignAttempt two = on(2, Stage::kReduce);
  miss(one, {committed.attempt});
  ASSERT_EQ(actions<CancelAttempt>().size(), 1u);
  miss(two, {committed.attempt});
  ASSERT_EQ(actions<CancelAttempt>().size(), 1u);
  wait_with_heartbeats(3s);
  give(on(1), kRight);
  give(on(2), kRight);
  EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
  give(on(1, Stage::kReduce), kRight);
  give(on(2, Stage::kReduce), kRight);
  EXPECT_EQ(actions<PublishJob>().size(), 1u);
  EXPECT_EQ(status().failed_attempts + status().lost_attempts, 0u);
}

TEST_F(ReplicasTest, BorrowASlotOfAReduceThatWaits) {
  join_all(2);
  submit_replicated(2, AcceptRule::kFirst);
  const AssignAttempt committed = on(2);
  give(committed, kRight);
  miss(on(1, Stage::kReduce), {committed.attempt});
  miss(on(2, Stage::kReduce), {committed.attempt});
  wait_with_heartbeats(3s);
  give(on(1), kRight);
  EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
}

TEST_F(ReplicasTest, AVoterDoesNotCountAgainstTheLimitOfItsJob) {
  join_all(3);
  submit({.maps = 1,
          .reduces = 1,
          .control = {.max_concurrency = 1},
          .replicas = {3, AcceptRule::kQuorum, 0, 0}});
  ASSERT_EQ(live.size(), 1u);
  give(live[0], kRight);
  ASSERT_EQ(assigned().size(), 1u);
  give(assigned()[0], kRight);
  EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
}

TEST_F(ReplicasTest, BeginNothingThatTooFewWorkersCouldEndAndSaySo) {
  join_all(2);
  submit_replicated(3, AcceptRule::kAll, 5);
  EXPECT_TRUE(live.empty());
  EXPECT_EQ(replicas().waiting, 5u);
  join(3);
  EXPECT_EQ(replicas().waiting, 0u);
  EXPECT_EQ(live.size(), 3u);
  give(on(1), kRight);
  give(on(2), kRight);
  leave(3);
  EXPECT_EQ(replicas().waiting, 5u);
  EXPECT_EQ(replicas().votes, 2u);
  join(4);
  give(on(4), kRight);
  EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
}

TEST_F(ReplicasTest, OpenNoMoreVotesThanThereIsRoomFor) {
  join_all(3);
  submit({.job = {7}, .maps = 1, .reduces = 1});
  const AssignAttempt busy = map(0, {7});
  submit_replicated(3, AcceptRule::kAll, 100);
  // The third worker is busy: the other two vote and vote.
  for (int i = 0; i < 200; ++i) {
    const auto it = std::find_if(live.begin(), live.end(), [&](const AssignAttempt& one) {
      return one.task.job == kJob && one.worker != busy.worker && !voted_.count(one.attempt);
    });
    if (it == live.end()) break;
    const AssignAttempt one = *it;
    voted_.insert(one.attempt);
    give(one, kRight);
  }
  EXPECT_LE(replicas().votes, 2 * scheduling::kOpenBallotsLeast);
  give(busy, kRight);
  EXPECT_FALSE(assigned().empty());
}

TEST_F(ReplicasTest, ReducesThatHaveVotedKeepNoMapFromRunningAgain) {
  constexpr std::uint32_t kReduces = 20;
  join_all(3);
  submit({.maps = 1, .reduces = kReduces, .replicas = {3, AcceptRule::kAll, 0, 0}});
  for (std::uint64_t worker = 1; worker <= 3; ++worker) give(on(worker), kReduces * kRight);
  vote(kReduces, 3);
  EXPECT_EQ(replicas().votes, 2 * scheduling::kOpenBallotsLeast);
  // The last to give it keeps it.
  leave(3);
  join(4);
  EXPECT_EQ(on(4).task, (TaskId{kJob, Stage::kMap, 0}));
  vote(kReduces);
  EXPECT_EQ(actions<PublishJob>().size(), 1u);
}

TEST_F(ReplicasTest, JobsThatWaitForABusyWorkerStopNoOtherOneWithReplicas) {
  let_jobs_wait_for_a_busy_worker();
  submit({.job = {99}, .maps = 3, .reduces = 1, .replicas = {2, AcceptRule::kFirst, 0, 0}});
  for (std::uint32_t index = 0; index < 3; ++index) {
    give(map(index, {99}), kRight);
    EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
    wait_with_heartbeats(5s);
  }
}

TEST_F(ReplicasTest, WhatOneMissedBeforeItVotedIsNoNews) {
  join_all(3);
  submit_replicated(3, AcceptRule::kQuorum);
  give(on(1), kRight);
  const AssignAttempt committed = on(2);
  give(committed, kRight);
  const AssignAttempt reduce = on(1, Stage::kReduce);
  miss(reduce, {});
  give(reduce, kRight);
  miss(reduce, {committed.attempt});
  EXPECT_TRUE(facts<MapOutputInvalidated>().empty());
  give(on(3, Stage::kReduce), kRight);
  EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
}

TEST_F(ReplicasTest, JobsThatWaitForABusyWorkerStopNoOther) {
  let_jobs_wait_for_a_busy_worker();
  submit({.job = {99}, .maps = 1, .reduces = 1});
  give(map(0, {99}), kRight);
  EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
}

TEST_F(ReplicasTest, AFailureIsNotRepeatedWhereTheOthersAreEnough) {
  join_all(4);
  submit_replicated(3, AcceptRule::kQuorum);
  fail(on(1), FailureKind::kSignal);
  wait_with_heartbeats(20s);
  EXPECT_TRUE(assigned().empty());
  give(on(2), kRight);
  EXPECT_TRUE(assigned().empty());
  give(on(3), kWrong);
  // Now it takes one more, and it is not where it failed.
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].worker, WorkerId{4});
  give(on(4), kRight);
  EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
}

TEST_F(ReplicasTest, ATaskThatMayNotFailAgainIsLeftToTheReplicasThatStillRun) {
  join_all(4);
  submit({.maps = 1, .reduces = 1, .attempts_max = 2, .replicas = {4, AcceptRule::kFirst, 0, 0}});
  for (std::uint64_t worker = 1; worker <= 3; ++worker) {
    fail(on(worker), FailureKind::kPlugin);
    wait_with_heartbeats(10s);
    EXPECT_TRUE(assigned().empty());
  }
  EXPECT_EQ(status().failed_attempts, 3u);
  give(on(4), kRight);
  EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
}

TEST_F(ReplicasTest, ATaskThatMayNotFailAgainFailsWithTheLastThatCouldSettleIt) {
  join_all(4);
  submit({.maps = 1, .reduces = 1, .attempts_max = 1, .replicas = {3, AcceptRule::kQuorum, 0, 0}});
  fail(on(1), FailureKind::kException);
  EXPECT_EQ(status().state, JobState::kRunning);
  fail(on(2), FailureKind::kException);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().reason, "map task 0 failed 2 times");
}

TEST_F(ReplicasTest, WhoeverIsLostOfTheLastOnesIsReplaced) {
  join_all(4);
  submit({.maps = 1, .reduces = 1, .attempts_max = 1, .replicas = {3, AcceptRule::kQuorum, 0, 0}});
  fail(on(1), FailureKind::kException);
  leave(2);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].worker, WorkerId{4});
  give(on(3), kRight);
  give(on(4), kRight);
  EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
}

TEST_F(ReplicasTest, AFailureThatNoRetrierNamesIsLeftToTheOthersToo) {
  join_all(2);
  submit({.maps = 1,
          .reduces = 1,
          .retry = {{.errors = {"Task.Timeout"}, .attempts_max = 3}},
          .replicas = {2, AcceptRule::kFirst, 0, 0}});
  fail(on(1), FailureKind::kException);
  give(on(2), kRight);
  EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
}

TEST_F(ReplicasTest, WhatWaitsForADelayHidesNothingBehindIt) {
  constexpr std::uint32_t kMaps = scheduling::kReplicasExamined + 6;
  join_all(2, kMaps);
  submit_replicated(2, AcceptRule::kAll, kMaps);
  for (std::uint32_t index = 0; index < kMaps - 4; ++index) {
    fail(on(2, Stage::kMap, index), FailureKind::kException);
  }
  leave(2);
  join(3, kMaps);
  ASSERT_EQ(assigned().size(), 4u);
  for (const AssignAttempt& one : assigned()) EXPECT_GE(one.task.index, kMaps - 4);
}

TEST_F(ReplicasTest, AReplicaOfAWorkerThatLeavesTakesNobodysPlace) {
  join_all(2);
  submit_replicated(3, AcceptRule::kFirst);
  ASSERT_EQ(live.size(), 2u);
  drain(1);
  join(3);
  // Two active workers, one of which has nothing of it yet.
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].worker, WorkerId{3});
}

TEST_F(ReplicasTest, FailuresOfReplicasAreThoseOfTheTask) {
  join_all(4);
  submit({.maps = 1, .reduces = 1, .attempts_max = 3, .replicas = {3, AcceptRule::kQuorum, 0, 0}});
  for (std::uint64_t worker = 1; worker <= 3; ++worker) fail(on(worker), FailureKind::kException);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().failed_attempts, 3u);
}

TEST_F(ReplicasTest, PreferOtherHosts) {
  join_on(1, "a");
  join_on(2, "a");
  join_on(3, "a");
  join_on(4, "b");
  join_on(5, "c");
  submit_replicated(3, AcceptRule::kQuorum);
  std::vector<std::uint64_t> chosen;
  for (const AssignAttempt& one : live) chosen.push_back(one.worker.value);
  std::sort(chosen.begin(), chosen.end());
  ASSERT_EQ(chosen.size(), 3u);
  EXPECT_EQ(chosen[1], 4u);
  EXPECT_EQ(chosen[2], 5u);
}

TEST_F(ReplicasTest, PreferOtherHostsHoweverManyWorkersOneHas) {
  for (std::uint64_t worker = 1; worker <= 60; ++worker) {
    join_on(worker, worker <= 20 ? "a" : worker <= 40 ? "b" : "c");
  }
  submit_replicated(3, AcceptRule::kQuorum);
  ASSERT_EQ(live.size(), 3u);
  std::set<std::uint64_t> hosts;
  for (const AssignAttempt& one : live) hosts.insert((one.worker.value - 1) / 20);
  EXPECT_EQ(hosts.size(), 3u);
}

}  // namespace
}  // namespace fanfold::master
