// Cuts keys into ranges by their first eight bytes, at places that a sample of them suggests.  Only
// to have similar amounts in each: a range never decides about order or partition.

#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fanfold::detail {

class KeyRanges {
 public:
  std::size_t count() const { return cuts_.size() + 1; }

  /// At most `ranges`, a power of two; `sample` are prefixes, and is sorted by this.
  void choose(std::size_t ranges, std::vector<std::uint64_t>& sample) {
    std::sort(sample.begin(), sample.end());
    cuts_.clear();
    if (sample.empty()) return;
    const std::size_t cuts = std::bit_floor(ranges) - 1;
    for (std::size_t i = 1; i <= cuts; ++i) {
      cuts_.push_back(sample[sample.size() * i / (cuts + 1)]);
    }
  }

  /// Which range, from 0; the larger the prefix, the larger the range.
  std::size_t find(std::uint64_t prefix) const {
    // A binary search without branches: the number of cuts is a power of two less one.
    const std::uint64_t* const cuts = cuts_.data();
    std::size_t range = 0;
    for (std::size_t half = count() / 2; half != 0; half /= 2) {
      range += cuts[range + half - 1] <= prefix ? half : 0;
    }
    return range;
  }

 private:
  std::vector<std::uint64_t> cuts_;  // Ascending; equal ones leave ranges empty.
};

}  // namespace fanfold::detail
