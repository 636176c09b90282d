// What passes from maps to reduces, as a number that adds up: the flows of all maps of a job are
// the flows of all its reduces, or pairs were lost, doubled, changed, or went to the wrong
// partition.

#pragma once

#include <bit>
#include <cstdint>

#include "fanfold/abi.hpp"

namespace fanfold::proto {

/// Adds another flow: order does not matter.
inline void add_flow(abi::BlockSummary* total, const abi::BlockSummary& other) {
  total->records += other.records;
  total->sum += other.sum;
  total->exclusive_or ^= other.exclusive_or;
}

/// What a partition was given, as a flow.  Its number is mixed in so that a pair counts for nothing
/// in another partition; both mixings keep sums of sums and exclusive ors as they are.
inline abi::BlockSummary flow_of(std::uint32_t partition, const abi::BlockSummary& pairs) {
  return {pairs.records, pairs.sum * (2 * std::uint64_t{partition} + 1),
          std::rotl(pairs.exclusive_or, static_cast<int>(partition % 64))};
}

inline bool same_flow(const abi::BlockSummary& a, const abi::BlockSummary& b) {
  return a.records == b.records && a.sum == b.sum && a.exclusive_or == b.exclusive_or;
}

}  // namespace fanfold::proto
