#include "jobs/closest_pair.cpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/jobs/running.hpp"

namespace fanfold::jobs_test {
namespace {

std::string text_of_points(const std::vector<Point>& points) {
  std::string text;
  for (const Point& point : points) text += text_of(point) + "\n";
  return text;
}

/// Every pair is looked at.
std::string oracle(const std::string& file, const std::vector<Point>& points) {
  Nearest best;
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (std::size_t j = i + 1; j < points.size(); ++j) {
      best = std::min(best, pair_of(points[i], points[j]));
    }
  }
  return file + "\t" + std::to_string(best.square) + " " + text_of(best.first) + " " +
         text_of(best.second) + "\n";
}

std::string solve(const std::string& text, std::uint32_t threads) {
  return testing::run<ClosestPair>({.inputs = {{text, "f", ""}}, .threads = threads}).output();
}

std::vector<Point> random_points(unsigned seed, std::size_t count, std::int64_t side) {
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<std::int64_t> coordinate(-side, side);
  std::vector<Point> points(count);
  for (Point& point : points) point = {coordinate(random), coordinate(random)};
  return points;
}

TEST(ClosestPair, FindsWhatLookingAtEveryPairFinds) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    const std::int64_t side = seed % 3 == 0 ? 20 : seed % 3 == 1 ? 3000 : kCoordinateMax;
    const std::vector<Point> points = random_points(seed, 2 + seed * 3, side);
    ASSERT_EQ(solve(text_of_points(points), 1), oracle("f", points)) << "seed " << seed;
  }
}

TEST(ClosestPair, SolvesManyPointsOnManyThreads) {
  for (unsigned seed = 0; seed < 3; ++seed) {
    // More than one piece; the nearest pair lies across two of them for some seeds.
    const std::vector<Point> points = random_points(seed, 3 * kPiece + seed, 1'000'000);
    const std::string expected = oracle("f", points);
    ASSERT_EQ(solve(text_of_points(points), 1), expected);
    ASSERT_EQ(solve(text_of_points(points), 4), expected);
  }
}

TEST(ClosestPair, AnswersTheSameForEqualDistances) {
  std::vector<Point> grid;
  for (std::int64_t x = 0; x < 150; ++x) {
    for (std::int64_t y = 0; y < 150; ++y) grid.push_back({x, y});
  }
  EXPECT_EQ(solve(text_of_points(grid), 3), "f\t1 0 0 0 1\n");
}

TEST(ClosestPair, TakesPointsThatLieOnALineOrTwice) {
  std::vector<Point> line;
  for (std::int64_t y = 0; y < 30'000; ++y) line.push_back({5, 3 * y});
  EXPECT_EQ(solve(text_of_points(line), 2), "f\t9 5 0 5 3\n");
  const std::vector<Point> same(100'000, Point{7, 7});
  EXPECT_EQ(solve(text_of_points(same), 2), "f\t0 7 7 7 7\n");
}

TEST(ClosestPair, WritesALineForEachFileThatHasAPair) {
  const Outcome outcome = run<ClosestPair>(
      {{"a", "0 0\n\n 3\t4 \n", ""}, {"b", "", ""}, {"c", "1 1", ""}, {"d", "9 9\n9 8\n0 0", ""}},
      {}, {});
  EXPECT_EQ(outcome.all(), "a\t25 0 0 3 4\nd\t1 9 8 9 9\n");
}

TEST(ClosestPair, SaysWhichLineIsNoPoint) {
  const auto message_for = [](const std::string& text) -> std::string {
    try {
      solve(text, 1);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message_for("1 1\n2\n"), "line 2 holds 1 numbers; a point is two: x y");
  EXPECT_EQ(message_for("1 x\n"), "line 1: 'x' is no integer between -1000000000 and 1000000000");
  EXPECT_EQ(message_for("1 1000000001\n"),
            "line 1: '1000000001' is no integer between -1000000000 and 1000000000");
}

}  // namespace
}  // namespace fanfold::jobs_test
