// The curve of an attempt's memory: small, whatever the attempt does and however long.

#include "worker/isolation/memory_watch.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::Gt;

TEST(MemoryWatch, LooksWhenItIsTime) {
  MemoryWatch watch(Instant{1s});
  EXPECT_EQ(watch.next_look(), Instant{1s + 50ms});
  watch.look(Instant{1s + 20ms}, ::getpid());
  EXPECT_TRUE(watch.curve(0, 0).resident_bytes.empty());
  // Of a process that is not known yet, or not there, nothing is noted.
  watch.look(watch.next_look(), 0);
  watch.look(watch.next_look(), -1);
  EXPECT_TRUE(watch.curve(0, 0).resident_bytes.empty());
  watch.look(watch.next_look(), ::getpid());
  EXPECT_THAT(watch.curve(0, 0).resident_bytes, ElementsAre(Gt(std::uint64_t{1} << 20)));
}

TEST(MemoryWatch, KeepsTheLargerOfTwoNeighboursWhenThereAreMany) {
  MemoryWatch watch(Instant{});
  for (std::uint64_t i = 1; i <= 24; ++i) watch.note(watch.next_look(), i);
  EXPECT_THAT(watch.curve(0, 0).resident_bytes,
              ElementsAre(2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24));
  EXPECT_EQ(watch.curve(0, 0).step_ms, 100u);
  // A day long.
  while (watch.next_look() < Instant{24h}) watch.note(watch.next_look(), 7);
  const proto::MemoryCurve curve = watch.curve(0, 0);
  EXPECT_LT(curve.resident_bytes.size(), proto::MemoryCurve::kPointsMax);
  EXPECT_GE(curve.resident_bytes.size(), proto::MemoryCurve::kPointsMax / 2);
  EXPECT_GE(curve.step_ms, 3'600'000u);
}

TEST(MemoryWatch, KnowsTheMost) {
  MemoryWatch watch(Instant{});
  watch.note(Instant{50ms}, 30);
  watch.note(Instant{100ms}, 20);
  EXPECT_EQ(watch.curve(0, 9).peak_bytes, 30u);
  EXPECT_EQ(watch.curve(40, 9).peak_bytes, 40u);
  EXPECT_EQ(watch.curve(40, 9).budget_bytes, 9u);
}

}  // namespace
}  // namespace fanfold::worker
