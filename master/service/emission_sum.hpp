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

/// What the store keeps of it with the commit of a map, of which there are very many: the sum and
/// its few weighty keys.  A master that starts again knows no bytes by partition of such a job.
proto::Emission kept(const proto::Emission& emission);

class EmissionSum {
 public:
  /// Of a map that has committed.  Once for each: what runs again emits the same again.
  void add(const proto::Emission& emission, std::uint32_t partitions);
  /// The largest keys first, at most Emission::kKeysTold.  No bytes by partition unless every map
  /// told them: shares of a part would be shares of nothing.
  proto::Emission total() const;

 private:
  void drop_small_keys();

  std::uint64_t bytes_ = 0;
  std::vector<std::uint64_t> partition_bytes_;
  bool partitions_known_ = true;                 // By every map that told of bytes.
  std::map<std::uint64_t, proto::HotKey> keys_;  // By hash.
};

}  // namespace fanfold::master
