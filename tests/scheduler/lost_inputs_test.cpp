// Reduces that cannot read a map output go on with the others; the map runs again, if need be in
// their own slot.

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

class LostInputsTest : public SchedulerTest {
 protected:
  /// Maps on worker 1, which drains and keeps them; reduces on worker 2.
  void read_from_another(std::uint32_t maps, std::uint32_t reduces, std::uint32_t slots = 1) {
    join(1);
    submit({.maps = maps, .reduces = reduces, .speculate = false});
    while (stage_status(Stage::kMap).done + 1 < maps) commit_one_map();
    drain(1);
    commit_one_map();
    join(2, slots);
  }
  /// After a second: such tasks never wait in a worker's queue.
  void commit_one_map() {
    wait(1s);
    commit(AssignAttempt(live.front()));
  }
};

TEST_F(LostInputsTest, TheMapRunsAgainAndTheReduceIsToldWhere) {
  read_from_another(2, 1, 2);
  const AssignAttempt reducer = reduce(0);
  miss(reducer, {inputs()[1].attempt});
  ASSERT_EQ(facts<MapOutputInvalidated>().size(), 1u);
  EXPECT_TRUE(actions<CancelAttempt>().empty());
  const AssignAttempt again = map(1);
  commit(again);
  ASSERT_EQ(actions<TellOutputs>().size(), 1u);
  EXPECT_EQ(actions<TellOutputs>()[0].worker, reducer.worker);
  ASSERT_EQ(inputs().size(), 2u);
  EXPECT_EQ(inputs()[1], (CommittedOutput{1, again.attempt, again.worker}));
  commit(reducer);
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
  EXPECT_EQ(status().lost_attempts, 0u);
}

TEST_F(LostInputsTest, TheReduceLendsItsSlotWhenNoOtherIsFree) {
  read_from_another(1, 2);
  const AssignAttempt reducer = reduce(0);
  miss(reducer, {inputs()[0].attempt});
  ASSERT_EQ(assigned().size(), 1u);
  const AssignAttempt again = map(0);
  EXPECT_EQ(again.worker, reducer.worker);
  EXPECT_EQ(scheduler->workers(now).back().busy, 1u);
  commit(again);
  EXPECT_EQ(actions<TellOutputs>().size(), 1u);
  // The slot is the reduce's again, so nobody else gets it.
  EXPECT_TRUE(assigned().empty());
  EXPECT_EQ(scheduler->workers(now).back().busy, 1u);
  commit(reducer);
  EXPECT_EQ(assigned().size(), 1u);
}

TEST_F(LostInputsTest, MapsTakeTurnsInTheSlotsOfReducesThatWait) {
  read_from_another(5, 2, 2);
  const AssignAttempt first = reduce(0);
  const AssignAttempt second = reduce(1);
  leave(1);
  EXPECT_EQ(facts<MapOutputInvalidated>().size(), 5u);
  EXPECT_TRUE(assigned().empty());
  std::vector<AttemptId> lost;
  for (const CommittedOutput& input : inputs()) lost.push_back(input.attempt);
  miss(first, lost);
  EXPECT_EQ(assigned().size(), 1u);
  miss(second, {lost[0]});
  EXPECT_EQ(assigned().size(), 1u);
  for (int i = 0; i < 5; ++i) {
    const auto a_map = std::find_if(live.begin(), live.end(), [](const AssignAttempt& one) {
      return one.task.stage == Stage::kMap;
    });
    ASSERT_NE(a_map, live.end());
    commit(AssignAttempt(*a_map));
  }
  // Both wait on the same worker.
  EXPECT_EQ(actions<TellOutputs>().size(), 1u);
  commit(first);
  commit(second);
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(LostInputsTest, ManyThatCannotLendDoNotHideThoseThatCan) {
  read_from_another(5, 20);
  for (std::uint64_t worker = 3; worker <= 21; ++worker) join(worker);
  const std::vector<AssignAttempt> reducers = live;
  ASSERT_EQ(reducers.size(), 20u);
  for (const AssignAttempt& reducer : reducers) {
    if (reducer.worker.value < 19) drain(reducer.worker.value);
  }
  const AttemptId lost = inputs()[0].attempt;
  leave(1);
  for (const AssignAttempt& reducer : reducers) miss(reducer, {lost});
  EXPECT_EQ(live.size(), 23u);
  for (std::uint64_t worker = 19; worker <= 21; ++worker) EXPECT_EQ(live_on(worker), 2u);
}

TEST_F(LostInputsTest, AnotherJobDoesNotGetTheSlotOfAReduceThatWaits) {
  read_from_another(1, 1);
  submit({.job = JobId{2}, .maps = 3});
  const AssignAttempt reducer = reduce(0);
  miss(reducer, {inputs()[0].attempt});
  ASSERT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].task, (TaskId{kJob, Stage::kMap, 0}));
  commit(map(0));
  EXPECT_TRUE(assigned().empty());
}

TEST_F(LostInputsTest, AsksAreAnsweredAgainWhenTheAnswerIsLost) {
  read_from_another(1, 1, 2);
  const AssignAttempt reducer = reduce(0);
  const std::vector<AttemptId> lost = {inputs()[0].attempt};
  miss(reducer, lost);
  miss(reducer, lost);
  EXPECT_TRUE(last.facts.empty());
  EXPECT_TRUE(last.actions.empty());
  commit(map(0));
  EXPECT_EQ(actions<TellOutputs>().size(), 1u);
  miss(reducer, lost);
  EXPECT_EQ(actions<TellOutputs>().size(), 1u);
  EXPECT_TRUE(facts<MapOutputInvalidated>().empty());
}

