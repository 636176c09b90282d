// Lines as they come, cut into batches.

#include "cli/commands/line_batches.hpp"

#include <gtest/gtest.h>

#include "common/core/limits.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;

class LineBatchesTest : public testing::Test {
 protected:
  void add(const std::string& bytes) { batches_.add(bytes, now_); }
  /// "-": none.
  std::string take() {
    const auto batch = batches_.take(now_);
    if (!batch.ok()) return batch.status().message();
    return batch->value_or("-");
  }

  LineBatches batches_;
  Instant now_{1h};
};

TEST_F(LineBatchesTest, WaitsAMomentForMore) {
  add("a\nb");
  EXPECT_EQ(batches_.due(), now_ + LineBatches::kMoment);
  EXPECT_EQ(take(), "-");
  now_ = now_ + LineBatches::kMoment;
  EXPECT_EQ(take(), "a\n");
  EXPECT_EQ(batches_.due(), std::nullopt) << "half a line is none";
  EXPECT_EQ(take(), "-");
  add("\n");
  now_ = now_ + LineBatches::kMoment;
  EXPECT_EQ(take(), "b\n");
}

TEST_F(LineBatchesTest, ASteadySlowProducerIsSentAsWell) {
  std::string sent;
  std::size_t batches = 0;
  for (int i = 0; i < 100; ++i) {
    add("line\n");
    now_ = now_ + LineBatches::kMoment / 5;
    if (const std::string batch = take(); batch != "-") {
      sent += batch;
      ++batches;
    }
  }
  EXPECT_EQ(batches, 20u);
  EXPECT_EQ(sent.size(), 500u);
}

TEST_F(LineBatchesTest, WhatIsFullGoesAtOnce) {
  const std::string line(99, 'x');
  std::string all;
  while (all.size() < limits::kFeedBytes + 1000) all += line + "\n";
  add(all);
  const std::string first = take();
  EXPECT_LE(first.size(), limits::kFeedBytes);
  EXPECT_GT(first.size(), limits::kFeedBytes - 100);
  EXPECT_EQ(first.back(), '\n');
  EXPECT_EQ(take(), "-");
  batches_.end();
  EXPECT_EQ(first + take(), all);
  EXPECT_TRUE(batches_.done());
}

TEST_F(LineBatchesTest, TheLastLineMayLackItsLineFeed) {
  add("a\nb");
  batches_.end();
  EXPECT_EQ(take(), "a\nb");
  EXPECT_TRUE(batches_.done());
  EXPECT_EQ(take(), "-");
}

TEST_F(LineBatchesTest, ALineThatNoBatchHoldsIsAnError) {
  add(std::string(limits::kFeedBytes, 'x'));
  EXPECT_NE(take().find("a line has more than"), std::string::npos);
}

TEST_F(LineBatchesTest, ALastLineThatFillsABatchIsSent) {
  add(std::string(limits::kFeedBytes, 'x'));
  batches_.end();
  EXPECT_EQ(take().size(), limits::kFeedBytes);
}

}  // namespace
}  // namespace fanfold::cli
