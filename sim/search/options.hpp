// The command line of fanfold-sim.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold::sim {

struct Options {
  enum class Mode : std::uint8_t { kSeeds, kScenario, kExplore, kScale, kKills, kHelp };
  Mode mode = Mode::kSeeds;
  std::uint64_t seed = 1;
  std::uint64_t seeds = 1;
  std::string scenario;  // A file.
  bool shrink = false;
  std::string write;  // Where a shrunk scenario goes; empty: standard output.
  bool trace = false;
  std::uint64_t threads = 2;
  std::uint64_t explore = 2;   // Faults, at most.
  std::uint64_t sample = 100;  // Per cent of what there is to explore.
  std::uint64_t kills = 10;    // Runs of each kind.
  /// Of a hundred seeds so many run twice, to see whether both runs are the same.
  std::uint64_t twice_per_cent = 5;
};

Result<Options> parse_options(const std::vector<std::string>& arguments);
extern const char* const kUsage;

}  // namespace fanfold::sim
