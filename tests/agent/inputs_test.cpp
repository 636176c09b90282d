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
  void replace(std::vector<proto::MapOutput> outputs, std::uint64_t generation = 0) {
    list(++version_, std::move(outputs), generation);
  }
  void lose_while_running(AttemptId id, std::vector<proto::MapOutput> lost) {
    AttemptEnded ended;
    ended.attempt = id;
    ended.failure.kind = FailureKind::kFetch;
    ended.failure.message = "rotten";
    ended.failure.lost_outputs = std::move(lost);
    step(ended);
  }
  std::uint64_t version_ = 1;
  const proto::MapOutput first_{0, attempt(900), 0};
  const proto::MapOutput first_again_{0, attempt(950), 0};
};

TEST_F(InputsTest, AMissingOneIsToldAtOnceAndTheAttemptGoesOn) {
  join();
  const AttemptId id = reduce();
  miss(id, {first_});
  ASSERT_EQ(sent<proto::InputsWanted>().size(), 1u);
  EXPECT_EQ(sent<proto::InputsWanted>()[0].attempt, id);
  EXPECT_EQ(sent<proto::InputsWanted>()[0].lost, std::vector{attempt(900)});
  EXPECT_EQ(sent<proto::InputsWanted>()[0].message, "gone");
  EXPECT_TRUE(sent<proto::AttemptFailed>().empty());
  EXPECT_TRUE(actions<DropAttemptFiles>().empty());
  replace({first_again_});
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
    told += sent<proto::InputsWanted>().size();
  }
  // At growing intervals: 0.5, 1, 1.5 ... 4 s.
  EXPECT_GE(told, 5u);
  EXPECT_LE(told, 8u);
  replace({first_again_});
  wait_with_echoes(20s);
  EXPECT_TRUE(sent<proto::InputsWanted>().empty());
}

TEST_F(InputsTest, AMasterThatIsNewHearsOfIt) {
  join();
  const AttemptId id = reduce();
  miss(id, {first_});
  echo(2);
  welcome(2);
  ASSERT_EQ(sent<proto::InputsWanted>().size(), 1u);
  EXPECT_EQ(sent<proto::InputsWanted>()[0].attempt, id);
}

TEST_F(InputsTest, OneThatIsFoundDamagedWhileItRunsSendsTheAttemptBackToItsInputs) {
  join();
  const AttemptId id = reduce();
  inputs_arrive(id);
  lose_while_running(id, {first_});
  ASSERT_EQ(sent<proto::InputsWanted>().size(), 1u);
  EXPECT_TRUE(sent<proto::AttemptFailed>().empty());
  EXPECT_TRUE(actions<DropAttemptFiles>().empty());
  EXPECT_FALSE(listed()[0].running);
  replace({first_again_});
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
  replace({first_again_});
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
  replace({first_again_}, 1);
  EXPECT_TRUE(actions<ReplaceInputs>().empty());
}

TEST_F(InputsTest, AListWithoutAnotherOutputReplacesNothing) {
  join();
  const AttemptId id = reduce();
  miss(id, {first_});
  replace({first_});  // The very one that is lost.
  EXPECT_TRUE(actions<ReplaceInputs>().empty());
  replace({{1, attempt(901), 0}});  // Empty now: of another generation, but it does not say so.
  EXPECT_TRUE(actions<ReplaceInputs>().empty());
  replace({first_again_});
  EXPECT_EQ(actions<ReplaceInputs>().size(), 1u);
  replace({first_again_});
  EXPECT_TRUE(actions<ReplaceInputs>().empty());
}

TEST_F(InputsTest, OneThatIsMissedIsTakenFromAListThatIsHereAlready) {
  join();
  const AttemptId id = reduce();
  replace({first_again_});
  EXPECT_TRUE(actions<ReplaceInputs>().empty());
  miss(id, {first_});
  EXPECT_EQ(actions<ReplaceInputs>().size(), 1u);
  EXPECT_TRUE(sent<proto::InputsWanted>().empty());
  // It was as old as what the attempt had: this host is not to blame.
  miss(id, {first_again_});
  EXPECT_TRUE(sent<proto::AttemptFailed>().empty());
  ASSERT_EQ(sent<proto::InputsWanted>().size(), 1u);
  EXPECT_EQ(sent<proto::InputsWanted>()[0].lost, std::vector{first_again_.attempt});
}

TEST_F(InputsTest, AnAttemptWhoseListIsLostAsksForIt) {
  join();
  proto::TaskAssignment order = assignment({.number = 1, .stage = Stage::kReduce});
  order.list_version = 3;
  master_says(proto::Assign{order});
  EXPECT_TRUE(actions<FetchInputs>().empty());
  ASSERT_EQ(sent<proto::InputsWanted>().size(), 1u);
  EXPECT_TRUE(sent<proto::InputsWanted>()[0].lost.empty());
  list(2, {first_});  // Of a time before its assignment.
  EXPECT_TRUE(actions<FetchInputs>().empty());
  list(3, {first_}, 1);
  EXPECT_TRUE(actions<FetchInputs>().empty());
  wait_with_echoes(600ms);
  EXPECT_EQ(sent<proto::InputsWanted>().size(), 1u);
  list(4, {first_});
  ASSERT_EQ(actions<FetchInputs>().size(), 1u);
  EXPECT_EQ(actions<FetchInputs>()[0].list->outputs.size(), 1u);
  wait_with_echoes(20s);
  EXPECT_TRUE(sent<proto::InputsWanted>().empty());
}

TEST_F(InputsTest, ALaterAttemptOfTheJobNeedsNoSecondList) {
  join();
  reduce();
  proto::TaskAssignment order = assignment({.number = 2, .stage = Stage::kReduce});
  master_says(proto::Assign{order});
  EXPECT_EQ(actions<FetchInputs>().size(), 1u);
  EXPECT_TRUE(sent<proto::InputsWanted>().empty());
}

TEST_F(InputsTest, OfVeryManyThatAreMissedSomeAreNamed) {
  join();
  const AttemptId id = reduce();
  std::vector<proto::MapOutput> lost;
  for (std::uint32_t split = 0; split < 250'000; ++split)
    lost.push_back({split, attempt(split + 1), 0});
  // The books of the test ask for all of them.
  last.clear();
  agent->step(now, InputsMissing{id, lost, "gone"}, &last);
  ASSERT_EQ(sent<proto::InputsWanted>().size(), 1u);
  EXPECT_EQ(sent<proto::InputsWanted>()[0].lost.size(), limits::kLostNamed);
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
  EXPECT_TRUE(sent<proto::InputsWanted>().empty());
  replace({first_again_});
  EXPECT_TRUE(actions<ReplaceInputs>().empty());
}

}  // namespace
}  // namespace fanfold::worker
