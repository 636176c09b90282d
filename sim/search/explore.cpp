#include "sim/search/explore.hpp"

#include <atomic>
#include <chrono>
#include <thread>
#include <unordered_map>
#include <utility>

#include "sim/world/draws.hpp"

namespace fanfold::sim {
namespace {

class Explorer {
 public:
  explicit Explorer(const ExploreRequest& request) : request_(request) {
    report_.runs_by_faults.resize(request.faults + 1);
  }

  /// Runs `scenario`; what may go wrong in it after everything that does.
  std::vector<Fault> run(const Scenario& scenario) {
    RunResult result = run_scenario(scenario, {.list_occasions = true});
    ++report_.runs;
    ++report_.runs_by_faults[scenario.faults->size()];
    report_.events += result.events;
    if (result.violation) report_.bad.push_back({scenario, *std::move(result.violation)});
    // The same course of events as with other faults, not more of them: what may follow is known.
    const auto [known, fresh] = seen_.emplace(result.trace_hash, scenario.faults->size());
    if (!fresh && known->second <= scenario.faults->size()) return {};
    known->second = scenario.faults->size();
    return std::move(result.occasions);
  }

  void go_below(const Scenario& scenario) {
    const std::vector<Fault> occasions = run(scenario);
    if (scenario.faults->size() >= request_.faults) return;
    for (const Fault& fault : occasions) {
      if (left_out(fault)) continue;
      Scenario more = scenario;
      more.faults->insert(fault);
      go_below(more);
    }
  }

  ExploreReport take() {
    report_.traces = seen_.size();
    return std::move(report_);
  }

 private:
  bool left_out(const Fault& fault) const {
    const std::uint64_t bits =
        mix({static_cast<std::uint64_t>(fault.kind), fault.subject, fault.object, fault.occasion});
    return bits % 100 >= request_.per_cent;
  }

  const ExploreRequest request_;
  ExploreReport report_;
  std::unordered_map<std::uint64_t, std::size_t> seen_;  // The fewest faults that lead there.
};

void add(const ExploreReport& part, ExploreReport* whole) {
  whole->runs += part.runs;
  whole->traces += part.traces;
  whole->events += part.events;
  whole->runs_by_faults.resize(part.runs_by_faults.size());
  for (std::size_t i = 0; i < part.runs_by_faults.size(); ++i) {
    whole->runs_by_faults[i] += part.runs_by_faults[i];
  }
  whole->bad.insert(whole->bad.end(), part.bad.begin(), part.bad.end());
}

}  // namespace

Scenario small_scope() {
  Scenario scenario;
  Config& config = scenario.config;
  config.workers = 2;
  config.slots = 1;
  config.splits = 2;
  config.records = 2;
  config.partitions = 2;
  config.task_ms_min = 5;
  config.task_ms_max = 5;
  config.delay_us_min = 500;
  config.delay_us_max = 500;
  config.heartbeat_ms = 400;
  config.silence_ms = 1200;
  config.stall_ms = 1000;
  config.drift = 0;
  // Twice as long as the job takes when nothing happens.
  config.chaos_ms = 150;
  // So that what happens to processes happens at every moment that makes a difference.
  config.submit_ms = 1;
  config.tick_ms = 5;
  // Longer than the longest pause.
  config.rest_ms = 22000;
  scenario.faults.emplace();
  return scenario;
}

ExploreReport explore(const ExploreRequest& request) {
  const auto begun = std::chrono::steady_clock::now();
  Explorer top(request);
  const std::vector<Fault> first = top.run(small_scope());
  ExploreReport whole = top.take();
  std::vector<ExploreReport> parts(request.threads);
  std::atomic<std::size_t> next{0};
  if (request.faults > 0) {
    std::vector<std::jthread> threads;
    for (ExploreReport& part : parts) {
      threads.emplace_back([&] {
        // What another thread has seen is run once more: pruning never leaves out too much.
        Explorer explorer(request);
        for (std::size_t i = next++; i < first.size(); i = next++) {
          Scenario scenario = small_scope();
          scenario.faults->insert(first[i]);
          explorer.go_below(scenario);
        }
        part = explorer.take();
      });
    }
  }
  for (const ExploreReport& part : parts) {
    if (part.runs > 0) add(part, &whole);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  whole.wall_seconds = took.count();
  return whole;
}

}  // namespace fanfold::sim
