// When what maps made goes to the hosts that reduce it.  A message, as those of messages.hpp, which
// includes this.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/ids.hpp"

namespace fanfold::proto {

/// Where outputs lie on other hosts: reduces fetch what their host has not got, whatever the mode.
enum class ShuffleMode : std::uint8_t {
  kPull = 0,    // When a reduce is given out.
  kPush = 1,    // As soon as a map has committed, to the home of each partition.
  kHybrid = 2,  // Small segments as in a push, large ones as in a pull.
  kAuto = 3,    // A hybrid where hosts are several and maps run in rounds, else a pull.
};

/// "pull", "push", "hybrid", "auto".
const char* name_of(ShuffleMode mode);

/// Stored bytes of map outputs that came over the network for reduces that committed.
struct FetchedBytes {
  std::uint64_t early = 0;  // Were there when the reduce was given out.
  std::uint64_t late = 0;
};

struct ShuffleStatus {
  ShuffleMode mode = ShuffleMode::kPull;
  FetchedBytes fetched;
};

/// A hint: the worker is the home of these partitions, and these map outputs have committed.  It
/// may bring their segments to its host; what it does not bring is fetched when it is reduced.
struct HomeOutputs {
  static constexpr std::uint16_t kTag = 77;
  static constexpr std::uint32_t kSince = 7;
  static constexpr const char* kFeature = "homes of partitions";
  JobId job;
  std::vector<std::uint32_t> partitions;  // Ascending.
  bool over_network = false;              // Also what lies on the worker's own host.
  std::uint64_t segment_bytes_max = 0;    // Larger ones are left where they are; 0: none are.
  std::string packed;                     // output_list.hpp; a page that stands for itself.
};

}  // namespace fanfold::proto
