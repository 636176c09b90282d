// Where this process spends its processor time: the stack of whichever thread runs, some hundred
// times a second.  One at a time in a process.

#pragma once

#include <cstdint>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

struct Sample {
  Stage stage = Stage::kMap;
  std::vector<std::uint64_t> counters;  // Program counters, innermost first.
};

class Sampler {
 public:
  /// From now on samples are taken.  kUnavailable: this host does not allow it.
  static Status start();
  /// What comes from now on belongs to this stage.
  static void enter(Stage stage);
  static void stop();

  /// After stop().
  static std::vector<Sample> samples();
  /// Samples for which there was no room.
  static std::uint64_t dropped();
};

}  // namespace fanfold::cli
