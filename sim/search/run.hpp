// One run of a scenario from its beginning to its verdict.

#pragma once

#include <cstdint>
#include <cstdio>
#include <optional>
#include <vector>

#include "sim/check/checker.hpp"
#include "sim/cluster/config.hpp"

namespace fanfold::sim {

struct RunResult {
  std::optional<Violation> violation;
  std::uint64_t trace_hash = 0;
  std::uint64_t events = 0;
  std::uint64_t frames = 0;
  std::uint64_t facts = 0;
  Duration simulated{};
  std::vector<Fault> faults;     // That happened.
  std::vector<Fault> occasions;  // Listed on demand: of faults that could still have.
  std::uint32_t succeeded = 0;
  std::uint32_t partial = 0;
  std::uint32_t failed = 0;
  std::uint32_t cancelled = 0;
  std::uint32_t refused = 0;
  std::uint32_t found_nondeterministic = 0;  // Of those that failed.
  std::uint32_t found_miscounted = 0;        // By CONSERVATION.
};

struct RunOptions {
  std::FILE* trace_to = nullptr;  // Null: nowhere.
  bool list_occasions = false;
};

/// The same scenario gives the same result, always.
RunResult run_scenario(const Scenario& scenario, const RunOptions& options = {});

}  // namespace fanfold::sim
