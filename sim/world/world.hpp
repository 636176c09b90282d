// What every simulated thing shares: time, chance, faults, the trace, and who looks on.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/world/draws.hpp"
#include "sim/world/faults.hpp"
#include "sim/world/timeline.hpp"
#include "sim/world/trace.hpp"

namespace fanfold::sim {

class Witness;

struct World {
  World(std::uint64_t seed, const FaultRates& rates, std::optional<std::set<Fault>> script,
        std::FILE* trace_to)
      : draws(seed), faults(draws, rates, std::move(script)), trace(trace_to) {}

  Instant now() const { return timeline.now(); }

  Timeline timeline;
  const Draws draws;
  Faults faults;
  Trace trace;
  Witness* witness = nullptr;  // Set before anything happens.
};

}  // namespace fanfold::sim
