#include "sim/search/seeds.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "sim/world/draws.hpp"

namespace fanfold::sim {
namespace {

void run_seed(const SeedsRequest& request, std::uint64_t seed, SeedsReport* report) {
  Scenario scenario;
  scenario.config = config_of(seed);
  RunResult result = run_scenario(scenario);
  ++report->seeds;
  report->events += result.events;
  report->faults += result.faults.size();
  report->succeeded += result.succeeded;
  report->partial += result.partial;
  report->failed += result.failed;
  report->cancelled += result.cancelled;
  report->refused += result.refused;
  report->found_nondeterministic += result.found_nondeterministic;
  report->found_miscounted += result.found_miscounted;
  report->simulated += result.simulated;
  if (scramble(seed) % 100 < request.twice_per_cent) {
    ++report->twice;
    const RunResult again = run_scenario(scenario);
    if (again.trace_hash != result.trace_hash || again.events != result.events) {
      result.violation = Violation{"I23", "two runs of the same seed differ", {}};
    }
  }
  if (result.violation) report->bad.push_back({seed, *result.violation});
}

}  // namespace

SeedsReport run_seeds(const SeedsRequest& request) {
  const auto begun = std::chrono::steady_clock::now();
  std::atomic<std::uint64_t> next{request.first};
  std::vector<SeedsReport> parts(request.threads);
  {
    std::vector<std::jthread> threads;
    for (SeedsReport& part : parts) {
      threads.emplace_back([&] {
        while (true) {
          const std::uint64_t seed = next.fetch_add(1);
          if (seed >= request.first + request.count) return;
          run_seed(request, seed, &part);
        }
      });
    }
  }
  SeedsReport whole;
  for (SeedsReport& part : parts) {
    whole.bad.insert(whole.bad.end(), part.bad.begin(), part.bad.end());
    whole.seeds += part.seeds;
    whole.twice += part.twice;
    whole.events += part.events;
    whole.faults += part.faults;
    whole.succeeded += part.succeeded;
    whole.partial += part.partial;
    whole.failed += part.failed;
    whole.cancelled += part.cancelled;
    whole.refused += part.refused;
    whole.found_nondeterministic += part.found_nondeterministic;
    whole.found_miscounted += part.found_miscounted;
    whole.simulated += part.simulated;
  }
  std::sort(whole.bad.begin(), whole.bad.end(),
            [](const BadSeed& a, const BadSeed& b) { return a.seed < b.seed; });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  whole.wall_seconds = took.count();
  return whole;
}

}  // namespace fanfold::sim
