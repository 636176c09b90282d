// Shrinking: what is left is small, violates the same, and can be repeated.

#include <gtest/gtest.h>

#include "sim/search/shrink.hpp"

namespace fanfold::sim {
namespace {

TEST(Shrink, ARunWithoutViolationHasNothingToShrink) {
  Scenario calm;
  calm.config = config_of(1);
  calm.faults.emplace();
  EXPECT_EQ(shrink(calm).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace fanfold::sim
