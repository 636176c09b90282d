// One problem on several threads: the same result, as many threads as allowed, errors that come
// out.

#include <fanfold/fork_join.hpp>
#include <fanfold/testing.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace fanfold {
namespace {

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

std::vector<Range> thirds(const Range& range) {
  const std::uint64_t step = (range.end - range.begin + 2) / 3;
  std::vector<Range> parts;
  for (std::uint64_t at = range.begin; at < range.end; at += step) {
    parts.push_back({at, std::min(at + step, range.end)});
  }
  return parts;
}

/// Calls fork_join inside of a map task that has this many threads.
template <class Body>
void in_task_of(std::uint32_t threads, Body body) {
  static Body* current = nullptr;
  struct Calls {
    void map(std::string_view, Emitter<std::string_view, std::uint64_t>&) { (*current)(); }
  };
  current = &body;
  testing::run<Calls>({.input = "one record\n", .threads = threads});
}

TEST(ForkJoin, JoinsInTheOrderOfThePartsWhateverTheThreads) {
  std::string expected;
  for (int i = 0; i < 1000; ++i) expected += std::to_string(i) + " ";
  for (const std::uint32_t threads : {1u, 2u, 5u}) {
    std::string joined;
    in_task_of(threads, [&joined] {
      joined = fork_join(
          Range{0, 1000}, [](const Range& range) { return range.end - range.begin > 7; }, thirds,
          [](const Range& range) {
            std::string text;
            for (std::uint64_t i = range.begin; i < range.end; ++i) text += std::to_string(i) + " ";
            return text;
          },
          [](std::string left, std::string right) { return left + right; });
    });
    EXPECT_EQ(joined, expected) << threads << " threads";
  }
}

TEST(ForkJoin, WorksOutsideOfATask) {
  const auto add = [](std::uint64_t a, std::uint64_t b) { return a + b; };
  const auto one = [](const Range&) { return std::uint64_t{1}; };
  const auto large = [](const Range& range) { return range.end - range.begin > 1; };
  EXPECT_EQ(fork_join(Range{0, 500}, large, thirds, one, add), 500u);
}

TEST(ForkJoin, SolvesPartsSideBySide) {
  // Each part waits for the other one: a single thread would never get on.
  bool met = false;
  in_task_of(2, [&met] {
    std::mutex mutex;
    std::condition_variable changed;
    int arrived = 0;
    const auto meet = [&](const Range&) {
      std::unique_lock lock(mutex);
      ++arrived;
      changed.notify_all();
      return changed.wait_for(lock, std::chrono::minutes(1), [&] { return arrived == 2; });
    };
    met = fork_join(
        Range{0, 2}, [](const Range& range) { return range.end - range.begin > 1; },
        [](const Range&) {
          return std::vector<Range>{{0, 1}, {1, 2}};
        },
        meet, [](bool a, bool b) { return a && b; });
  });
  EXPECT_TRUE(met);
}

TEST(ForkJoin, KeepsToTheThreadsOfTheTask) {
  for (const std::uint32_t threads : {1u, 2u, 3u}) {
    std::atomic<std::uint32_t> now{0};
    std::atomic<std::uint32_t> most{0};
    in_task_of(threads, [&now, &most] {
      const auto add = [](std::uint64_t a, std::uint64_t b) { return a + b; };
      const auto large = [](const Range& range) { return range.end - range.begin > 1; };
      const auto count = [&now, &most](const Range&) {
        const std::uint32_t here = ++now;
        for (std::uint32_t seen = most; seen < here && !most.compare_exchange_weak(seen, here);) {
        }
        --now;
        return std::uint64_t{1};
      };
      // Calls inside of parts use the same threads.
      const auto nested = [&](const Range&) {
        return fork_join(Range{0, 20}, large, thirds, count, add);
      };
      EXPECT_EQ(fork_join(Range{0, 50}, large, thirds, nested, add), 1000u);
    });
    EXPECT_LE(most, threads);
  }
}

TEST(ForkJoin, PassesOnTheFirstExceptionAndLeavesTheRest) {
  std::atomic<std::uint64_t> solved{0};
  in_task_of(2, [&solved] {
    const auto solve = [&solved](const Range& range) -> std::uint64_t {
      if (range.begin == 100'000) throw std::runtime_error("no solution in the middle");
      return ++solved;
    };
    try {
      fork_join(
          Range{0, 200'000}, [](const Range& range) { return range.end - range.begin > 1; }, thirds,
          solve, [](std::uint64_t a, std::uint64_t) { return a; });
      ADD_FAILURE() << "the exception did not come out";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "no solution in the middle");
    }
  });
  EXPECT_LT(solved, 199'999u);
}

TEST(ForkJoin, RefusesASplitThatDoesNotEnd) {
  const auto always = [](const Range&) { return true; };
  const auto solve = [](const Range&) { return 1; };
  const auto join = [](int a, int b) { return a + b; };
  EXPECT_THROW(
      fork_join(
          Range{0, 1}, always, [](const Range&) { return std::vector<Range>(); }, solve, join),
      std::logic_error);
  EXPECT_THROW(fork_join(
                   Range{0, 1}, always, [](const Range& same) { return std::vector<Range>{same}; },
                   solve, join),
               std::length_error);
}

TEST(ForkJoin, ContextTellsTheThreads) {
  struct Tells {
    void setup(Context& context) { context.counter("threads").add(context.threads()); }
    void map(std::string_view line, Emitter<std::string_view, std::uint64_t>& out) {
      out.emit(line, 1);
    }
  };
  EXPECT_EQ(testing::run<Tells>({.input = "a\n", .threads = 3}).counters.at("threads"), 6);
}

}  // namespace
}  // namespace fanfold
