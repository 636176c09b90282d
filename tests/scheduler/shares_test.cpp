// Reduces of hot partitions that are shared, and what becomes of their shares.

#include "master/scheduler/stage_tasks.hpp"
#include "tests/scheduler/hot_partitions_fixture.hpp"

namespace fanfold::master {
namespace {

TEST_F(HotPartitions, AreReducedWhenAllTheirSharesAreCommitted) {
  share();
  commit(reduce(4));
  EXPECT_EQ(assigned_reduces(), Tasks{1});
  commit(reduce(0));
  EXPECT_EQ(assigned_reduces(), Tasks{3});
  commit(reduce(6));
  commit(reduce(1));
  EXPECT_TRUE(assigned_reduces().empty());
  EXPECT_NE(reduce(5).list_version, 0u);
  commit_reading_all(reduce(5));
  ASSERT_EQ(assigned_reduces(), Tasks{2});
  EXPECT_EQ(reduce(2).list_version, 0u) << "it reads what the shares have left";
  commit(reduce(2));
  commit(reduce(3));
  ASSERT_EQ(actions<PublishJob>().size(), 1u);
  EXPECT_EQ(actions<PublishJob>()[0].reduces.size(), 4u);
}

TEST_F(HotPartitions, WaitForAShareThatIsTriedAgain) {
  share();
  for (const std::uint32_t task : {4, 0, 6}) commit(reduce(task));
  fail(reduce(5), FailureKind::kSignal);
  for (const std::uint32_t task : {1, 3}) commit(reduce(task));
  EXPECT_TRUE(live.empty());
  wait(1s);
  commit_reading_all(reduce(5));
  EXPECT_EQ(assigned_reduces(), Tasks{2});
}

TEST_F(HotPartitions, GoOnUnderAnotherMaster) {
  share();
  commit(reduce(4));
  const auto heavy = status().hot_partitions;
  const std::vector<AssignAttempt> running = live;
  restart();
  EXPECT_EQ(status().hot_partitions, heavy);
  join_with(1, 4, running);
  EXPECT_EQ(live.size(), 4u);
  for (const std::uint32_t task : {6, 0, 1, 3}) commit(reduce(task));
  EXPECT_TRUE(assigned_reduces().empty());
  commit_reading_all(reduce(5));
  EXPECT_EQ(assigned_reduces(), Tasks{2});
}

TEST_F(HotPartitions, KeepTheirSharesWhenMapOutputsAreLost) {
  share();
  commit(reduce(4));
  leave(1);
  join(2, 4);
  while (!live.empty() && live.front().task.stage == Stage::kMap) {
    commit_heavy(AssignAttempt(live.front()), {{2, 700}});
    EXPECT_TRUE(facts<PartitionsWeighed>().empty());
  }
  EXPECT_EQ(stage_status(Stage::kReduce).done, 1u);
  for (const std::uint32_t task : {5, 6, 0, 1, 3}) {
    if (task == 6) {
      commit_reading_all(reduce(task));
    } else {
      commit(reduce(task));
    }
  }
  commit(reduce(2));
  EXPECT_EQ(status().state, JobState::kPublishing);
}

TEST_F(HotPartitions, KeepOutAWorkerThatCouldNotAndCameInTheTurnThatSharedThem) {
  share();
  older = {2};
  join(2, 4);
  ASSERT_EQ(actions<ForgetWorker>().size(), 1u);
  EXPECT_EQ(actions<ForgetWorker>()[0].worker, WorkerId{2});
  EXPECT_EQ(live_on(2), 0u);
}

TEST_F(HotPartitions, AreReducedEachWhenItsOwnSharesAreCommitted) {
  join(1, 8);
  submit({.maps = 4, .reduces = 8, .hot_bytes = 100, .fold_hot = true});
  map_all({{2, 500}, {5, 400}});
  ASSERT_EQ(facts<PartitionsWeighed>()[0].heavy,
            (std::vector<proto::HeavyPartition>{{2, 2000, true, 4}, {5, 1600, true, 4}}));
  for (const std::uint32_t task : {12, 13, 14, 15}) commit(reduce(task));
  for (const std::uint32_t task : {8, 9, 10}) commit(reduce(task));
  EXPECT_EQ(reduce(5).list_version, 0u);
  for (const AssignAttempt& one : live) EXPECT_NE(one.task.index, 2u);
  restart();
  join(1, 8);
  EXPECT_EQ(reduce(5).list_version, 0u);
  commit(reduce(5));
  commit_reading_all(reduce(11));
  for (const std::uint32_t task : {2, 0, 1, 3, 4, 6, 7}) commit(reduce(task));
  EXPECT_EQ(status().state, JobState::kPublishing);
}

TEST_F(HotPartitions, NeedNoMapsWhenOnlyTheyAreLeft) {
  share();
  for (const std::uint32_t task : {4, 6, 0, 1, 3}) commit(reduce(task));
  join(2, 4);
  leave(1);
  EXPECT_FALSE(facts<MapOutputInvalidated>().empty()) << "a share is left";
  while (live.front().task.stage == Stage::kMap) commit_heavy(AssignAttempt(live.front()), {});
  commit_reading_all(reduce(5));
  EXPECT_EQ(assigned_reduces(), Tasks{2});
  join(3, 4);
  leave(2);
  EXPECT_TRUE(facts<MapOutputInvalidated>().empty());
  EXPECT_EQ(assigned_reduces(), Tasks{2});
  restart();
  join(3, 4);
  EXPECT_EQ(assigned_reduces(), Tasks{2});
  commit(reduce(2));
  EXPECT_EQ(actions<PublishJob>().size(), 1u);
}

TEST_F(HotPartitions, StopMapsThatRunAgainWhenOnlyTheyAreLeft) {
  share();
  for (const std::uint32_t task : {4, 6, 0, 1}) commit(reduce(task));
  join(2, 1);
  const AssignAttempt share = reduce(5);
  commit_reading_all(share);
  const AssignAttempt other = reduce(3);
  miss(other, {inputs().front().attempt});
  const AssignAttempt again = map(0);
  // It had read that one before, and another attempt of it commits.
  commit(other);
  ASSERT_EQ(actions<CancelAttempt>().size(), 1u);
  EXPECT_EQ(actions<CancelAttempt>()[0].attempt, again.attempt);
  commit(reduce(2));
  EXPECT_EQ(actions<PublishJob>().size(), 1u);
}

TEST_F(HotPartitions, AreGivenUpWhenTwoFindTheirSharesDamaged) {
  share();
  for (const std::uint32_t task : {4, 6, 0, 1, 3}) commit(reduce(task));
  commit_reading_all(reduce(5));
  fail(reduce(2), FailureKind::kInput);
  wait(1s);
  fail(reduce(2), FailureKind::kInput);
  EXPECT_EQ(status().state, JobState::kFailed);
}

TEST(ArrangedTasks, AreTakenInTheirOrderAndTheUrgentOnesFirst) {
  scheduling::StageTasks stage(Stage::kReduce, 4);
  stage.prefer_worker(1, WorkerId{5});
  stage.prefer_worker(2, WorkerId{5});
  stage.arrange({3, 1, 0, 2}, 2);
  EXPECT_FALSE(stage.preferences().prefers(1)) << "it is not to wait for anybody";
  EXPECT_TRUE(stage.preferences().prefers(2));
  for (const std::uint32_t task : {3u, 1u}) {
    EXPECT_TRUE(stage.has_urgent());
    ASSERT_EQ(stage.fresh(), task);
    stage.move(task, scheduling::TaskState::kAssigned);
    stage.take_fresh();
  }
  EXPECT_FALSE(stage.has_urgent());
  EXPECT_EQ(stage.fresh(), 0u);
}

}  // namespace
}  // namespace fanfold::master
