#include "sim/search/shrink.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace fanfold::sim {
namespace {

/// Bounds the search; a run takes milliseconds.
constexpr std::uint64_t kRunsMax = 4000;

class Search {
 public:
  Search(Scenario scenario, Violation violation)
      : best_(std::move(scenario)), violation_(std::move(violation)) {}

  void drop_faults() {
    std::vector<Fault> faults(best_.faults->begin(), best_.faults->end());
    // ddmin: leave out ever smaller parts, as long as what is left still violates the same.
    for (std::size_t part = std::max<std::size_t>(faults.size() / 2, 1); !faults.empty();) {
      bool dropped = false;
      for (std::size_t at = 0; at < faults.size();) {
        std::vector<Fault> fewer = faults;
        const std::size_t end = std::min(at + part, faults.size());
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at),
                    fewer.begin() + static_cast<std::ptrdiff_t>(end));
        Scenario candidate = best_;
        candidate.faults = std::set<Fault>(fewer.begin(), fewer.end());
        if (still_violates(candidate)) {
          faults = std::move(fewer);
          dropped = true;
        } else {
          at = end;
        }
      }
      if (part == 1 && !dropped) break;
      if (part > 1) part = (part + 1) / 2;
    }
  }

  void lower_settings() {
    // The order matters little: each setting is lowered while that still violates the same.
    for (const char* name :
         {"jobs", "workers", "splits", "records", "partitions", "slots", "chaos_ms", "task_ms_max",
          "task_ms_min", "delay_us_max", "delay_us_min", "drift", "poison", "bad_per_million",
          "bad_records_max", "item_failures", "speculate"}) {
      const std::uint64_t floor =
          std::string_view("jobs workers partitions slots task_ms_max task_ms_min chaos_ms")
                      .find(name) != std::string_view::npos
              ? 1
              : 0;
      lower(name, floor);
    }
  }

  std::uint64_t runs() const { return runs_; }
  Shrunk take() { return {std::move(best_), std::move(violation_), runs_}; }
  std::size_t faults() const { return best_.faults->size(); }

 private:
  void lower(const char* name, std::uint64_t floor) {
    const std::uint64_t value = *setting(best_.config, name);
    for (const std::uint64_t lower : {floor, floor + 1, value / 4, value / 2, value - 1}) {
      if (lower >= value || lower < floor) continue;
      Scenario candidate = best_;
      *setting(candidate.config, name) = lower;
      if (candidate.config.delay_us_max < candidate.config.delay_us_min ||
          candidate.config.task_ms_max < candidate.config.task_ms_min) {
        continue;
      }
      if (still_violates(candidate)) return;
    }
  }

  bool still_violates(const Scenario& candidate) {
    if (runs_ >= kRunsMax) return false;
    ++runs_;
    RunResult result = run_scenario(candidate);
    if (!result.violation || result.violation->invariant != violation_.invariant) return false;
    best_ = candidate;
    violation_ = *std::move(result.violation);
    return true;
  }

  Scenario best_;
  Violation violation_;
  std::uint64_t runs_ = 0;
};

}  // namespace

Result<Shrunk> shrink(const Scenario& scenario) {
  const RunResult first = run_scenario(scenario);
  if (!first.violation) {
    return Status(StatusCode::kInvalidArgument,
                  "nothing is violated, so there is nothing to shrink");
  }
  Scenario scripted = scenario;
  scripted.faults = std::set<Fault>(first.faults.begin(), first.faults.end());
  Search search(scripted, *first.violation);
  std::size_t before = 0;
  do {
    before = search.faults();
    search.drop_faults();
    search.lower_settings();
  } while (search.faults() < before);
  return search.take();
}

}  // namespace fanfold::sim
