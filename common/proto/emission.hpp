// What maps emit and which keys have most of it, as attempts report it and statuses tell it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fanfold::proto {

/// A key that much of what maps emit belongs to.
struct HotKey {
  std::string key;         // As text, cut.
  std::uint64_t hash = 0;  // Of the whole encoded key: texts may be equal that are cut.
  std::uint32_t partition = 0;
  std::uint64_t bytes = 0;  // At least so many; worked out from samples.
};

/// What maps emit, before any combining, in bytes of encoded pairs: worked out from samples.
struct Emission {
  std::uint64_t bytes = 0;
  std::vector<std::uint64_t> partition_bytes;  // Empty when there are more than kPartitionsTold.
  std::vector<HotKey> hot_keys;                // The largest first.
  static constexpr std::size_t kPartitionsTold = 64;
  static constexpr std::size_t kKeysTold = 16;
};

}  // namespace fanfold::proto
