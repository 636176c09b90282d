// What a map hands over must not change when it runs again, and all of it must reach a reduce.

#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

class DeterminismTest : public SchedulerTest {
 protected:
  /// A map on worker 1 whose output is lost after worker 2 has got the reduces, with a slot left.
  void lose_the_output_of_the_map(std::uint32_t reduces_committed) {
    join(1);
    submit({.reduces = 2, .speculate = false});
    drain(1);
    commit_flow(map(0), 5, 50);
    join(2, 3);
    for (std::uint32_t i = 0; i < reduces_committed; ++i) commit_flow(reduce(i), 3, 20);
    leave(1);
  }
};

TEST_F(DeterminismTest, GoesOnWhenAMapGivesTheSameAgain) {
  lose_the_output_of_the_map(1);
  commit_flow(map(0), 5, 50);
  commit_flow(reduce(1), 2, 30);
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(DeterminismTest, FailsTheJobWhenAReduceKeepsWhatIsDifferentNow) {
  lose_the_output_of_the_map(1);
  const AssignAttempt again = map(0);
  commit_flow(again, 5, 51);
  ASSERT_EQ(facts<NonDeterminismFound>().size(), 1u);
  EXPECT_EQ(facts<NonDeterminismFound>()[0].task, again.task);
  EXPECT_EQ(facts<NonDeterminismFound>()[0].before.sum, 50u);
  EXPECT_EQ(facts<NonDeterminismFound>()[0].after.sum, 51u);
  EXPECT_EQ(status().state, JobState::kFailed);
  const std::string reason = status().reason;
  EXPECT_NE(reason.find("NON_DETERMINISTIC: map task 0"), std::string::npos) << reason;
  EXPECT_NE(reason.find("0000000000000032"), std::string::npos) << reason;
  EXPECT_NE(reason.find("0000000000000033"), std::string::npos) << reason;
  EXPECT_EQ(status().failed_attempt, again.attempt);
}

TEST_F(DeterminismTest, ReadsAnewWhenNoReduceHasCommittedYet) {
  lose_the_output_of_the_map(0);
  commit_flow(map(0), 7, 70);
  // Both reduces had begun to read the earlier output.
  EXPECT_TRUE(facts<NonDeterminismFound>().empty());
  EXPECT_EQ(actions<CancelAttempt>().size(), 2u);
  EXPECT_EQ(reduce(0).generation, 1u);
  commit_flow(reduce(0), 3, 30);
  commit_flow(reduce(1), 4, 40);
  published();
  EXPECT_EQ(status().state, JobState::kSucceeded);
}

TEST_F(DeterminismTest, AdoptsNoReduceThatReadAnEarlierGeneration) {
  lose_the_output_of_the_map(0);
  const AssignAttempt stale = reduce(0);
  commit_flow(map(0), 7, 70);
  restart();
  join_with(2, 3, {stale});
  EXPECT_TRUE(actions<AdoptAttempt>().empty());
  EXPECT_EQ(actions<CancelAttempt>()[0].attempt, stale.attempt);
  EXPECT_EQ(reduce(0).generation, 1u);
}

TEST_F(DeterminismTest, PublishesNothingWhenPairsWereLostOnTheWay) {
  join(1);
  submit({});
  commit_flow(map(0), 5, 50);
  commit_flow(reduce(0), 4, 40);
  EXPECT_TRUE(actions<PublishJob>().empty());
  EXPECT_EQ(status().state, JobState::kFailed);
  const std::string reason = status().reason;
  EXPECT_NE(reason.find("CONSERVATION"), std::string::npos) << reason;
}

}  // namespace
}  // namespace fanfold::master
