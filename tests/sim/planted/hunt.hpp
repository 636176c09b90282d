// Looks for one planted bug with the simulator, as somebody would who does not know of it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/core/planted.hpp"
#include "sim/search/run.hpp"

namespace fanfold::sim {

/// From now on this process has this bug, in all threads.  Call while nothing runs.
void plant(Bug bug);

/// "accept_stale_fence"
std::string name_of(Bug bug);

struct Found {
  std::uint64_t seeds = 0;  // Tried until it was found.
  std::uint64_t seed = 0;
  Violation violation;
};

/// Tries the seeds from `first` on, at most so many.
std::optional<Found> hunt(std::uint64_t first, std::uint64_t most);

}  // namespace fanfold::sim
