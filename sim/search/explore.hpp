// Every way in which a small cluster can meet up to so many faults: each fault that may happen is
// tried at each of its occasions, and after it each that may happen then.
//
// Two runs with the same trace are one: what follows a fault that changed nothing is known already
// from the run without it.

#pragma once

#include <cstdint>
#include <vector>

#include "sim/search/run.hpp"

namespace fanfold::sim {

struct ExploreRequest {
  std::uint64_t faults = 2;  // At most, in one run.
  std::uint64_t threads = 1;
  /// Of a hundred pairs of first faults and what follows, so many are tried: all, or a sample.
  std::uint64_t per_cent = 100;
};

struct BadScenario {
  Scenario scenario;
  Violation violation;
};

struct ExploreReport {
  std::uint64_t runs = 0;
  std::uint64_t traces = 0;  // Different ones.
  std::uint64_t events = 0;
  std::vector<std::uint64_t> runs_by_faults;
  std::vector<BadScenario> bad;
  double wall_seconds = 0;
};

/// 2 maps, 2 reduces, 2 workers.
Scenario small_scope();

ExploreReport explore(const ExploreRequest& request);

}  // namespace fanfold::sim
