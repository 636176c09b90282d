// The tree by which parts become one.

#include "common/proto/gather.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace fanfold::proto {
namespace {

TEST(GatherTree, BringsEveryPartToItsRootOnce) {
  for (const std::uint32_t arity : {2u, 3u, 4u, 7u, 16u, 256u}) {
    for (std::uint32_t parts = 2; parts < 300; ++parts) {
      const GatherTree tree(parts, arity);
      SCOPED_TRACE(std::to_string(parts) + " parts, arity " + std::to_string(arity));
      // What lies below each node, in order.
      std::vector<std::vector<std::uint32_t>> below(tree.tasks());
      std::map<std::pair<Stage, std::uint32_t>, int> used;
      for (std::uint32_t task = 0; task < tree.tasks(); ++task) {
        const GatherTree::Inputs inputs = tree.inputs(task);
        ASSERT_GE(inputs.end - inputs.begin, 1u);
        ASSERT_LE(inputs.end - inputs.begin, arity);
        for (std::uint32_t i = inputs.begin; i < inputs.end; ++i) {
          ++used[{inputs.stage, i}];
          if (inputs.stage == Stage::kReduce) {
            below[task].push_back(i);
          } else {
            ASSERT_LT(i, task);
            below[task].insert(below[task].end(), below[i].begin(), below[i].end());
          }
        }
      }
      ASSERT_TRUE(tree.is_root(tree.tasks() - 1));
      ASSERT_EQ(below.back().size(), parts);
      ASSERT_TRUE(std::is_sorted(below.back().begin(), below.back().end()));
      ASSERT_EQ(used.size(), parts + tree.tasks() - 1);
      for (const auto& [what, times] : used) ASSERT_EQ(times, 1);
    }
  }
}

TEST(GatherTree, OpensALevelWhenTheOneBeforeItIsWhole) {
  const GatherTree tree(7, 3);  // 3 tasks over 7 parts, and the root.
  EXPECT_EQ(tree.tasks(), 4u);
  EXPECT_EQ(tree.levels(), 2u);
  EXPECT_EQ(tree.open_after(0), 3u);
  EXPECT_EQ(tree.open_after(2), 3u);
  EXPECT_EQ(tree.open_after(3), 4u);
  EXPECT_EQ(tree.open_after(4), 4u);
}

TEST(GatherTree, HasNothingToDoForASinglePart) {
  EXPECT_EQ(GatherTree(1, 2).tasks(), 0u);
  EXPECT_EQ(GatherTree(100, 0).tasks(), 0u);
  EXPECT_EQ(GatherTree(100'000, 256).levels(), 3u);
}

TEST(GatherTree, GivesNeighbouringSplitsToABranch) {
  std::vector<std::uint32_t> sizes(4);
  std::uint32_t before = 0;
  for (std::uint32_t split = 0; split < 10; ++split) {
    const std::uint32_t branch = branch_of(split, 10, 4);
    EXPECT_GE(branch, before);
    before = branch;
    ++sizes.at(branch);
  }
  EXPECT_EQ(sizes, (std::vector<std::uint32_t>{3, 2, 3, 2}));
}

}  // namespace
}  // namespace fanfold::proto
