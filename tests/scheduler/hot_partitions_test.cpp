// Partitions with much more than others: reported, reduced first, shared where that pays.

#include "master/scheduler/policy.hpp"
#include "tests/scheduler/hot_partitions_fixture.hpp"

namespace fanfold::master {
namespace {

TEST_F(HotPartitions, AreFoldedInSharesBeforeOthersAreReduced) {
  share();
  ASSERT_EQ(facts<PartitionsWeighed>().size(), 1u);
  EXPECT_EQ(facts<PartitionsWeighed>()[0].heavy,
            (std::vector<proto::HeavyPartition>{{2, 2800, true, 3}}));
  EXPECT_EQ(assigned_reduces(), (Tasks{4, 5, 6, 0}));
  EXPECT_EQ(status().hot_partitions, facts<PartitionsWeighed>()[0].heavy);
  EXPECT_EQ(stage_status(Stage::kReduce).tasks, 7u);
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
  for (const std::uint64_t none : {proto::kNeverHot, proto::kHotFromUsualBytes}) {
    submit({.job = {none}, .maps = 3, .reduces = 1, .hot_bytes = none, .fold_hot = true});
    map_all({{0, 100u << 20}});
    EXPECT_TRUE(facts<PartitionsWeighed>().empty());
    cancel({none});
  }
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
  std::uint64_t asked = proto::kHotFromUsualBytes;
  const auto shares_of = [&](std::uint64_t bytes) {
    join(1, 4);
    submit({.job = {bytes}, .maps = 8, .reduces = 10, .hot_bytes = asked, .fold_hot = true});
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
  asked = proto::kHotPartitionBytes;
  EXPECT_EQ(shares_of(kAll / 10 * 7 + 1), 3u) << "who asks for it has it";
}

TEST_F(HotPartitions, AreCutSoThatSharesReadAboutTheSame) {
  join(1, 4);
  submit({.maps = 8, .reduces = 4, .hot_bytes = 2000, .fold_hot = true});
  while (!live.empty() && live.front().task.stage == Stage::kMap) {
    const AssignAttempt attempt(live.front());
    const std::uint32_t split = attempt.task.index;
    // The first half has next to nothing.
    step(CommitRequested{.worker = attempt.worker,
                         .attempt = attempt.attempt,
                         .output_empty = split < 2,
                         .bytes_out = split < 4 ? 10u : 1000u,
                         .flow = {},
                         .heavy = {{2, split < 4 ? 0u : 800u}}});
  }
  EXPECT_EQ(facts<PartitionsWeighed>().at(0).ends, (Tasks{5, 6, 7, 8}));
}

TEST_F(HotPartitions, AreCutOverTheMapsThatAreCovered) {
  join(1, 4);
  submit({.maps = 12,
          .reduces = 4,
          .completion = {proto::CompletionRule::kMinSuccessful, 4, 0},
          .hot_bytes = 2000,
          .fold_hot = true});
  map_all({{2, 700}});
  EXPECT_EQ(facts<PartitionsWeighed>().at(0).ends, (Tasks{1, 3, 12}));
  for (const std::uint32_t task : {4, 5}) commit(reduce(task));
  commit_reading_all(reduce(6));
  for (const std::uint32_t task : {0, 1, 3, 2}) commit(reduce(task));
  EXPECT_EQ(actions<PublishJob>().size(), 1u);
}

TEST_F(HotPartitions, AreSharedByAsManySlotsAsTheJobMayHave) {
  join(1, 4);
  submit({.maps = 4,
          .reduces = 4,
          .control = {.max_concurrency = 1},
          .hot_bytes = 2000,
          .fold_hot = true});
  map_all({{2, 700}});
  EXPECT_EQ(status().hot_partitions.at(0).shares, 0u);
}

TEST_F(HotPartitions, AreSharedByWorkersThatHaveNotComeBackYet) {
  join(1, 2);
  join(2, 2);
  submit({.maps = 4, .reduces = 4, .hot_bytes = 2000, .fold_hot = true});
  std::vector<AssignAttempt> of_first = live;
  std::erase_if(of_first, [](const AssignAttempt& one) { return one.worker.value != 1; });
  for (const AssignAttempt& one : std::vector<AssignAttempt>(live)) {
    if (one.worker.value == 2) commit_heavy(one, {{2, 700}});
  }
  restart();
  join_with(1, 2, of_first);
  map_all({{2, 700}});
  EXPECT_EQ(status().hot_partitions.at(0).shares, 3u);
}

TEST_F(HotPartitions, AreNotSharedWhileAWorkerIsThereThatCouldNot) {
  older = {1};
  join(1, 1);
  join(2, 4);
  submit({.maps = 4, .reduces = 4, .hot_bytes = 2000, .fold_hot = true});
  map_all({{2, 700}});
  EXPECT_TRUE(status().hot_partitions.at(0).hot);
  EXPECT_EQ(status().hot_partitions.at(0).shares, 0u);
}

TEST_F(HotPartitions, AreNotSharedWhileAWorkerMayComeBackThatCouldNot) {
  older = {1};
  join(1, 1);
  restart();
  join(2, 4);
  submit({.maps = 4, .reduces = 4, .hot_bytes = 2000, .fold_hot = true});
  map_all({{2, 700}});
  EXPECT_EQ(status().hot_partitions.at(0).shares, 0u);
  join(1, 1);
  EXPECT_TRUE(actions<ForgetWorker>().empty());
}

TEST_F(HotPartitions, AreNoneOfWhatAWorkerMakesUp) {
  join(1, 1);
  submit({.maps = 1, .reduces = 2, .hot_bytes = 1, .fold_hot = true});
  map_all({{7, 900}});
  EXPECT_TRUE(facts<PartitionsWeighed>().empty());
}

TEST(SharesFor, AreSuchThatNoneTakesLongerThanASlotHasTime) {
  using scheduling::shares_for;
  EXPECT_EQ(shares_for(100, 4, 700, 1000), 3u);
  EXPECT_EQ(shares_for(100, 4, 250, 1000), 0u) << "first in its slot it is done in time";
  EXPECT_EQ(shares_for(100, 1, 900, 1000), 0u);
  EXPECT_EQ(shares_for(2, 8, 900, 1000), 2u) << "a share reads one map at least";
  EXPECT_EQ(shares_for(100, 1000, 1000, 1000), proto::kSharesOfPartition);
  EXPECT_EQ(shares_for(100, 4, 10, 0), 4u) << "whatever workers say";
}

}  // namespace
}  // namespace fanfold::master
