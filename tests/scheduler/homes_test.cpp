// Who is told of map outputs while maps run, and of which.

#include <gmock/gmock.h>

#include <algorithm>

#include "master/scheduler/policy.hpp"
#include "tests/scheduler/scheduler_test.hpp"

namespace fanfold::master {
namespace {

using proto::ShuffleMode;
using scheduling::kHomeTellings;
using scheduling::kHybridSegmentBytesMax;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class SchedulerHomesTest : public SchedulerTest {
 protected:
  void SetUp() override {
    for (std::uint64_t worker = 1; worker < 9; ++worker) {
      machines[worker] = "machine" + std::to_string(worker);
    }
  }
  /// The partitions of a worker in what was told last.
  std::vector<std::uint32_t> told(std::uint64_t worker) const {
    std::vector<std::uint32_t> partitions;
    for (const TellHomes& telling : actions<TellHomes>()) {
      if (telling.outputs.empty()) continue;
      for (const TellHomes::Home& home : telling.homes) {
        if (home.worker == WorkerId{worker}) partitions = home.partitions;
      }
    }
    return partitions;
  }
  using Released = std::pair<std::uint64_t, std::uint32_t>;
  /// Workers and partitions of theirs that need not be kept any more.
  std::vector<Released> released() const {
    std::vector<Released> all;
    for (const TellHomes& telling : actions<TellHomes>()) {
      if (!telling.outputs.empty()) continue;
      for (const TellHomes::Home& home : telling.homes) {
        for (const std::uint32_t partition : home.partitions) {
          all.emplace_back(home.worker.value, partition);
        }
      }
    }
    return all;
  }
  static std::vector<std::uint32_t> splits(const TellHomes& telling) {
    std::vector<std::uint32_t> splits;
    for (const CommittedOutput& output : telling.outputs) splits.push_back(output.split);
    return splits;
  }
};

TEST_F(SchedulerHomesTest, SpreadPartitionsOverWorkersByTheirSlots) {
  join(1, 1);
  join(2, 3);
  submit({.maps = 2, .reduces = 8, .shuffle_mode = ShuffleMode::kPush});
  commit(map(0));
  EXPECT_THAT(told(1), ElementsAre(0, 4));
  EXPECT_THAT(told(2), ElementsAre(1, 2, 3, 5, 6, 7));
  EXPECT_EQ(actions<TellHomes>().front().segment_bytes_max, 0u);
}

TEST_F(SchedulerHomesTest, TellOfWhatIsNewAndOnlyThat) {
  join(1);
  join(2);
  submit({.maps = 4, .reduces = 2, .shuffle_mode = ShuffleMode::kHybrid});
  commit(map(1));
  EXPECT_THAT(actions<TellHomes>(), IsEmpty()) << "another runs beside it";
  commit(map(0));
  ASSERT_THAT(actions<TellHomes>(), SizeIs(1));
  EXPECT_THAT(splits(actions<TellHomes>()[0]), ElementsAre(0, 1));
  EXPECT_EQ(actions<TellHomes>()[0].segment_bytes_max, kHybridSegmentBytesMax);
  commit(map(3));
  commit(map(2), true);
  ASSERT_THAT(actions<TellHomes>(), SizeIs(1));
  EXPECT_THAT(splits(actions<TellHomes>()[0]), ElementsAre(3));
}

TEST_F(SchedulerHomesTest, TellOfManyAtOnce) {
  join(1, 2);
  join(2);
  const std::uint32_t maps = 8 * kHomeTellings;
  submit({.maps = maps, .shuffle_mode = ShuffleMode::kPush});
  std::size_t tellings = 0;
  for (std::uint32_t split = 0; split < maps; ++split) {
    commit(map(split));
    tellings += actions<TellHomes>().size();
  }
  EXPECT_EQ(tellings, kHomeTellings);
}

TEST_F(SchedulerHomesTest, TellNoMoreOftenThanMapsRunAtATime) {
  join(1, 20);
  join(2);
  submit({.maps = 42, .shuffle_mode = ShuffleMode::kPush});
  std::size_t tellings = 0;
  for (std::uint32_t split = 0; split < 42; ++split) {
    commit(map(split));
    tellings += actions<TellHomes>().size();
  }
  EXPECT_EQ(tellings, 2u);
}

TEST_F(SchedulerHomesTest, AreNotNeededWhereNothingCrossesHosts) {
  machines[2] = machines[1];
  join(1);
  join(2);
  submit({.maps = 6, .shuffle_mode = ShuffleMode::kAuto});
  commit(map(0));
  commit(map(1));
  EXPECT_THAT(actions<TellHomes>(), IsEmpty());
  // Now something may: the first maps are told of, too.
  join(3);
  commit(map(2));
  commit(map(3));
  commit(map(4));
  ASSERT_THAT(actions<TellHomes>(), SizeIs(1));
  EXPECT_THAT(splits(actions<TellHomes>()[0]), ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(SchedulerHomesTest, AreNotNeededForFewRoundsOfMapsUnlessAskedFor) {
  join(1);
  join(2);
  for (const ShuffleMode mode : {ShuffleMode::kAuto, ShuffleMode::kHybrid}) {
    const JobId job{mode == ShuffleMode::kAuto ? 1u : 2u};
    submit({.job = job, .maps = 3, .shuffle_mode = mode});
    commit(map(0, job));
    commit(map(1, job));
    EXPECT_EQ(actions<TellHomes>().size(), mode == ShuffleMode::kAuto ? 0u : 1u);
    cancel(job);
  }
}

TEST_F(SchedulerHomesTest, AreNeededOnOneHostWhereAllGoesOverTheNetwork) {
  machines[2] = machines[1];
  join(1);
  join(2);
  submit({.maps = 4, .shuffle_mode = ShuffleMode::kAuto, .over_network = true});
  commit(map(0));
  commit(map(1));
  EXPECT_THAT(actions<TellHomes>(), SizeIs(1));
}

TEST_F(SchedulerHomesTest, AreNoneInAPull) {
  join(1);
  join(2);
  submit({.maps = 2});
  commit(map(0));
  EXPECT_THAT(actions<TellHomes>(), IsEmpty());
}

TEST_F(SchedulerHomesTest, AreReplacedWhenTheyGoAndHearEverything) {
  join(1);
  join(2);
  join(3);
  submit({.maps = 6, .reduces = 3, .shuffle_mode = ShuffleMode::kPush});
  commit(map(0));
  commit(map(1));
  commit(map(2));
  ASSERT_THAT(told(3), ElementsAre(2));
  // What it made is lost with it and made again.
  const AssignAttempt kept[] = {map(3), map(4)};
  const WorkerId gone = map(5).worker;
  leave(gone.value);
  commit(kept[0]);
  commit(kept[1]);
  std::vector<std::uint32_t> partitions;
  for (const TellHomes& telling : actions<TellHomes>()) {
    for (const TellHomes::Home& home : telling.homes) {
      EXPECT_NE(home.worker, gone);
      partitions.insert(partitions.end(), home.partitions.begin(), home.partitions.end());
    }
  }
  EXPECT_THAT(partitions, testing::UnorderedElementsAre(0, 1, 2));
}

TEST_F(SchedulerHomesTest, AreChosenAnewWhenThereAreTwiceAsMany) {
  join(1);
  join(2);
  submit({.maps = 16, .reduces = 4, .shuffle_mode = ShuffleMode::kPush});
  commit(map(0));
  commit(map(1));
  EXPECT_THAT(told(1), ElementsAre(0, 2));
  join(3);
  join(4);
  for (std::uint32_t split = 2; split < 6; ++split) commit(map(split));
  for (std::uint64_t worker = 1; worker <= 4; ++worker) {
    EXPECT_THAT(told(worker), ElementsAre(worker - 1));
  }
  EXPECT_THAT(released(), ElementsAre(Released{1, 2}, Released{2, 3}));
}

TEST_F(SchedulerHomesTest, LetGoOfWhatIsReducedElsewhere) {
  join(1);
  join(2);
  submit({.maps = 2, .reduces = 6, .speculate = false, .shuffle_mode = ShuffleMode::kPush});
  commit_all_maps();
  const auto home = [](std::uint32_t partition) { return WorkerId{1 + partition % 2}; };
  std::size_t elsewhere = 0;
  for (std::uint32_t committed = 0; committed < 5; ++committed) {
    // Whatever the first worker has, as long as it has something.
    const auto own = std::find_if(live.begin(), live.end(), [](const AssignAttempt& one) {
      return one.worker == WorkerId{1};
    });
    const AssignAttempt next = own != live.end() ? *own : live.front();
    commit(next);
    if (next.worker == home(next.task.index)) {
      EXPECT_THAT(released(), IsEmpty());
    } else {
      ++elsewhere;
      EXPECT_THAT(released(), ElementsAre(Released{home(next.task.index).value, next.task.index}));
    }
  }
  EXPECT_GT(elsewhere, 0u);
}

TEST_F(SchedulerHomesTest, AreNoWorkersThatDoNotKnowOfThem) {
  older = {1};
  join(1);
  join(2);
  submit({.maps = 2, .reduces = 2, .shuffle_mode = ShuffleMode::kPush});
  commit(map(0));
  EXPECT_THAT(told(1), IsEmpty());
  EXPECT_THAT(told(2), ElementsAre(0, 1));
}

TEST_F(SchedulerHomesTest, HearOfAnOutputThatWasMadeAgain) {
  join(1);
  join(2);
  submit({.maps = 1, .reduces = 2, .speculate = false, .shuffle_mode = ShuffleMode::kPush});
  commit(map(0));
  const AttemptId before = inputs()[0].attempt;
  miss(reduce(0), {before});
  wait_with_heartbeats(2s);
  commit(map(0));
  ASSERT_THAT(actions<TellHomes>(), SizeIs(1));
  ASSERT_THAT(actions<TellHomes>()[0].outputs, SizeIs(1));
  EXPECT_NE(actions<TellHomes>()[0].outputs[0].attempt, before);
}

TEST_F(SchedulerHomesTest, AreToldAgainByAMasterThatWasRestarted) {
  join(1);
  join(2);
  submit({.maps = 3, .shuffle_mode = ShuffleMode::kPush});
  commit(map(0));
  restart();
  join(1);
  join(2);
  commit(map(1));
  ASSERT_THAT(actions<TellHomes>(), SizeIs(1));
  EXPECT_THAT(splits(actions<TellHomes>()[0]), ElementsAre(0, 1));
}

TEST_F(SchedulerHomesTest, AreNotChosenWhileOthersMayComeBack) {
  join(1);
  join(2);
  submit({.maps = 4, .reduces = 4, .shuffle_mode = ShuffleMode::kPush});
  commit(map(0));
  const AssignAttempt running = map(2);
  restart();
  join_with(running.worker.value, 1, {running});
  commit(running);
  EXPECT_THAT(actions<TellHomes>(), IsEmpty());
  join(3 - running.worker.value);
  commit(map(1));
  EXPECT_THAT(told(1), ElementsAre(0, 2));
  EXPECT_THAT(told(2), ElementsAre(1, 3));
}

TEST_F(SchedulerHomesTest, ReduceTheirPartitionsWhenTheyAreFree) {
  for (std::uint64_t worker = 1; worker < 5; ++worker) join(worker);
  submit({.maps = 4, .reduces = 4, .shuffle_mode = ShuffleMode::kPush});
  commit(map(2));
  commit(map(0));
  commit(map(3));
  commit(map(1));
  for (std::uint32_t partition = 0; partition < 4; ++partition) {
    EXPECT_EQ(reduce(partition).worker, WorkerId{partition + 1});
  }
}

}  // namespace
}  // namespace fanfold::master
