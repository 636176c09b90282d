// From a run that violates something to the smallest scenario that violates the same.

#pragma once

#include <cstdint>

#include "common/core/status.hpp"
#include "sim/cluster/config.hpp"
#include "sim/search/run.hpp"

namespace fanfold::sim {

struct Shrunk {
  Scenario scenario;
  Violation violation;
  std::uint64_t runs = 0;
};

/// kInvalidArgument: `scenario` violates nothing.
Result<Shrunk> shrink(const Scenario& scenario);

}  // namespace fanfold::sim
