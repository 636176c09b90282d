// closest_pair: the two points of each file that lie closest together.  Each file is one problem,
// solved by divide and conquer on all threads of its task.

#include <fanfold/fork_join.hpp>
#include <fanfold/job.hpp>

#include <algorithm>
#include <charconv>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Point {
  std::int64_t x = 0;
  std::int64_t y = 0;
  auto operator<=>(const Point&) const = default;
};

/// Beyond this a squared distance would not fit into 64 bits.
constexpr std::int64_t kCoordinateMax = 1'000'000'000;
/// A piece of this many points is searched by one thread.
constexpr std::size_t kPiece = 4096;

struct Nearest {
  std::uint64_t square = UINT64_MAX;  // Of the distance.
  Point first;
  Point second;
  /// Of equally close pairs the smallest, so that the answer is always the same.
  auto operator<=>(const Nearest&) const = default;
};

std::uint64_t square_of(std::int64_t difference) {
  return static_cast<std::uint64_t>(difference * difference);
}

Nearest pair_of(const Point& a, const Point& b) {
  return {square_of(a.x - b.x) + square_of(a.y - b.y), std::min(a, b), std::max(a, b)};
}

/// Among points sorted by y: a closer or equal pair is at most `best` apart in y.
void search_strip(std::vector<Point>& strip, Nearest* best) {
  std::sort(strip.begin(), strip.end(),
            [](const Point& a, const Point& b) { return a.y < b.y || (a.y == b.y && a.x < b.x); });
  for (std::size_t i = 0; i < strip.size(); ++i) {
    for (std::size_t j = i + 1; j < strip.size(); ++j) {
      if (square_of(strip[j].y - strip[i].y) > best->square) break;
      *best = std::min(*best, pair_of(strip[i], strip[j]));
    }
  }
}

/// Pairs with one point on each side of points[middle].
void search_across(std::span<const Point> points, std::size_t middle, Nearest* best) {
  const std::int64_t line = points[middle].x;
  std::vector<Point> strip;
  for (std::size_t i = middle; i-- > 0 && square_of(line - points[i].x) <= best->square;) {
    strip.push_back(points[i]);
  }
  for (std::size_t i = middle; i < points.size(); ++i) {
    if (square_of(points[i].x - line) > best->square) break;
    strip.push_back(points[i]);
  }
  search_strip(strip, best);
}

Nearest search(std::span<const Point> points) {
  if (points.size() < 2) return {};
  const std::size_t middle = points.size() / 2;
  Nearest best = std::min(search(points.first(middle)), search(points.subspan(middle)));
  search_across(points, middle, &best);
  return best;
}

/// A stretch of the sorted points, and what is closest in it.
struct Stretch {
  const Point* begin = nullptr;
  std::size_t size = 0;
  Nearest nearest;
  std::span<const Point> points() const { return {begin, size}; }
};

void sort_side_by_side(std::vector<Point>* points) {
  fanfold::fork_join(
      std::span<Point>(*points),
      [](const std::span<Point>& stretch) { return stretch.size() > kPiece; },
      [](const std::span<Point>& stretch) {
        const std::size_t half = stretch.size() / 2;
        return std::vector<std::span<Point>>{stretch.first(half), stretch.subspan(half)};
      },
      [](std::span<Point> stretch) {
        std::sort(stretch.begin(), stretch.end());
        return stretch;
      },
      // The parts are neighbours, and each is sorted.
      [](std::span<Point> left, std::span<Point> right) {
        const std::span<Point> both(left.data(), left.size() + right.size());
        std::inplace_merge(both.begin(), both.begin() + static_cast<std::ptrdiff_t>(left.size()),
                           both.end());
        return both;
      });
}

Nearest closest_of(const std::vector<Point>& sorted) {
  // Without equal points only few can lie in a strip, however the points lie.
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) return pair_of(*twice, *twice);
  const Stretch whole{sorted.data(), sorted.size(), {}};
  return fanfold::fork_join(
             whole, [](const Stretch& stretch) { return stretch.size > kPiece; },
             [](const Stretch& stretch) {
               const std::size_t half = stretch.size / 2;
               return std::vector<Stretch>{{stretch.begin, half, {}},
                                           {stretch.begin + half, stretch.size - half, {}}};
             },
             [](const Stretch& stretch) {
               Stretch solved = stretch;
               solved.nearest = search(stretch.points());
               return solved;
             },
             [](const Stretch& left, const Stretch& right) {
               Stretch both{left.begin, left.size + right.size,
                            std::min(left.nearest, right.nearest)};
               search_across(both.points(), left.size, &both.nearest);
               return both;
             })
      .nearest;
}

std::int64_t parse_coordinate(std::string_view word, std::size_t line) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(word.data(), word.data() + word.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != word.data() + word.size() ||
      number < -kCoordinateMax || number > kCoordinateMax) {
    throw std::invalid_argument("line " + std::to_string(line) + ": '" + std::string(word) +
                                "' is no integer between -1000000000 and 1000000000");
  }
  return number;
}

std::vector<Point> parse_points(std::string_view text) {
  std::vector<Point> points;
  std::size_t line = 0;
  std::vector<std::int64_t> numbers;
  while (!text.empty()) {
    ++line;
    const std::size_t end = std::min(text.find('\n'), text.size());
    numbers.clear();
    for (const std::string_view word : fanfold::words(text.substr(0, end))) {
      numbers.push_back(parse_coordinate(word, line));
    }
    text.remove_prefix(std::min(end + 1, text.size()));
    if (numbers.empty()) continue;
    if (numbers.size() != 2) {
      throw std::invalid_argument("line " + std::to_string(line) + " holds " +
                                  std::to_string(numbers.size()) + " numbers; a point is two: x y");
    }
    points.push_back({numbers[0], numbers[1]});
  }
  return points;
}

std::string text_of(const Point& point) {
  return std::to_string(point.x) + " " + std::to_string(point.y);
}

struct ClosestPair {
  using Input = fanfold::WholeFile;

  void setup(fanfold::Context& context) { context_ = &context; }

  void map(std::string_view text, fanfold::Emitter<std::string, std::string>& out) {
    std::vector<Point> points = parse_points(text);
    if (points.size() < 2) return;
    sort_side_by_side(&points);
    const Nearest nearest = closest_of(points);
    out.emit(std::string(context_->file()), std::to_string(nearest.square) + " " +
                                                text_of(nearest.first) + " " +
                                                text_of(nearest.second));
  }

 private:
  fanfold::Context* context_ = nullptr;
};

}  // namespace

FANFOLD_JOB(ClosestPair, "closest_pair",
            "Writes, for each file of points ('x y' a line), the square of the smallest distance "
            "and the two points.");
