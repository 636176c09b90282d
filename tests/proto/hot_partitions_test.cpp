#include "common/proto/hot_partitions.hpp"

#include <gtest/gtest.h>

namespace fanfold::proto {
namespace {

TEST(Shares, ReadEachMapOnce) {
  const std::vector<HeavyPartition> heavy = {{2, 0, true, 3}, {0, 0, true, 0}, {1, 0, true, 2}};
  const Shares shares(4, heavy, {3, 6, 10, 9, 10});
  EXPECT_EQ(shares.tasks(), 5u);
  EXPECT_FALSE(shares.share(3).is_share());
  EXPECT_FALSE(shares.share(9).is_share());
  EXPECT_EQ(shares.share(4), (PartitionShare{2, 0, 3}));
  EXPECT_EQ(shares.share(6), (PartitionShare{2, 6, 10}));
  EXPECT_EQ(shares.share(7), (PartitionShare{1, 0, 9}));
  EXPECT_EQ(shares.share(8), (PartitionShare{1, 9, 10}));
  EXPECT_EQ(shares.find(0), nullptr);
  EXPECT_EQ(shares.find(1)->begin, 7u);
}

TEST(Shares, AreNotPossibleInAnyOtherWay) {
  using Partitions = std::vector<HeavyPartition>;
  const auto possible = [](const Partitions& heavy, const std::vector<std::uint32_t>& ends) {
    return Shares::are_possible(4, 10, heavy, ends);
  };
  EXPECT_TRUE(possible({{2, 0, true, 3}, {0, 0, true, 0}, {1, 0, true, 2}}, {3, 6, 10, 9, 10}));
  EXPECT_TRUE(possible({}, {}));
  EXPECT_FALSE(possible({{4, 0, true, 0}}, {})) << "there is no such partition";
  EXPECT_FALSE(possible({{1, 0, true, 0}, {1, 0, false, 0}}, {}));
  EXPECT_FALSE(possible({{1, 0, false, 2}}, {5, 10})) << "it is not hot";
  EXPECT_FALSE(possible({{1, 0, true, 2}}, {5}));
  EXPECT_FALSE(possible({{1, 0, true, 2}}, {5, 7, 10}));
  EXPECT_FALSE(possible({{1, 0, true, 2}}, {5, 9})) << "nobody reads the last one";
  EXPECT_FALSE(possible({{1, 0, true, 2}}, {10, 10})) << "it reads nothing";
  EXPECT_FALSE(possible({{1, 0, true, 17}}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

}  // namespace
}  // namespace fanfold::proto
