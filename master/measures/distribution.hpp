// How often a measured value fell into which bucket: what histograms are made of.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fanfold::master {

class Distribution {
 public:
  /// `upper_bounds` ascend and must outlive this; what is larger than all of them has a bucket too.
  explicit Distribution(std::span<const double> upper_bounds)
      : bounds_(upper_bounds), counts_(upper_bounds.size() + 1) {}

  void add(double value);

  std::span<const double> bounds() const { return bounds_; }
  /// One more than bounds.
  const std::vector<std::uint64_t>& counts() const { return counts_; }
  std::uint64_t count() const { return count_; }
  double sum() const { return sum_; }

 private:
  std::span<const double> bounds_;
  std::vector<std::uint64_t> counts_;
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

// Bounds of the measures, in their base units.

/// Seconds, from a millisecond to more than an hour, each twice the one before: a percentile that
/// is read off them is good to a factor of two.
std::span<const double> second_bounds();
/// Seconds, for what should take far less than one: a quarter of a millisecond to 8 s.
std::span<const double> short_second_bounds();
/// Tasks of a stage: powers of four.
std::span<const double> task_bounds();
/// The longest of many divided by their median.
std::span<const double> ratio_bounds();

}  // namespace fanfold::master
