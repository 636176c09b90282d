// Reduce attempts that cannot read a map output.

#include "tests/agent/agent_test.hpp"

namespace fanfold::worker {
namespace {

class InputsTest : public AgentTest {
 protected:
  AttemptId reduce() { return assign_reduce(1); }
  void miss(AttemptId id, std::vector<proto::MapOutput> outputs) {
    step(InputsMissing{id, std::move(outputs), "gone"});
  }
  void replace(AttemptId id, std::vector<proto::MapOutput> outputs, std::uint64_t generation = 0) {
    proto::NewInputs message;
    message.attempt = id;
    message.generation = generation;
    message.holders.resize(1);
    message.outputs = std::move(outputs);
    master_says(message);
  }
  void lose_while_running(AttemptId id, std::vector<proto::MapOutput> lost) {
    AttemptEnded ended;
    ended.attempt = id;
    ended.failure.kind = FailureKind::kFetch;
    ended.failure.message = "rotten";
    ended.failure.lost_outputs = std::move(lost);
    step(ended);
  }
  const proto::MapOutput first_{0, attempt(900), 0};
  const proto::MapOutput first_again_{0, attempt(950), 0};
};

TEST_F(InputsTest, AMissingOneIsToldAtOnceAndTheAttemptGoesOn) {
  join();
  const AttemptId id = reduce();
  miss(id, {first_});
  ASSERT_EQ(sent<proto::InputsLost>().size(), 1u);
  EXPECT_EQ(sent<proto::InputsLost>()[0].attempt, id);
  EXPECT_EQ(sent<proto::InputsLost>()[0].lost, std::vector{attempt(900)});
  EXPECT_EQ(sent<proto::InputsLost>()[0].message, "gone");
  EXPECT_TRUE(sent<proto::AttemptFailed>().empty());
  EXPECT_TRUE(actions<DropAttemptFiles>().empty());
  replace(id, {first_again_});
  ASSERT_EQ(actions<ReplaceInputs>().size(), 1u);
  EXPECT_EQ(actions<ReplaceInputs>()[0].outputs[0].attempt, attempt(950));
  inputs_arrive(id);
  EXPECT_EQ(started(), std::vector{id});
}

TEST_F(InputsTest, TheMasterIsToldAgainUntilItAnswers) {
  join();
  const AttemptId id = reduce();
  miss(id, {first_});
  std::size_t told = 0;
  for (int i = 0; i < 40; ++i) {
    wait_with_echoes(500ms);
    told += sent<proto::InputsLost>().size();
  }
  // At growing intervals: 0.5, 1, 1.5 ... 4 s.
  EXPECT_GE(told, 5u);
  EXPECT_LE(told, 8u);
  replace(id, {first_again_});
  wait_with_echoes(20s);
  EXPECT_TRUE(sent<proto::InputsLost>().empty());
}

TEST_F(InputsTest, AMasterThatIsNewHearsOfIt) {
  join();
  const AttemptId id = reduce();
  miss(id, {first_});
  echo(2);
  welcome(2);
  ASSERT_EQ(sent<proto::InputsLost>().size(), 1u);
  EXPECT_EQ(sent<proto::InputsLost>()[0].attempt, id);
}

TEST_F(InputsTest, OneThatIsFoundDamagedWhileItRunsSendsTheAttemptBackToItsInputs) {
  join();
  const AttemptId id = reduce();
  inputs_arrive(id);
  lose_while_running(id, {first_});
  ASSERT_EQ(sent<proto::InputsLost>().size(), 1u);
  EXPECT_TRUE(sent<proto::AttemptFailed>().empty());
  EXPECT_TRUE(actions<DropAttemptFiles>().empty());
  EXPECT_FALSE(listed()[0].running);
  replace(id, {first_again_});
  inputs_arrive(id);
  ASSERT_EQ(actions<StartAttempt>().size(), 1u);
  EXPECT_TRUE(actions<StartAttempt>()[0].again);
  succeed(id);
  EXPECT_EQ(sent<proto::CommitRequest>().size(), 1u);
}

TEST_F(InputsTest, ItsSlotIsFreeForAMapMeanwhile) {
  join();
  const AttemptId id = reduce();
  inputs_arrive(id);
  assign_map(2);
  const AttemptId waiting = assign_map(3);
  lose_while_running(id, {first_});
  EXPECT_EQ(started(), std::vector{waiting});
}

TEST_F(InputsTest, OneThatIsLostAgainIsAFailureOfTheAttempt) {
  join();
  const AttemptId id = reduce();
  miss(id, {first_});
  replace(id, {first_again_});
  miss(id, {first_again_});
  ASSERT_EQ(sent<proto::AttemptFailed>().size(), 1u);
  EXPECT_EQ(sent<proto::AttemptFailed>()[0].failure.kind, FailureKind::kFetch);
  EXPECT_EQ(sent<proto::AttemptFailed>()[0].failure.lost_outputs[0].attempt, attempt(950));
  EXPECT_EQ(actions<KillAttempt>().size(), 1u);
  EXPECT_EQ(actions<DropAttemptFiles>().size(), 1u);
}

TEST_F(InputsTest, WhatIsOfAnotherGenerationIsNotRead) {
  join();
  const AttemptId id = reduce();
  miss(id, {first_});
  replace(id, {first_again_}, 1);
  EXPECT_TRUE(actions<ReplaceInputs>().empty());
}

TEST_F(InputsTest, AnswersToWhatNobodyAskedAreIgnored) {
  join();
  const AttemptId id = reduce();
  replace(id, {first_again_});
  EXPECT_TRUE(actions<ReplaceInputs>().empty());
  miss(id, {first_});
  replace(id, {first_});                 // The very one that is lost.
  replace(id, {{0, attempt(950), 7}});   // Of a holder that is not named.
  replace(attempt(77), {first_again_});  // Of an attempt that is not here.
  EXPECT_TRUE(actions<ReplaceInputs>().empty());
  replace(id, {first_again_});
  EXPECT_EQ(actions<ReplaceInputs>().size(), 1u);
  replace(id, {first_again_});
  EXPECT_TRUE(actions<ReplaceInputs>().empty());
}

TEST_F(InputsTest, AWorkerThatLeavesGivesBackWhatWaitsForInputs) {
  join();
  const AttemptId id = reduce();
  miss(id, {first_});
  drain();
  EXPECT_EQ(sent<proto::AttemptFailed>()[0].failure.kind, FailureKind::kDrained);
}

TEST_F(InputsTest, AWorkerThatLeavesDoesNotStartAgainWhatLostAnInput) {
  join();
  const AttemptId id = reduce();
  inputs_arrive(id);
  drain();
  lose_while_running(id, {first_});
  EXPECT_EQ(sent<proto::AttemptFailed>()[0].failure.kind, FailureKind::kFetch);
  EXPECT_EQ(sent<proto::AttemptFailed>()[0].failure.lost_outputs.size(), 1u);
}

TEST_F(InputsTest, ACancelledOneIsForgotten) {
  join();
  const AttemptId id = reduce();
  miss(id, {first_});
  cancel(id);
  wait_with_echoes(20s);
  EXPECT_TRUE(sent<proto::InputsLost>().empty());
  replace(id, {first_again_});
  EXPECT_TRUE(actions<ReplaceInputs>().empty());
}

}  // namespace
}  // namespace fanfold::worker
