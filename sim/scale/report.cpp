#include "sim/scale/report.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>
#include <vector>

#include "sim/scale/fleet.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

/// What a task of the largest job may cost more than one of the smallest.
constexpr double kSteepest = 1.3;
constexpr std::uint64_t kPendingBytesMost = std::uint64_t{1} << 30;
/// What the loss of 200 workers may cost, on average over the moments.
constexpr double kSlowestPerCent = 5.0;

double seconds(Duration time) { return static_cast<double>(time.count()) / 1e9; }

std::uint64_t resident_most() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) << 10;
}

FleetOptions of_paper(std::uint64_t seed) {
  FleetOptions options;
  options.seed = seed;
  options.workers = 1746;
  options.maps = 15'000;
  options.reduces = 4'000;
  options.map_time = 21s;
  options.shuffle_time = 110s;
  options.reduce_time = 150s;
  return options;
}

struct Spread {
  double mean = 0;
  double least = 0;
  double most = 0;
};

Spread spread_of(const std::vector<double>& values) {
  Spread spread{0, values.front(), values.front()};
  for (const double value : values) {
    spread.mean += value / static_cast<double>(values.size());
    spread.least = std::min(spread.least, value);
    spread.most = std::max(spread.most, value);
  }
  return spread;
}

}  // namespace

bool report_scale() {
  FleetOptions options;
  options.maps = 10'000'000;
  options.workers = 1;
  {
    Fleet fleet(options);
    const std::uint64_t bytes = fleet.submit();
    std::printf(
        "10000000 tasks that wait: %.0f MiB of heap, %.1f bytes a task; the whole process "
        "took at most %.0f MiB\n\n",
        static_cast<double>(bytes) / (1 << 20), static_cast<double>(bytes) / 1e7,
        static_cast<double>(resident_most()) / (1 << 20));
    if (resident_most() > kPendingBytesMost) return false;
  }
  std::puts(
      "| tasks | events | events a second | us of CPU a task | bytes a task that waits | "
      "bytes a task, most |");
  std::puts("|---|---|---|---|---|---|");
  options = FleetOptions{};
  options.spread_per_cent = 10;
  double first = 0;
  double last = 0;
  for (const std::uint32_t tasks : {10'000u, 100'000u, 1'000'000u}) {
    options.maps = tasks;
    const FleetResult result = Fleet(options).run();
    if (!result.succeeded) return false;
    last = result.cpu_seconds * 1e6 / tasks;
    if (first == 0) first = last;
    std::printf("| %u | %" PRIu64 " | %.0f | %.1f | %.0f | %.0f |\n", tasks, result.events,
                static_cast<double>(result.events) / result.cpu_seconds, last,
                static_cast<double>(result.bytes_pending) / tasks,
                static_cast<double>(result.bytes_most) / tasks);
    std::fflush(stdout);
  }
  std::printf("\na task of the largest job costs %.2f of one of the smallest\n", last / first);
  return last <= kSteepest * first;
}

bool report_kills(std::uint64_t seeds) {
  const auto mean_of = [seeds](std::uint32_t kill, Duration at, std::uint64_t* lost) {
    std::vector<double> times;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
      FleetOptions options = of_paper(seed);
      options.kill = kill;
      options.kill_at = at;
      const FleetResult result = Fleet(options).run();
      // A job that fails took for ever.
      times.push_back(result.succeeded ? seconds(result.took) : 1e9);
      *lost += result.lost / seeds;
    }
    return spread_of(times);
  };
  std::uint64_t lost = 0;
  const Spread calm = mean_of(0, {}, &lost);
  std::printf("nobody dies: %.0f s (%.0f to %.0f), %" PRIu64 " seeds\n\n", calm.mean, calm.least,
              calm.most, seeds);
  std::puts("| 200 of 1746 die at | the job takes | more | attempts lost |");
  std::puts("|---|---|---|---|");
  double sum = 0;
  const std::vector<Duration> moments = {100s, 180s, 300s, 500s, 700s};
  for (const Duration at : moments) {
    lost = 0;
    const Spread took = mean_of(200, at, &lost);
    const double more = 100 * (took.mean / calm.mean - 1);
    sum += more;
    std::printf("| %.0f s | %.0f s (%.0f to %.0f) | %+.1f %% | %" PRIu64 " |\n", seconds(at),
                took.mean, took.least, took.most, more, lost);
    std::fflush(stdout);
  }
  const double average = sum / static_cast<double>(moments.size());
  std::printf("\non average %+.1f %%\n", average);
  return average <= kSlowestPerCent;
}

}  // namespace fanfold::sim
