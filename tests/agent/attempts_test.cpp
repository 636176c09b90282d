// An attempt on its way through the worker: fetch, queue, slot, report, answer.

#include "tests/agent/agent_test.hpp"

namespace fanfold::worker {
namespace {

TEST_F(AgentTest, StartsAMapAtOnce) {
  join();
  const AttemptId one = assign_map(1);
  EXPECT_EQ(started(), std::vector{one});
  EXPECT_TRUE(actions<FetchInputs>().empty());
}

TEST_F(AgentTest, FetchesTheInputsOfAReduceBeforeItStarts) {
  join();
  const AttemptId one = assign_reduce(1);
  ASSERT_EQ(actions<FetchInputs>().size(), 1u);
  EXPECT_EQ(actions<FetchInputs>()[0].list->outputs.size(), 2u);
  EXPECT_TRUE(started().empty());
  inputs_arrive(one);
  ASSERT_EQ(started(), std::vector{one});
  EXPECT_EQ(actions<StartAttempt>()[0].assignment.attempt, one);
}

TEST_F(AgentTest, StartsAReduceWithoutInputsAtOnce) {
  join();
  const AttemptId one = assign({.number = 1, .stage = Stage::kReduce, .has_inputs = false});
  EXPECT_EQ(started(), std::vector{one});
  EXPECT_TRUE(actions<FetchInputs>().empty());
}

TEST_F(AgentTest, FetchingTakesNoSlot) {
  join();
  assign_reduce(1);
  assign_reduce(2);
  assign_map(3);
  EXPECT_EQ(started().size(), 1u);
  assign_map(4);
  EXPECT_EQ(started().size(), 1u);
}

TEST_F(AgentTest, NeverStartsMoreThanItHasSlots) {
  join();
  const AttemptId one = assign_map(1);
  assign_map(2);
  const AttemptId three = assign_map(3);
  EXPECT_TRUE(started().empty());
  succeed(one);
  EXPECT_EQ(started(), std::vector{three});
}

TEST_F(AgentTest, StartsWhatWaitsInTheOrderItCame) {
  join();
  const AttemptId first = assign_map(1);
  const AttemptId second = assign_map(2);
  const AttemptId fourth = assign_map(40);
  const AttemptId third = assign_map(30);
  fail(first);
  EXPECT_EQ(started(), std::vector{fourth});
  fail(second);
  EXPECT_EQ(started(), std::vector{third});
}

TEST_F(AgentTest, AReduceWhoseInputsArriveKeepsItsPlaceInTheQueue) {
  join();
  const AttemptId first = assign_map(1);
  const AttemptId reduce = assign_reduce(2);
  assign_map(3);
  assign_map(4);
  inputs_arrive(reduce);
  succeed(first);
  EXPECT_EQ(started(), std::vector{reduce});
}

TEST_F(AgentTest, AsksToCommitWhatSucceeded) {
  join();
  const AttemptId one = assign_map(1);
  succeed(one);
  ASSERT_EQ(sent<proto::CommitRequest>().size(), 1u);
  const proto::CommitRequest request = sent<proto::CommitRequest>()[0];
  EXPECT_EQ(request.worker, kWorker);
  EXPECT_EQ(request.attempt, one);
  EXPECT_EQ(request.report.counters.at("attempt"), static_cast<std::int64_t>(one.value));
  EXPECT_EQ(request.log_text, "log of 1");
  EXPECT_TRUE(actions<DropAttemptFiles>().empty());
}

TEST_F(AgentTest, KeepsTheFilesOfACommittedAttempt) {
  join();
  const AttemptId one = assign_map(1);
  succeed(one);
  answer(one, true);
  EXPECT_TRUE(last.empty());
  EXPECT_TRUE(listed().empty());
}

TEST_F(AgentTest, DropsTheFilesOfAnAttemptThatLost) {
  join();
  const AttemptId one = assign_map(1);
  succeed(one);
  answer(one, false);
  ASSERT_EQ(actions<DropAttemptFiles>().size(), 1u);
  EXPECT_EQ(actions<DropAttemptFiles>()[0].attempt, one);
  EXPECT_EQ(actions<DropAttemptFiles>()[0].job, kJob);
  EXPECT_TRUE(listed().empty());
}

TEST_F(AgentTest, RepeatsACommitUntilItIsAnswered) {
  join();
  const AttemptId one = assign_map(1);
  succeed(one);
  wait_with_echoes(3 * kResend);
  EXPECT_EQ(sent<proto::CommitRequest>().size(), 3u);
  EXPECT_EQ(said_again<proto::CommitRequest>(), 3u);
  answer(one, true);
  wait_with_echoes(3 * kResend);
  EXPECT_TRUE(sent<proto::CommitRequest>().empty());
}

TEST_F(AgentTest, RepeatsWhatIsNotAnsweredMoreAndMoreSeldom) {
  join();
  const AttemptId one = assign_map(1);
  succeed(one);
  wait_with_echoes(100 * kResend);
  const std::size_t repeated = sent<proto::CommitRequest>().size();
  EXPECT_GE(repeated, 100u / 8);
  EXPECT_LE(repeated, 20u);
  EXPECT_EQ(sent<proto::CommitRequest>().front().log_text, "log of 1");
  EXPECT_EQ(sent<proto::CommitRequest>().back().log_text, "");
  // Another master is told at once, and often.
  welcome(2);
  ASSERT_EQ(sent<proto::CommitRequest>().size(), 1u);
  EXPECT_EQ(sent<proto::CommitRequest>()[0].log_text, "log of 1");
  wait_with_echoes(3 * kResend);
  EXPECT_EQ(sent<proto::CommitRequest>().size(), 3u);
}

TEST_F(AgentTest, AWelcomeThatComesTwiceHasNothingToldTwice) {
  join();
  const AttemptId one = assign_map(1);
  succeed(one);
  welcome();
  EXPECT_TRUE(sent<proto::CommitRequest>().empty());
  EXPECT_EQ(sent<proto::Heartbeat>().size(), 1u);
}

TEST_F(AgentTest, ReportsAFailureWithItsCauseAndLog) {
  join();
  const AttemptId one = assign_map(1);
  fail(one, FailureKind::kSignal, "SIGSEGV at address 0x0");
  ASSERT_EQ(sent<proto::AttemptFailed>().size(), 1u);
  EXPECT_EQ(said_again<proto::AttemptFailed>(), 0u);
  const proto::AttemptFailed failed = sent<proto::AttemptFailed>()[0];
  EXPECT_EQ(failed.worker, kWorker);
  EXPECT_EQ(failed.attempt, one);
  EXPECT_EQ(failed.failure.kind, FailureKind::kSignal);
  EXPECT_EQ(failed.failure.message, "SIGSEGV at address 0x0");
  EXPECT_EQ(failed.log_text, "log of 1");
  EXPECT_EQ(actions<DropAttemptFiles>().size(), 1u);
}

TEST_F(AgentTest, RepeatsAFailureUntilItIsNoted) {
  join();
  const AttemptId one = assign_map(1);
  fail(one);
  wait_with_echoes(3 * kResend);
  EXPECT_EQ(said_again<proto::AttemptFailed>(), 3u);
  EXPECT_EQ(sent<proto::AttemptFailed>().size(), 3u);
  EXPECT_TRUE(actions<DropAttemptFiles>().empty());
  note_failure(one);
  wait_with_echoes(3 * kResend);
  EXPECT_TRUE(sent<proto::AttemptFailed>().empty());
  EXPECT_TRUE(listed().empty());
}

TEST_F(AgentTest, ReportsInputsThatCannotBeHad) {
  join();
  const AttemptId one = assign_reduce(1);
  proto::FailureReport failure;
  failure.kind = FailureKind::kFetch;
  failure.message = "the worker that holds it does not answer";
  failure.lost_outputs = {{1, attempt(901), 0}};
  inputs_fail(one, failure);
  ASSERT_EQ(sent<proto::AttemptFailed>().size(), 1u);
  EXPECT_EQ(sent<proto::AttemptFailed>()[0].failure.kind, FailureKind::kFetch);
  ASSERT_EQ(sent<proto::AttemptFailed>()[0].failure.lost_outputs.size(), 1u);
  EXPECT_EQ(sent<proto::AttemptFailed>()[0].failure.lost_outputs[0].attempt, attempt(901));
  EXPECT_TRUE(started().empty());
}

TEST_F(AgentTest, AFailedFetchWithoutACauseIsAFetchFailure) {
  join();
  inputs_fail(assign_reduce(1), {});
  ASSERT_EQ(sent<proto::AttemptFailed>().size(), 1u);
  EXPECT_EQ(sent<proto::AttemptFailed>()[0].failure.kind, FailureKind::kFetch);
}

TEST_F(AgentTest, KeepsWhatItHasToSayUntilAMasterListens) {
  join();
  const AttemptId one = assign_map(1);
  const AttemptId two = assign_map(2);
  master_says(proto::Unknown{});
  succeed(one);
  fail(two);
  wait(3 * kResend);
  EXPECT_TRUE(sent<proto::CommitRequest>().empty());
  EXPECT_TRUE(sent<proto::AttemptFailed>().empty());
  welcome(1, WorkerId{8});
  ASSERT_EQ(sent<proto::CommitRequest>().size(), 1u);
  EXPECT_EQ(sent<proto::CommitRequest>()[0].worker, WorkerId{8});
  EXPECT_EQ(sent<proto::AttemptFailed>().size(), 1u);
}

TEST_F(AgentTest, TellsARestartedMasterWhatTheOldOneDidNotAnswer) {
  join();
  const AttemptId one = assign_map(1);
  succeed(one);
  wait(kSilence);
  welcome(2);
  EXPECT_EQ(sent<proto::CommitRequest>().size(), 1u);
  answer(one, true);
  EXPECT_TRUE(last.empty());
}

// ---- what a network does to messages ---------------------------------------------------------

TEST_F(AgentTest, StartsAnAttemptThatIsAssignedTwiceOnce) {
  join();
  const AttemptId one = assign_map(1);
  assign_map(1);
  EXPECT_TRUE(last.empty());
  succeed(one);
  assign_map(1);
  EXPECT_TRUE(last.empty());
  answer(one, true);
  assign_map(1);
  EXPECT_TRUE(last.empty());
}

TEST_F(AgentTest, FetchesForAnAttemptThatIsAssignedTwiceOnce) {
  join();
  assign_reduce(1);
  assign_reduce(1);
  EXPECT_TRUE(last.empty());
}

TEST_F(AgentTest, IgnoresAnswersThatComeTwice) {
  join();
  const AttemptId one = assign_map(1);
  succeed(one);
  answer(one, true);
  answer(one, true);
  answer(one, false);
  EXPECT_TRUE(last.empty());
}

TEST_F(AgentTest, IgnoresAnswersToQuestionsItDidNotAsk) {
  join();
  const AttemptId one = assign_map(1);
  note_failure(one);
  answer(one, true);
  answer(attempt(77), true);
  note_failure(attempt(78));
  EXPECT_TRUE(last.empty());
  ASSERT_EQ(listed().size(), 1u);
}

TEST_F(AgentTest, ANotedFailureDoesNotEndACommit) {
  join();
  const AttemptId one = assign_map(1);
  succeed(one);
  note_failure(one);
  ASSERT_EQ(listed().size(), 1u);
  wait_with_echoes(kResend);
  EXPECT_EQ(sent<proto::CommitRequest>().size(), 1u);
}

TEST_F(AgentTest, IgnoresEndsAndInputsOfAttemptsItDoesNotHold) {
  join();
  succeed(attempt(5));
  fail(attempt(6));
  inputs_arrive(attempt(7));
  inputs_fail(attempt(8), {});
  progress(attempt(9), 1);
  EXPECT_TRUE(last.empty());
}

TEST_F(AgentTest, IgnoresInputsThatArriveTwice) {
  join();
  const AttemptId one = assign_reduce(1);
  inputs_arrive(one);
  inputs_arrive(one);
  EXPECT_TRUE(last.empty());
  inputs_fail(one, {});
  EXPECT_TRUE(last.empty());
}

TEST_F(AgentTest, AnAttemptEndsOnce) {
  join();
  const AttemptId one = assign_map(1);
  succeed(one);
  fail(one);
  EXPECT_TRUE(last.empty());
  const AttemptId two = assign_map(2);
  fail(two);
  succeed(two);
  EXPECT_TRUE(last.empty());
}

}  // namespace
}  // namespace fanfold::worker
