// Decides which partition an encoded key belongs to: by hash, by sampled splitters, or by the job.

#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "fanfold/abi.hpp"
#include "fanfold/detail/job_traits.hpp"
#include "fanfold/hash.hpp"

namespace fanfold::detail {

template <class Job>
class Partitioner {
 public:
  using Traits = JobTraits<Job>;

  Partitioner(Job& job, const abi::TaskSettings& settings) : job_(job), settings_(settings) {
    if constexpr (Traits::kPartitioning == abi::Partitioning::kRange) {
      for (const std::string& key : settings.splitters) {
        prefixes_.push_back(prefix_of(key.data(), key.size()));
      }
    }
  }

  /// Keys whose partitions are looked up together: each search waits for the memory of the others.
  static constexpr std::size_t kTogether = 8;

  /// By range, for at most kTogether keys with these prefixes.
  void find_ranges(const std::string_view* keys, const std::uint64_t* prefixes, std::size_t count,
                   std::uint32_t* partitions) const {
    std::size_t above[kTogether] = {};
    std::uint64_t wanted[kTogether] = {};
    std::copy(prefixes, prefixes + count, wanted);
    const std::uint64_t* const splitters = prefixes_.data();
    for (std::size_t left = prefixes_.size(); left != 0;) {
      const std::size_t half = (left + 1) / 2;
      for (std::size_t i = 0; i < kTogether; ++i) {
        above[i] += splitters[above[i] + half - 1] < wanted[i] ? half : 0;
      }
      left -= half;
    }
    for (std::size_t i = 0; i < count; ++i) {
      partitions[i] = past_equal_prefixes(above[i], prefixes[i], keys[i]);
    }
  }

  std::uint32_t operator()(std::string_view key) {
    if (settings_.partitions <= 1) return 0;
    if constexpr (Traits::kPartitioning == abi::Partitioning::kHash) {
      return partition_of(hash(key), settings_.partitions);
    } else if constexpr (Traits::kPartitioning == abi::Partitioning::kRange) {
      return by_range(key);
    } else {
      return custom(key);
    }
  }

 private:
  /// How many splitters are not above the key.
  std::uint32_t by_range(std::string_view key) const {
    const std::uint64_t prefix = prefix_of(key.data(), key.size());
    const auto begin = prefixes_.begin();
    auto above = begin;
    // A search without branches; splitters with the key's prefix are compared as a whole.
    for (std::size_t left = prefixes_.size(); left != 0;) {
      const std::size_t half = (left + 1) / 2;
      above += above[static_cast<std::ptrdiff_t>(half) - 1] < prefix
                   ? static_cast<std::ptrdiff_t>(half)
                   : 0;
      left -= half;
    }
    return past_equal_prefixes(static_cast<std::size_t>(above - begin), prefix, key);
  }

  std::uint32_t past_equal_prefixes(std::size_t above, std::uint64_t prefix,
                                    std::string_view key) const {
    while (above != prefixes_.size() && prefixes_[above] == prefix &&
           std::string_view(settings_.splitters[above]) <= key) {
      ++above;
    }
    return std::min(static_cast<std::uint32_t>(above), settings_.partitions - 1);
  }

  std::uint32_t custom(std::string_view bytes) {
    scratch_.reset();
    if (!decode_key(bytes, key_, scratch_)) {
      throw std::runtime_error(
          "an emitted key does not decode again: encode() and decode() of its "
          "codec disagree");
    }
    const std::uint32_t partition = job_.partition(key_, settings_.partitions);
    if (partition >= settings_.partitions) {
      throw std::out_of_range("the job's partition() returned " + std::to_string(partition) +
                              "; with " + std::to_string(settings_.partitions) +
                              " partitions it must stay below that number");
    }
    return partition;
  }

  Job& job_;
  const abi::TaskSettings& settings_;
  std::vector<std::uint64_t> prefixes_;  // Of the splitters.
  typename Traits::Key key_{};
  Scratch scratch_;
};

}  // namespace fanfold::detail
