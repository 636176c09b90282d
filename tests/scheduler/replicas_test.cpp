// --replicas: tasks that run several times, and which of their results counts.

#include "tests/scheduler/replicas_test.hpp"

namespace fanfold::master {
namespace {

TEST_F(ReplicasTest, RunOnDifferentWorkersFromTheStart) {
  join_all(4, 2);
  submit_replicated(3, AcceptRule::kFirst);
  ASSERT_EQ(assigned().size(), 3u);
  for (const AssignAttempt& one : assigned()) EXPECT_FALSE(one.speculative);
  EXPECT_EQ(replicas().started, 2u);
}

TEST_F(ReplicasTest, TheFirstResultCountsAndTheOthersAreStopped) {
  join_all(3);
  submit_replicated(3, AcceptRule::kFirst);
  const AssignAttempt first = on(2);
  give(first, kRight);
  ASSERT_EQ(facts<AttemptCommitted>().size(), 1u);
  EXPECT_EQ(facts<AttemptCommitted>()[0].attempt, first.attempt);
  EXPECT_EQ(actions<CancelAttempt>().size(), 2u);
  EXPECT_EQ(replicas().stopped, 2u);
}

TEST_F(ReplicasTest, AQuorumCommitsWhatMostHaveGiven) {
  join_all(3);
  submit_replicated(3, AcceptRule::kQuorum);
  const AssignAttempt first = on(1);
  const AssignAttempt second = on(3);
  give(first, kRight);
  EXPECT_TRUE(last.facts.empty());
  EXPECT_TRUE(actions<AnswerCommit>().empty());
  give(second, kRight);
  ASSERT_EQ(facts<AttemptCommitted>().size(), 1u);
  EXPECT_EQ(facts<AttemptCommitted>()[0].attempt, second.attempt);
  EXPECT_EQ(granted(), 1u);
  EXPECT_EQ(actions<AnswerCommit>().size(), 2u);
  EXPECT_EQ(actions<CancelAttempt>().size(), 1u);
  EXPECT_EQ(replicas().discarded, 1u);
  EXPECT_EQ(replicas().dissents, 0u);
}

TEST_F(ReplicasTest, NamesTheWorkerThatGaveSomethingElse) {
  join_all(3);
  submit_replicated(3, AcceptRule::kQuorum);
  give(on(2), kWrong);
  give(on(1), kRight);
  give(on(3), kRight);
  ASSERT_EQ(facts<DissentFound>().size(), 1u);
  const DissentFound dissent = facts<DissentFound>()[0];
  EXPECT_EQ(dissent.worker, WorkerId{2});
  EXPECT_EQ(dissent.worker_name, "worker-2");
  EXPECT_EQ(dissent.digest, kWrong);
  EXPECT_TRUE(dissent.decided);
  EXPECT_EQ(dissent.accepted, kRight);
  ASSERT_EQ(replicas().dissenters.size(), 1u);
  EXPECT_EQ(replicas().dissenters[0].name, "worker-2");
  EXPECT_EQ(replicas().dissenters[0].results, 1u);
  const auto workers = scheduler->workers(now);
  EXPECT_EQ(workers[1].standing, proto::WorkerStanding::kProbation);
  EXPECT_EQ(workers[0].standing, proto::WorkerStanding::kGood);
}

TEST_F(ReplicasTest, OneWorkerThatAsksAgainIsNoMajority) {
  join_all(3);
  submit_replicated(3, AcceptRule::kQuorum);
  const AssignAttempt wrong = on(2);
  for (int i = 0; i < 5; ++i) give(wrong, kWrong);
  EXPECT_TRUE(facts<AttemptCommitted>().empty());
  EXPECT_TRUE(actions<AnswerCommit>().empty());
}

TEST_F(ReplicasTest, WithoutAMajorityTheJobFailsAndShowsWhoGaveWhat) {
  join_all(3);
  submit_replicated(3, AcceptRule::kQuorum);
  give(on(1), 0xa1);
  give(on(2), 0xb2);
  give(on(3), 0xc3);
  EXPECT_EQ(facts<DissentFound>().size(), 3u);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_EQ(status().reason,
            "NO_MAJORITY: map task 0 gave different results, and no 2 of its 3 replicas can agree "
            "any more: 00000000000000a1 by worker-1; 00000000000000b2 by worker-2; "
            "00000000000000c3 by worker-3");
  EXPECT_EQ(status().replicas.dissents, 0u);
  EXPECT_EQ(facts<JobEnded>()[0].failed_task, (TaskId{kJob, Stage::kMap, 0}));
  // Nobody knows who is wrong.
  for (const proto::WorkerStatus& worker : scheduler->workers(now)) EXPECT_EQ(worker.demerits, 0u);
}

TEST_F(ReplicasTest, AllMustAgreeWhereThatIsAsked) {
  join_all(2);
  submit_replicated(2, AcceptRule::kAll);
  give(on(1), kRight);
  EXPECT_TRUE(facts<AttemptCommitted>().empty());
  give(on(2), kRight);
  EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
  give(on(2, Stage::kReduce), kRight);
  give(on(1, Stage::kReduce), kWrong);
  EXPECT_EQ(status().state, JobState::kFailed);
  EXPECT_NE(status().reason.find("reduce task 0 gave different results, and all 2 must agree"),
            std::string::npos)
      << status().reason;
}

TEST_F(ReplicasTest, AMapWithoutAMajorityIsGivenUpWhereThatIsTolerated) {
  join_all(3);
  submit({.maps = 2,
          .reduces = 1,
          .completion = {proto::CompletionRule::kAllCompleted, 0, 0},
          .replicas = {3, AcceptRule::kQuorum, 0, 0}});
  give(on(1), 1);
  give(on(2), 2);
  give(on(3), 3);
  ASSERT_EQ(facts<TaskGivenUp>().size(), 1u);
  EXPECT_EQ(facts<TaskGivenUp>()[0].kind, FailureKind::kNonDeterministic);
  give(on(1, Stage::kMap, 1), kRight);
  give(on(2, Stage::kMap, 1), kRight);
  give(on(1, Stage::kReduce), kRight);
  give(on(3, Stage::kReduce), kRight);
  published();
  EXPECT_EQ(status().state, JobState::kPartial);
}

TEST_F(ReplicasTest, AVoteIsLostWithItsWorkerAndCastElsewhere) {
  join_all(4);
  submit_replicated(3, AcceptRule::kQuorum);
  const AssignAttempt wrong = on(1);
  give(wrong, kWrong);
  leave(1);
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].worker, WorkerId{4});
  give(on(2), kWrong);
  EXPECT_TRUE(facts<AttemptCommitted>().empty());
  give(on(3), kRight);
  give(on(4), kRight);
  EXPECT_EQ(facts<AttemptCommitted>().size(), 1u);
  EXPECT_EQ(status().lost_attempts, 0u);
}

