// How long the committed tasks of a stage ran: sum, and a median good to an eighth, in constant
// memory and time.  Integers only, so that decisions replay exactly.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "common/core/time.hpp"

namespace fanfold::master::scheduling {

class Durations {
 public:
  void add(Duration duration);

  std::uint32_t count() const { return count_; }
  Duration total() const { return total_; }
  /// The upper end of the bucket that holds the median; zero when nothing was added.
  Duration median() const { return quantile(500); }
  /// The same for the one that so many of a thousand are not longer than.
  Duration quantile(std::uint32_t per_mille) const;

 private:
  // Eight buckets for each power of two of microseconds, up to 2^40 us (twelve days).
  static constexpr std::size_t kBuckets = 312;
  static std::size_t bucket_of(std::uint64_t microseconds);
  static std::uint64_t upper_end(std::size_t bucket);

  std::array<std::uint32_t, kBuckets> buckets_{};
  std::uint32_t count_ = 0;
  Duration total_{0};
};

}  // namespace fanfold::master::scheduling
