// Partitions with much more than others: reported, reduced first, folded in shares.

#include "common/proto/hot_partitions.hpp"
#include "master/scheduler/policy.hpp"
#include "master/scheduler/stage_tasks.hpp"
#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

using Heavy = std::vector<proto::PartitionBytes>;

class HotPartitions : public SchedulerTest {
 protected:
  /// Each of its maps has 1000 bytes, and says this of them.
  void map_all(const Heavy& heavy) {
    while (!live.empty() && live.front().task.stage == Stage::kMap) {
      commit_heavy(AssignAttempt(live.front()), heavy);
    }
  }
  void commit_heavy(const AssignAttempt& attempt, const Heavy& heavy) {
    step(CommitRequested{.worker = attempt.worker,
                         .attempt = attempt.attempt,
                         .bytes_out = 1000,
                         .flow = {attempt.task.index + 1, 7, 0},
                         .heavy = heavy});
  }
  /// A reduce or share has read all that the job's maps wrote; the others nothing.
  void commit_reading_all(const AssignAttempt& attempt) { commit_flow(attempt, 1 + 2 + 3 + 4, 28); }
  /// On four slots, partition 2 of four has most of it: three shares.
  void share() {
    join(1, 4);
    submit({.maps = 4, .reduces = 4, .hot_bytes = 2000, .fold_hot = true});
    map_all({{2, 700}});
  }
  std::vector<std::uint32_t> assigned_reduces() const {
    std::vector<std::uint32_t> tasks;
    for (const AssignAttempt& one : assigned()) {
      if (one.task.stage == Stage::kReduce) tasks.push_back(one.task.index);
    }
    return tasks;
  }
};

using Tasks = std::vector<std::uint32_t>;

TEST_F(HotPartitions, AreFoldedInSharesBeforeOthersAreReduced) {
  share();
  ASSERT_EQ(facts<PartitionsWeighed>().size(), 1u);
  EXPECT_EQ(facts<PartitionsWeighed>()[0].heavy,
            (std::vector<proto::HeavyPartition>{{2, 2800, true, 3}}));
  EXPECT_EQ(assigned_reduces(), (Tasks{4, 5, 6, 0}));
  EXPECT_EQ(status().hot_partitions, facts<PartitionsWeighed>()[0].heavy);
  EXPECT_EQ(stage_status(Stage::kReduce).tasks, 7u);
}

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

TEST_F(HotPartitions, AreReducedFirstByAJobThatCannotFold) {
  join(1, 2);
  submit({.maps = 2, .reduces = 5, .hot_bytes = 1000});
  map_all({{3, 600}, {4, 220}});
  EXPECT_EQ(facts<PartitionsWeighed>()[0].heavy,
            (std::vector<proto::HeavyPartition>{{3, 1200, true, 0}, {4, 440, false, 0}}));
  EXPECT_EQ(assigned_reduces(), (Tasks{3, 4}));
  commit(reduce(4));
  EXPECT_EQ(assigned_reduces(), Tasks{0});
}

TEST_F(HotPartitions, AreNotSharedWhereResultsAreCompared) {
  join(1, 2);
  join(2, 2);
  submit({.maps = 2,
          .reduces = 4,
          .replicas = {2, proto::AcceptRule::kFirst, 0, 0},
          .hot_bytes = 1000,
          .fold_hot = true});
  map_all({{3, 800}});
  EXPECT_TRUE(status().hot_partitions.at(0).hot);
  EXPECT_EQ(status().hot_partitions.at(0).shares, 0u);
}

TEST_F(HotPartitions, NeedTwiceWhatOthersHaveAndSomeBytes) {
  join(1, 4);
  submit({.maps = 1, .reduces = 2, .hot_bytes = 500, .fold_hot = true});
  map_all({{1, 650}});
  EXPECT_TRUE(status().hot_partitions.empty()) << "350 have the other";
  while (!live.empty()) cancel();
  submit({.job = {2}, .maps = 1, .reduces = 2, .hot_bytes = 1001, .fold_hot = true});
  map_all({{1, 900}});
  EXPECT_TRUE(status({2}).hot_partitions.empty()) << "it is small";
}

