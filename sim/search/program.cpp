#include "sim/search/program.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "sim/scale/report.hpp"
#include "sim/search/explore.hpp"
#include "sim/search/options.hpp"
#include "sim/search/run.hpp"
#include "sim/search/seeds.hpp"
#include "sim/search/shrink.hpp"

namespace fanfold::sim {
namespace {

constexpr int kViolated = 1;
constexpr int kUsageError = 2;
constexpr std::size_t kBadPrinted = 10;

int complain(const Status& status) {
  std::fprintf(stderr, "fanfold-sim: %s\n", status.message().c_str());
  return kUsageError;
}

double seconds(Duration time) { return static_cast<double>(time.count()) / 1e9; }

Result<Scenario> read_scenario(const std::string& path) {
  std::ifstream file(path);
  if (!file) return Status(StatusCode::kNotFound, "cannot read the scenario " + path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto scenario = parse_scenario(text);
  if (!scenario.ok()) return std::move(scenario).status().with_context(path);
  return scenario;
}

void print_verdict(const RunResult& result) {
  if (result.violation) {
    std::printf("violated %s at %.6f s: %s\n", result.violation->invariant.c_str(),
                seconds(result.violation->when.since_origin), result.violation->what.c_str());
  } else {
    std::printf("nothing violated\n");
  }
}

int run_shrunk(const Options& options, const Scenario& scenario) {
  auto shrunk = shrink(scenario);
  if (!shrunk.ok()) return complain(shrunk.status());
  const std::string text = "# " + shrunk->violation.invariant + ": " + shrunk->violation.what +
                           "\n" + to_text(shrunk->scenario);
  std::fprintf(stderr, "%zu faults are left after %" PRIu64 " runs\n",
               shrunk->scenario.faults->size(), shrunk->runs);
  if (options.write.empty()) {
    std::fputs(text.c_str(), stdout);
  } else if (!(std::ofstream(options.write) << text)) {
    return complain({StatusCode::kIoError, "cannot write " + options.write});
  }
  return kViolated;
}

int run_one(const Options& options, const Scenario& scenario) {
  if (options.shrink) return run_shrunk(options, scenario);
  const RunResult result = run_scenario(scenario, {.trace_to = options.trace ? stdout : nullptr});
  Scenario repeat = scenario;
  if (result.violation && !repeat.faults) {
    repeat.faults = std::set<Fault>(result.faults.begin(), result.faults.end());
  }
  std::printf("%s", to_text(repeat).c_str());
  std::printf("# trace %016" PRIx64 ", %" PRIu64
              " events, %.3f s simulated, %zu faults, jobs: %u "
              "succeeded, %u failed, %u cancelled, %u refused\n# ",
              result.trace_hash, result.events, seconds(result.simulated), result.faults.size(),
              result.succeeded, result.failed, result.cancelled, result.refused);
  print_verdict(result);
  return result.violation ? kViolated : 0;
}

int run_many(const Options& options) {
  const SeedsReport report =
      run_seeds({options.seed, options.seeds, options.threads, options.twice_per_cent});
  for (const BadSeed& bad : report.bad) {
    std::printf("seed %" PRIu64 " violated %s: %s\n", bad.seed, bad.violation.invariant.c_str(),
                bad.violation.what.c_str());
  }
  std::printf("%" PRIu64 " seeds, %zu bad, %" PRIu64 " run twice, %" PRIu64 " events, %" PRIu64
              " faults, %.1f hours simulated in %.1f s: %.0f seeds and %.0f events a second\n",
              report.seeds, report.bad.size(), report.twice, report.events, report.faults,
              seconds(report.simulated) / 3600, report.wall_seconds,
              static_cast<double>(report.seeds) / report.wall_seconds,
              static_cast<double>(report.events) / report.wall_seconds);
  std::printf("jobs: %" PRIu64 " succeeded, %" PRIu64 " partial, %" PRIu64 " failed, %" PRIu64
              " cancelled, %" PRIu64 " refused; %" PRIu64
              " found out as not deterministic, %" PRIu64 " as miscounted\n",
              report.succeeded, report.partial, report.failed, report.cancelled, report.refused,
              report.found_nondeterministic, report.found_miscounted);
  return report.bad.empty() ? 0 : kViolated;
}

int run_exploration(const Options& options) {
  const ExploreReport report =
      explore({.faults = options.explore, .threads = options.threads, .per_cent = options.sample});
  for (std::size_t i = 0; i < std::min(report.bad.size(), kBadPrinted); ++i) {
    const BadScenario& bad = report.bad[i];
    std::printf("# %s: %s\n%s\n", bad.violation.invariant.c_str(), bad.violation.what.c_str(),
                to_text(bad.scenario).c_str());
  }
  for (std::size_t i = 0; i < report.runs_by_faults.size(); ++i) {
    std::printf("%" PRIu64 " runs with %zu faults\n", report.runs_by_faults[i], i);
  }
  std::printf("%" PRIu64 " runs, %" PRIu64 " different ones, %zu bad, %" PRIu64
              " events in %.1f s: %.0f runs a second\n",
              report.runs, report.traces, report.bad.size(), report.events, report.wall_seconds,
              static_cast<double>(report.runs) / report.wall_seconds);
  return report.bad.empty() ? 0 : kViolated;
}

}  // namespace

int run_program(int argc, char** argv) {
  const auto options = parse_options(std::vector<std::string>(argv + 1, argv + argc));
  if (!options.ok()) return complain(options.status());
  if (options->mode == Options::Mode::kHelp) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  if (options->mode == Options::Mode::kExplore) return run_exploration(*options);
  if (options->mode == Options::Mode::kScale) return report_scale() ? 0 : kViolated;
  if (options->mode == Options::Mode::kKills) return report_kills(options->kills) ? 0 : kViolated;
  Scenario scenario;
  if (options->mode == Options::Mode::kScenario) {
    auto read = read_scenario(options->scenario);
    if (!read.ok()) return complain(read.status());
    scenario = *std::move(read);
  } else if (options->seeds > 1) {
    return run_many(*options);
  } else {
    scenario.config = config_of(options->seed);
  }
  return run_one(*options, scenario);
}

}  // namespace fanfold::sim
