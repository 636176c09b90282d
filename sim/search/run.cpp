#include "sim/search/run.hpp"

#include <exception>

#include "sim/check/checkers.hpp"
#include "sim/cluster/cluster.hpp"
#include "sim/world/check_failed.hpp"
#include "sim/world/inner_faults.hpp"

namespace fanfold::sim {

RunResult run_scenario(const Scenario& scenario, const RunOptions& options) {
  World world(scenario.config.seed, rates_of(scenario.config.seed), scenario.faults,
              options.trace_to);
  if (options.list_occasions) world.faults.list_occasions();
  Checkers checkers(world);
  world.witness = &checkers;
  RunResult result;
  {
    InnerFaults inner(world.faults);
    const WithFaultPoints struck(inner);
    Cluster cluster(world, scenario.config);
    checkers.watch(cluster);
    try {
      const ThrowingChecks throwing;
      checkers.end(cluster.run([&checkers] { return checkers.step(); }));
    } catch (const std::exception& failed) {
      checkers.broke_off(failed.what());
    }
    for (const auto& client : cluster.clients()) {
      if (client->refusal()) ++result.refused;
      if (!client->end()) continue;
      const proto::JobState state = client->end()->state;
      if (state == proto::JobState::kSucceeded) ++result.succeeded;
      if (state == proto::JobState::kPartial) ++result.partial;
      if (state == proto::JobState::kFailed) ++result.failed;
      if (state == proto::JobState::kCancelled) ++result.cancelled;
      if (client->end()->reason.starts_with("NON_DETERMINISTIC")) ++result.found_nondeterministic;
      if (client->end()->reason.starts_with("CONSERVATION")) ++result.found_miscounted;
    }
    result.violation = checkers.violation();
    result.frames = cluster.network().frames();
    result.facts = cluster.log().facts().size();
    result.trace_hash = world.trace.digest();
    result.events = world.timeline.happened();
    result.simulated = world.now().since_origin;
    result.faults = world.faults.tape();
    result.occasions = world.faults.occasions();
  }
  return result;
}

}  // namespace fanfold::sim
