// Decides which partition an encoded key belongs to: by hash, by sampled splitters, or by the job.

#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include "fanfold/abi.hpp"
#include "fanfold/detail/job_traits.hpp"
#include "fanfold/hash.hpp"

namespace fanfold::detail {

template <class Job>
class Partitioner {
 public:
  using Traits = JobTraits<Job>;

  Partitioner(Job& job, const abi::TaskSettings& settings) : job_(job), settings_(settings) {}

  std::uint32_t operator()(std::string_view key) {
    if (settings_.partitions <= 1) return 0;
    if constexpr (Traits::kPartitioning == abi::Partitioning::kHash) {
      return partition_of(hash(key), settings_.partitions);
    } else if constexpr (Traits::kPartitioning == abi::Partitioning::kRange) {
      const auto& splitters = settings_.splitters;
      const auto above = std::upper_bound(
          splitters.begin(), splitters.end(), key,
          [](std::string_view a, const std::string& b) { return a < std::string_view(b); });
      const auto partition = static_cast<std::uint32_t>(above - splitters.begin());
      return std::min(partition, settings_.partitions - 1);
    } else {
      return custom(key);
    }
  }

 private:
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
  typename Traits::Key key_{};
  Scratch scratch_;
};

}  // namespace fanfold::detail
