#include "master/service/emission_sum.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace fanfold::master {
namespace {

constexpr std::size_t kKeysMax = 1024;
constexpr std::size_t kKeyTextBytes = 256;
/// Of one map, in the store.
constexpr std::size_t kKeysKept = 4;
/// Such a part of what the map emitted, at least.
constexpr std::uint64_t kPartKept = 100;

/// Numbers of workers are believed, not trusted.
void add_to(std::uint64_t* sum, std::uint64_t value) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  *sum = value > kMost - *sum ? kMost : *sum + value;
}

}  // namespace

void trim(proto::Emission* emission) {
  using proto::Emission;
  if (emission->hot_keys.size() > Emission::kKeysTold) {
    emission->hot_keys.resize(Emission::kKeysTold);
  }
  for (proto::HotKey& key : emission->hot_keys) {
    if (key.key.size() > kKeyTextBytes) key.key.resize(kKeyTextBytes);
  }
  if (emission->partition_bytes.size() > Emission::kPartitionsTold) {
    emission->partition_bytes.clear();
  }
}

proto::Emission kept(const proto::Emission& emission) {
  proto::Emission kept;
  kept.bytes = emission.bytes;
  for (const proto::HotKey& key : emission.hot_keys) {
    if (kept.hot_keys.size() == kKeysKept) break;
    if (key.bytes >= emission.bytes / kPartKept) kept.hot_keys.push_back(key);
  }
  return kept;
}

void EmissionSum::add(const proto::Emission& emission, std::uint32_t partitions) {
  add_to(&bytes_, emission.bytes);
  if (emission.partition_bytes.size() != partitions) {
    if (emission.bytes > 0) partitions_known_ = false;
  } else {
    partition_bytes_.resize(partitions);
    for (std::size_t i = 0; i < partitions; ++i) {
      add_to(&partition_bytes_[i], emission.partition_bytes[i]);
    }
  }
  for (const proto::HotKey& key : emission.hot_keys) {
    if (key.partition >= partitions || key.bytes == 0) continue;
    const auto [known, added] = keys_.try_emplace(key.hash, key);
    if (!added) add_to(&known->second.bytes, key.bytes);
  }
  if (keys_.size() > kKeysMax) drop_small_keys();
}

/// As the maps do it: what the median has goes from all.
void EmissionSum::drop_small_keys() {
  std::vector<std::uint64_t> counts;
  counts.reserve(keys_.size());
  for (const auto& [hash, key] : keys_) counts.push_back(key.bytes);
  const auto middle = counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2);
  std::nth_element(counts.begin(), middle, counts.end());
  const std::uint64_t median = *middle;
  std::erase_if(keys_, [median](const auto& one) { return one.second.bytes <= median; });
  for (auto& [hash, key] : keys_) key.bytes -= median;
}

proto::Emission EmissionSum::total() const {
  proto::Emission total;
  total.bytes = bytes_;
  if (partitions_known_) total.partition_bytes = partition_bytes_;
  std::vector<const proto::HotKey*> largest;
  largest.reserve(keys_.size());
  for (const auto& [hash, key] : keys_) largest.push_back(&key);
  const std::size_t told = std::min(largest.size(), proto::Emission::kKeysTold);
  std::partial_sort(largest.begin(), largest.begin() + static_cast<std::ptrdiff_t>(told),
                    largest.end(), [](const proto::HotKey* a, const proto::HotKey* b) {
                      return std::tie(b->bytes, a->hash) < std::tie(a->bytes, b->hash);
                    });
  for (std::size_t i = 0; i < told; ++i) total.hot_keys.push_back(*largest[i]);
  return total;
}

}  // namespace fanfold::master
