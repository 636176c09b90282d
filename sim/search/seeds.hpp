// Many seeds, on several threads: each run is one thread's own.

#pragma once

#include <cstdint>
#include <vector>

#include "sim/search/run.hpp"

namespace fanfold::sim {

struct SeedsRequest {
  std::uint64_t first = 1;
  std::uint64_t count = 1;
  std::uint64_t threads = 1;
  std::uint64_t twice_per_cent = 5;
};

struct BadSeed {
  std::uint64_t seed = 0;
  Violation violation;
};

struct SeedsReport {
  std::vector<BadSeed> bad;  // By seed.
  std::uint64_t seeds = 0;
  std::uint64_t twice = 0;
  std::uint64_t events = 0;
  std::uint64_t faults = 0;
  std::uint64_t succeeded = 0;
  std::uint64_t partial = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t refused = 0;
  std::uint64_t found_nondeterministic = 0;
  std::uint64_t found_miscounted = 0;
  Duration simulated{};
  double wall_seconds = 0;
};

/// A seed whose two runs differ violates I23.
SeedsReport run_seeds(const SeedsRequest& request);

}  // namespace fanfold::sim
