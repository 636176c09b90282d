#include "common/proto/types.hpp"

#include <gtest/gtest.h>

#include <set>

#include "common/proto/known.hpp"

namespace fanfold::proto {
namespace {

TEST(FailureKind, IsChargedToTheTaskWhenTheCodeFailed) {
  for (int number = 0; number < 256; ++number) {
    const auto kind = static_cast<FailureKind>(number);
    const bool of_the_task = number >= 1 && number <= 10;
    EXPECT_EQ(charged_to_task(kind), of_the_task) << name_of(kind);
  }
}

TEST(FailureKind, HasANameOfItsOwn) {
  std::set<std::string> names;
  for (int number = 0; number < 256; ++number) {
    const auto kind = static_cast<FailureKind>(number);
    if (!is_known(kind)) continue;
    EXPECT_TRUE(names.insert(name_of(kind)).second) << name_of(kind);
  }
  EXPECT_EQ(names.size(), 18u);
  EXPECT_FALSE(names.contains("unknown"));
}

TEST(JobState, IsFinalWhenNothingCanChangeItAnyMore) {
  EXPECT_FALSE(is_final(JobState::kRunning));
  EXPECT_FALSE(is_final(JobState::kPublishing));
  EXPECT_TRUE(is_final(JobState::kSucceeded));
  EXPECT_TRUE(is_final(JobState::kFailed));
  EXPECT_TRUE(is_final(JobState::kCancelled));
}

}  // namespace
}  // namespace fanfold::proto
