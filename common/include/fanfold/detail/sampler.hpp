// Chooses the splitters of a range-partitioned job from the keys of a sample.

#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fanfold/bytes.hpp"

namespace fanfold::detail {

class Sampler {
 public:
  void add(std::string_view key) {
    if (skip_ != 0) {
      --skip_;
      return;
    }
    keys_.emplace_back(key);
    if (keys_.size() == kKeysMax) thin_out();
    skip_ = stride_ - 1;
  }

  /// Up to partitions - 1 ascending keys that cut the sample into even parts.  A key that many
  /// records share cuts once.
  std::vector<std::string> splitters(std::uint32_t partitions) {
    std::sort(keys_.begin(), keys_.end());
    std::vector<std::string> chosen;
    if (keys_.empty()) return chosen;
    for (std::uint64_t i = 1; i < partitions; ++i) {
      const std::string& key = keys_[keys_.size() * i / partitions];
      // Nothing would be below the smallest key.
      if (key != keys_.front() && (chosen.empty() || chosen.back() < key)) chosen.push_back(key);
    }
    return chosen;
  }

 private:
  static constexpr std::size_t kKeysMax = 1u << 18;

  /// Keeps every other key, of those to come as well.
  void thin_out() {
    for (std::size_t i = 0; 2 * i < keys_.size(); ++i) keys_[i].swap(keys_[2 * i]);
    keys_.resize(keys_.size() / 2);
    stride_ *= 2;
  }

  std::vector<std::string> keys_;
  std::uint64_t stride_ = 1;
  std::uint64_t skip_ = 0;
};

}  // namespace fanfold::detail
