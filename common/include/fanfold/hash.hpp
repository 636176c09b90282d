// The hash that decides which partition a key belongs to.  Fixed for ever: XXH3-64 with seed 0
// over the encoded key, so that any two builds, hosts and releases agree on the partition.

#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <string_view>

namespace fanfold {

/// XXH3-64, seed 0.
inline std::uint64_t hash(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

/// Maps a hash to 0 .. partitions - 1: the upper 32 bits of the hash times `partitions`, divided by
/// 2^32.  Every partition gets an equal share of the hash range, in its order.
constexpr std::uint32_t partition_of(std::uint64_t hash, std::uint32_t partitions) {
  return static_cast<std::uint32_t>(((hash >> 32) * partitions) >> 32);
}

}  // namespace fanfold
