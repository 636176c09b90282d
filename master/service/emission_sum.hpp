// What the maps of a job have emitted, as their reports say: all together, and the keys that had
// most of it.  Bounded, however many maps and keys there are.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "common/proto/types.hpp"

namespace fanfold::master {

/// What a worker says is cut to what an executor may say.
void trim(proto::Emission* emission);

class EmissionSum {
 public:
  /// Of a map that has committed.  Once for each: what runs again emits the same again.
  void add(const proto::Emission& emission, std::uint32_t partitions);
  /// The largest keys first, at most Emission::kKeysTold.
  proto::Emission total() const;

 private:
  void drop_small_keys();

  std::uint64_t bytes_ = 0;
  std::vector<std::uint64_t> partition_bytes_;
  std::map<std::uint64_t, proto::HotKey> keys_;  // By hash.
};

}  // namespace fanfold::master