TEST_F(ReplicasTest, WhoLeavesWaitsForNobody) {
  join_all(3);
  submit_replicated(3, AcceptRule::kQuorum);
  const AssignAttempt voter = on(1);
  give(voter, kRight);
  drain(1);
  ASSERT_EQ(actions<AnswerCommit>().size(), 1u);
  EXPECT_EQ(actions<AnswerCommit>()[0].attempt, voter.attempt);
  EXPECT_FALSE(actions<AnswerCommit>()[0].granted);
  drain(2);
  const AssignAttempt leaving = on(2);
  give(leaving, kRight);
  EXPECT_FALSE(actions<AnswerCommit>().at(0).granted);
  EXPECT_TRUE(facts<AttemptCommitted>().empty());
}

TEST_F(ReplicasTest, ARestartedMasterIsToldTheVotesAgain) {
  join_all(3);
  submit_replicated(3, AcceptRule::kQuorum);
  const AssignAttempt one = on(1);
  const AssignAttempt two = on(2);
  const AssignAttempt three = on(3);
  give(one, kWrong);
  give(two, kRight);
  restart();
  join_with(1, 1, {one});
  join_with(2, 1, {two});
  join_with(3, 1, {three});
  EXPECT_TRUE(assigned().empty());
  give(one, kWrong);
  give(two, kRight);
  EXPECT_TRUE(facts<AttemptCommitted>().empty());
  give(three, kRight);
  ASSERT_EQ(facts<AttemptCommitted>().size(), 1u);
  ASSERT_EQ(facts<DissentFound>().size(), 1u);
  EXPECT_EQ(facts<DissentFound>()[0].worker, WorkerId{1});
  restart();
  EXPECT_EQ(replicas().dissents, 1u);
  EXPECT_EQ(replicas().dissenters.at(0).name, "worker-1");
}

TEST_F(ReplicasTest, AResultThatAWorkerBringsAlongTakesNoSlot) {
  join_all(3);
  submit_replicated(3, AcceptRule::kAll, 2);
  const AssignAttempt voter = on(1);
  give(voter, kRight);
  const AssignAttempt runs = on(1, Stage::kMap, 1);
  restart();
  const auto held = [](const AssignAttempt& one, bool finished) {
    return proto::HeldTask{one.attempt, one.task, one.attempt_number, 0, true, finished};
  };
  step(WorkerJoined{voter.worker, 1, {held(voter, true), held(runs, false)}, {}, true});
  heartbeat(1);
  EXPECT_EQ(scheduler->workers(now).at(0).busy, 1u);
  give(runs, kRight);
  // What ran is out of its slot as well, and nothing had to be promoted into it.
  EXPECT_EQ(scheduler->workers(now).at(0).busy, 0u);
  give(voter, kRight);
  EXPECT_EQ(replicas().votes, 2u);
}

TEST_F(ReplicasTest, AVoterThatForgotItsResultIsAskedNoMore) {
  join_all(3);
  submit_replicated(3, AcceptRule::kQuorum);
  const AssignAttempt voter = on(1);
  give(voter, kRight);
  wait(3s);
  step(HeartbeatReceived{voter.worker, {}});
  ASSERT_EQ(actions<CancelAttempt>().size(), 1u);
  EXPECT_EQ(actions<CancelAttempt>()[0].attempt, voter.attempt);
  // Another one takes its place.
  ASSERT_EQ(assigned().size(), 1u);
}

TEST_F(ReplicasTest, AreNotBackedUp) {
  join_all(4, 2);
  submit_replicated(2, AcceptRule::kFirst, 4);
  for (std::uint32_t index = 0; index < 3; ++index) commit(map(index));
  wait_with_heartbeats(30s);
  EXPECT_TRUE(assigned().empty());
  EXPECT_EQ(status().speculative_attempts, 0u);
}

TEST_F(ReplicasTest, ACancelledJobLeavesNoVoteBehind) {
  join_all(3);
  const std::size_t entries = scheduler->entries();
  submit_replicated(3, AcceptRule::kQuorum);
  give(on(1), kRight);
  cancel();
  EXPECT_EQ(actions<CancelAttempt>().size(), 3u);
  // That it has ended is all that is known of it.
  EXPECT_EQ(scheduler->entries(), entries + 1);
}

}  // namespace
}  // namespace fanfold::master