TEST_F(LostInputsTest, NobodyIsToldToReadAnOutputThatCameOutDifferent) {
  join(1);
  submit({.reduces = 1, .speculate = false});
  drain(1);
  commit_flow(map(0), 5, 50);
  join(2, 2);
  const AssignAttempt reducer = reduce(0);
  miss(reducer, {inputs()[0].attempt});
  commit_flow(map(0), 5, 51);
  EXPECT_TRUE(actions<TellOutputs>().empty());
  EXPECT_EQ(actions<CancelAttempt>()[0].attempt, reducer.attempt);
  EXPECT_EQ(reduce(0).generation, 1u);
  EXPECT_NE(reduce(0).attempt, reducer.attempt);
}

TEST_F(LostInputsTest, AReduceWhoseHolderIsSilentTakesAllOfItsOutputsWithIt) {
  read_from_another(4, 1, 8);
  const AssignAttempt reducer = reduce(0);
  for (int second = 0; second < 4; ++second) {
    wait(1s);
    heartbeat(2);
  }
  miss(reducer, {inputs()[0].attempt});
  EXPECT_EQ(facts<MapOutputInvalidated>().size(), 4u);
  EXPECT_EQ(assigned().size(), 4u);
}

TEST_F(LostInputsTest, AHolderThatIsHeardLosesOnlyWhatIsNamed) {
  read_from_another(4, 1, 8);
  const AssignAttempt reducer = reduce(0);
  wait_with_heartbeats(4s);
  miss(reducer, {inputs()[0].attempt});
  EXPECT_EQ(facts<MapOutputInvalidated>().size(), 1u);
}

TEST_F(LostInputsTest, RubbishIsIgnored) {
  read_from_another(1, 1, 2);
  const AssignAttempt reducer = reduce(0);
  step(InputsWanted{{99}, reducer.attempt, {inputs()[0].attempt}});
  EXPECT_TRUE(last.facts.empty());
  step(InputsWanted{reducer.worker, {12345}, {inputs()[0].attempt}});
  EXPECT_TRUE(last.facts.empty());
  // What it misses is nobody's: it gets the list again.
  miss(reducer, {AttemptId{12345}, reducer.attempt});
  EXPECT_TRUE(last.facts.empty());
  EXPECT_EQ(last.actions.size(), 1u);
}

TEST_F(LostInputsTest, AllReducesAreToldOneListUntilItIsNotTrueAnyMore) {
  read_from_another(2, 4, 2);
  const std::uint64_t version = lists[kJob].version;
  EXPECT_NE(version, 0u);
  commit(reduce(0));
  EXPECT_EQ(assigned().size(), 1u);
  EXPECT_EQ(assigned()[0].list_version, version);
  EXPECT_TRUE(actions<ListOutputs>().empty());
  miss(reduce(1), {inputs()[0].attempt});
  commit(map(0));
  EXPECT_EQ(actions<ListOutputs>().size(), 1u);
  EXPECT_GT(lists[kJob].version, version);
}

TEST_F(LostInputsTest, OneThatHasNoListGetsIt) {
  read_from_another(1, 1);
  miss(reduce(0), {});
  ASSERT_EQ(actions<TellOutputs>().size(), 1u);
  EXPECT_EQ(actions<TellOutputs>()[0].worker, reduce(0).worker);
  EXPECT_TRUE(actions<ListOutputs>().empty());
}

TEST_F(LostInputsTest, OneThatHasNoListWhenTheOutputsAreGoneLendsItsSlot) {
  read_from_another(1, 1);
  const AssignAttempt reducer = reduce(0);
  restart();
  join_without_outputs(1);
  drain(1);
  join_with(2, 1, {reducer});
  miss(reducer, {});
  EXPECT_EQ(map(0).worker, WorkerId{2});
  commit(map(0));
  EXPECT_EQ(actions<TellOutputs>().size(), 1u);
  commit(reducer);
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(LostInputsTest, TheLossOfAWorkerWithALentSlotLosesBoth) {
  read_from_another(1, 1);
  const AssignAttempt reducer = reduce(0);
  miss(reducer, {inputs()[0].attempt});
  ASSERT_EQ(map(0).worker, WorkerId{2});
  leave(2);
  EXPECT_TRUE(live.empty());
  join(3);
  commit(map(0));
  commit(reduce(0));
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(LostInputsTest, AMapThatFailsInALentSlotGivesItBack) {
  read_from_another(1, 1);
  const AssignAttempt reducer = reduce(0);
  miss(reducer, {inputs()[0].attempt});
  fail(map(0), FailureKind::kException);
  wait(200ms);
  // It failed there before, but there is nowhere else.
  EXPECT_EQ(map(0).worker, WorkerId{2});
  commit(map(0));
  EXPECT_EQ(actions<TellOutputs>().size(), 1u);
}

TEST_F(LostInputsTest, ACancelledJobTakesEverythingBack) {
  read_from_another(1, 1);
  miss(reduce(0), {inputs()[0].attempt});
  cancel();
  EXPECT_EQ(actions<CancelAttempt>().size(), 2u);
  EXPECT_EQ(scheduler->workers(now).back().busy, 0u);
}

TEST_F(LostInputsTest, ARestartedMasterAnswersTheReduceThatItTookOver) {
  read_from_another(1, 1, 2);
  const AssignAttempt reducer = reduce(0);
  miss(reducer, {inputs()[0].attempt});
  const AssignAttempt again = map(0);
  restart();
  join(1);
  join_with(2, 2, {reducer, again});
  EXPECT_EQ(actions<AdoptAttempt>().size(), 2u);
  commit(again);
  EXPECT_TRUE(actions<TellOutputs>().empty());
  miss(reducer, {inputs()[0].attempt});
  EXPECT_EQ(actions<TellOutputs>().size(), 1u);
}

}  // namespace
}  // namespace fanfold::master
