#include <gtest/gtest.h>
#include <fanfold/testing.hpp>

TEST(FirstJob, CountsWords) {
  const auto result = fanfold::testing::run<WordCount>({.input = "to be or not to be\n"});
  EXPECT_EQ(result.output(), "be\t2\nnot\t1\nor\t1\nto\t2\n");
}

TEST(FirstJob, AddsInAnyOrder) {
  EXPECT_EQ(fanfold::testing::check_combiner<WordCount>({0, 1, 7}), "");
}

TEST(StopWords, LeavesOutWordsOfTheSideFile) {
  const auto result = fanfold::testing::run<StopWords>({
      .inputs = {{"the cat\n", "a.txt"}, {"The cat and the dog\n", "b.txt"}},
      .parameters = {{"min_count", "2"}},
      .side_files = {{"stop_words", "the\nand\n"}},
      .partitions = 3,
      .split_bytes = 1,
  });
  EXPECT_EQ(result.output(), "cat\t2\n");
  EXPECT_EQ(result.counters.at("skipped_words"), 3);
}