TEST_F(HotPartitions, AreThereBesideNoOthersWhenSomebodySaysFromWhatSizeOn) {
  join(1, 4);
  submit({.maps = 3, .reduces = 1, .fold_hot = true});
  map_all({});
  EXPECT_TRUE(facts<PartitionsWeighed>().empty());
  cancel();
  submit({.job = {2}, .maps = 3, .reduces = 1, .hot_bytes = 100, .fold_hot = true});
  map_all({});
  EXPECT_EQ(facts<PartitionsWeighed>()[0].heavy,
            (std::vector<proto::HeavyPartition>{{0, 3000, true, 3}}));
  EXPECT_EQ(assigned_reduces(), (Tasks{1, 2, 3}));
}

TEST_F(HotPartitions, CountAMapOnceThatRanTwice) {
  join(1, 1);
  join(2, 1);
  submit({.maps = 2, .reduces = 4, .speculate = false, .hot_bytes = 1000});
  const AssignAttempt first = map(0);
  commit_heavy(first, {{1, 900}});
  leave(first.worker.value);
  map_all({{1, 900}});
  EXPECT_EQ(status().hot_partitions.at(0).bytes, 1800u);
}

TEST_F(HotPartitions, OfNoSizeThatWasAskedForAreSharedWhereThatSurelyPays) {
  constexpr std::uint64_t kAll = 1u << 30;
  const auto shares_of = [&](std::uint64_t bytes) {
    join(1, 4);
    submit({.job = {bytes},
            .maps = 8,
            .reduces = 10,
            .hot_bytes = proto::kHotPartitionBytes,
            .fold_hot = true});
    while (!live.empty() && live.front().task.stage == Stage::kMap) {
      const AssignAttempt attempt(live.front());
      step(CommitRequested{.worker = attempt.worker,
                           .attempt = attempt.attempt,
                           .bytes_out = kAll / 8,
                           .flow = {},
                           .heavy = {{0, bytes / 8}}});
    }
    const std::uint32_t shares = status({bytes}).hot_partitions.at(0).shares;
    cancel({bytes});
    return shares;
  };
  EXPECT_EQ(shares_of(kAll / 10 * 7), 0u);
  EXPECT_EQ(shares_of(kAll / 10 * 8), 4u);
}

TEST_F(HotPartitions, AreNoneOfWhatAWorkerMakesUp) {
  join(1, 1);
  submit({.maps = 1, .reduces = 2, .hot_bytes = 1, .fold_hot = true});
  map_all({{7, 900}});
  EXPECT_TRUE(facts<PartitionsWeighed>().empty());
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

TEST(SharesFor, AreSuchThatNoneTakesLongerThanASlotHasTime) {
  using scheduling::shares_for;
  EXPECT_EQ(shares_for(100, 4, 700, 1000), 3u);
  EXPECT_EQ(shares_for(100, 4, 250, 1000), 0u) << "first in its slot it is done in time";
  EXPECT_EQ(shares_for(100, 1, 900, 1000), 0u);
  EXPECT_EQ(shares_for(2, 8, 900, 1000), 2u) << "a share reads one map at least";
  EXPECT_EQ(shares_for(100, 1000, 1000, 1000), scheduling::kSharesOfPartition);
  EXPECT_EQ(shares_for(100, 4, 10, 0), 4u) << "whatever workers say";
}

TEST(Shares, ReadEachMapOnce) {
  const proto::Shares shares(4, 10, {{2, 0, true, 3}, {0, 0, true, 0}, {1, 0, true, 4}});
  EXPECT_EQ(shares.tasks(), 7u);
  EXPECT_FALSE(shares.share(3).is_share());
  EXPECT_FALSE(shares.share(11).is_share());
  EXPECT_EQ(shares.share(4), (proto::PartitionShare{2, 0, 3}));
  EXPECT_EQ(shares.share(6), (proto::PartitionShare{2, 6, 10}));
  std::uint32_t begin = 0;
  for (std::uint32_t task = 7; task < 11; ++task) {
    EXPECT_EQ(shares.share(task).partition, 1u);
    EXPECT_EQ(shares.share(task).splits_begin, begin);
    begin = shares.share(task).splits_end;
  }
  EXPECT_EQ(begin, 10u);
  EXPECT_EQ(shares.find(0), nullptr);
  EXPECT_EQ(shares.find(1)->begin, 7u);
}

}  // namespace
}  // namespace fanfold::master
