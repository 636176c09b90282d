// Runs the job on strings, through the same code as in a cluster.

#include "@NAME@.cpp"

#include <gtest/gtest.h>
#include <fanfold/testing.hpp>

TEST(Job, CountsWordsByLength) {
  const auto result = fanfold::testing::run<Job>({.input = "to be or not to be\nthat\n"});
  EXPECT_EQ(result.output(), "2\t5\n3\t1\n4\t1\n");
}

TEST(Job, LeavesOutShortWords) {
  const auto result =
      fanfold::testing::run<Job>({.input = "to be or not\n", .parameters = {{"min_length", "3"}}});
  EXPECT_EQ(result.output(), "3\t1\n");
}

TEST(Job, GivesTheSameWhateverTheSplitsAndParts) {
  const std::string text = "one\ntwo three\nfour five six\n";
  const auto whole = fanfold::testing::run<Job>({.input = text});
  const auto split = fanfold::testing::run<Job>({.input = text, .split_bytes = 1});
  EXPECT_EQ(split.output(), whole.output());
}

TEST(Job, CombinesInAnyOrder) { EXPECT_EQ(fanfold::testing::check_combiner<Job>({0, 1, 7}), ""); }
