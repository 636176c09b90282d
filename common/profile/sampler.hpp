// Where this process spends its processor time: the stack of whichever thread runs, some hundred
// times a second.  One at a time in a process.
//
// Equal stacks are counted together as they come, so that what is kept does not grow with time.

#pragma once

#include <cstdint>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"

namespace fanfold {

struct Sample {
  Stage stage = Stage::kMap;
  std::vector<std::uint64_t> counters;  // Program counters, innermost first.
  std::uint64_t count = 1;              // How often it was seen.
};

class Sampler {
 public:
  /// From now on samples are taken.  kUnavailable: this host does not allow it, or somebody else
  /// handles SIGPROF here.  Nothing happens when it has started already.
  static Status start();
  /// What comes from now on belongs to this stage; before the first one nothing is kept.
  static void enter(Stage stage);
  /// Until the next one nothing is kept; the clock goes on, so that what is shorter than a tick is
  /// seen now and then.
  static void leave();
  /// SIGPROF does what it did before.
  static void stop();

  /// All since the last time.  Also while samples are taken: what comes meanwhile is left out.
  static std::vector<Sample> take();
  /// Samples since the last time for which there was no room.
  static std::uint64_t take_left_out();
};

}  // namespace fanfold
