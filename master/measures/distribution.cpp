#include "master/measures/distribution.hpp"

#include <algorithm>
#include <array>

namespace fanfold::master {
namespace {

template <std::size_t Count>
constexpr std::array<double, Count> geometric(double first, double factor) {
  std::array<double, Count> bounds{};
  for (double& bound : bounds) {
    bound = first;
    first *= factor;
  }
  return bounds;
}

constexpr auto kSeconds = geometric<23>(0.001, 2);
constexpr auto kShortSeconds = geometric<16>(0.00025, 2);
constexpr auto kTasks = geometric<12>(1, 4);
constexpr std::array<double, 9> kRatios = {1.25, 1.5, 2, 3, 5, 10, 20, 50, 100};

}  // namespace

void Distribution::add(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  ++counts_[static_cast<std::size_t>(bucket - bounds_.begin())];
  ++count_;
  sum_ += value;
}

std::span<const double> second_bounds() { return kSeconds; }
std::span<const double> short_second_bounds() { return kShortSeconds; }
std::span<const double> task_bounds() { return kTasks; }
std::span<const double> ratio_bounds() { return kRatios; }

}  // namespace fanfold::master
