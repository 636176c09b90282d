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
      for (const TellHomes::Home& home : telling.homes) {
        if (home.worker == WorkerId{worker}) partitions = home.partitions;
      }
    }
    return partitions;
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
  submit({.maps = 3, .reduces = 2, .shuffle_mode = ShuffleMode::kHybrid});
  commit(map(1));
  ASSERT_THAT(actions<TellHomes>(), SizeIs(1));
  EXPECT_THAT(splits(actions<TellHomes>()[0]), ElementsAre(1));
  EXPECT_EQ(actions<TellHomes>()[0].segment_bytes_max, kHybridSegmentBytesMax);
  commit(map(0));
  EXPECT_THAT(splits(actions<TellHomes>()[0]), ElementsAre(0));
  commit(map(2), true);
  EXPECT_THAT(actions<TellHomes>(), IsEmpty());
}

TEST_F(SchedulerHomesTest, TellOfManyAtOnce) {
  join(1, 200);
  join(2);
  const std::uint32_t maps = 4 * kHomeTellings;
  submit({.maps = maps, .shuffle_mode = ShuffleMode::kPush});
  std::size_t tellings = 0;
  for (std::uint32_t split = 0; split < maps; ++split) {
    commit(map(split));
    tellings += actions<TellHomes>().size();
  }
  EXPECT_EQ(tellings, kHomeTellings);
}

TEST_F(SchedulerHomesTest, AreNotNeededWhereNothingCrossesHosts) {
  machines[2] = machines[1];
  join(1);
  join(2);
  submit({.maps = 2, .shuffle_mode = ShuffleMode::kAuto});
  commit(map(0));
  EXPECT_THAT(actions<TellHomes>(), IsEmpty());
  // Now something may: the first map is told of, too.
  join(3);
  commit(map(1));
  ASSERT_THAT(actions<TellHomes>(), SizeIs(1));
  EXPECT_THAT(splits(actions<TellHomes>()[0]), ElementsAre(0, 1));
}

TEST_F(SchedulerHomesTest, AreNeededOnOneHostWhereAllGoesOverTheNetwork) {
  machines[2] = machines[1];
  join(1);
  join(2);
  submit({.maps = 2, .shuffle_mode = ShuffleMode::kAuto, .over_network = true});
  commit(map(0));
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
  submit({.maps = 4, .reduces = 3, .shuffle_mode = ShuffleMode::kPush});
  commit(map(0));
  ASSERT_THAT(told(3), ElementsAre(2));
  // What it made is lost with it and made again.
  const AssignAttempt kept = map(1);
  const WorkerId gone{kept.worker == WorkerId{3} ? 2u : 3u};
  leave(gone.value);
  commit(kept);
  std::vector<std::uint32_t> partitions;
  for (const TellHomes& telling : actions<TellHomes>()) {
    for (const TellHomes::Home& home : telling.homes) {
      EXPECT_NE(home.worker, gone);
      partitions.insert(partitions.end(), home.partitions.begin(), home.partitions.end());
    }
  }
  EXPECT_THAT(partitions, testing::UnorderedElementsAre(0, 1, 2));
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
