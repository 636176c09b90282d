#include "tests/chaos/flatness.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <thread>

#include "tests/e2e/workspace.hpp"

namespace fanfold::chaos {
namespace {

std::vector<Sample> samples(int count, const std::function<double(int)>& value) {
  std::vector<Sample> made;
  for (int i = 0; i < count; ++i) made.push_back({i * 36.0, value(i)});
  return made;
}

TEST(Flatness, ACurveThatFillsACacheAndStopsIsFlat) {
  EXPECT_TRUE(is_flat(samples(40, [](int i) { return i < 8 ? i * 10.0 : 80.0; }), {0.02, 0}));
}

TEST(Flatness, AWobbleIsFlat) {
  EXPECT_TRUE(is_flat(samples(40, [](int i) { return 100.0 + i % 3; }), {0.02, 0}));
}

TEST(Flatness, ASteadyLeakIsNot) {
  EXPECT_FALSE(is_flat(samples(40, [](int i) { return 100.0 + i; }), {0.02, 2}));
}

TEST(Flatness, SlopeIsPerHour) {
  // One more every 36 s.
  EXPECT_NEAR(slope_per_hour(samples(40, [](int i) { return 7.0 + i; })), 100, 0.001);
  EXPECT_NEAR(slope_per_hour(samples(40, [](int) { return 7.0; })), 0, 0.001);
}

TEST(Flatness, SeesDescriptorsThreadsAndFilesThatStay) {
  e2e::Workspace workspace;
  const Holdings before = holdings_of(::getpid());
  const int descriptor = ::dup(0);
  const std::jthread thread([](const std::stop_token& stop) {
    while (!stop.stop_requested()) std::this_thread::yield();
  });
  const Holdings after = holdings_of(::getpid());
  EXPECT_EQ(after.descriptors, before.descriptors + 1);
  EXPECT_EQ(after.threads, before.threads + 1);
  EXPECT_GT(after.resident_bytes, 0);
  ::close(descriptor);
  const std::size_t files = files_below(workspace.root());
  workspace.write("a/b/c", "x");
  EXPECT_EQ(files_below(workspace.root()), files + 1);
}

}  // namespace
}  // namespace fanfold::chaos
