#include "tests/chaos/holdings.hpp"

#include <chrono>
#include <cstdio>

namespace fanfold::chaos {
namespace {

using namespace std::chrono_literals;

constexpr double kMiB = 1 << 20;
/// An allocator keeps pages or gives them back as it likes.
constexpr Allowance kMemory = {.share = 0.03, .absolute = 1.5 * kMiB};
/// A connection that has just been closed by the other side, and the four of the ZeroMQ context
/// that begins with the first fetch.
constexpr Allowance kFewDescriptors = {.share = 0, .absolute = 6};
/// Of a job that has ended the master keeps what it answers `status`, `why` and `logs` with, up to
/// limits::kJobsRemembered and kLogBytesKept.  Beyond this it is a leak.
constexpr double kHistoryOfAJob = 0.15 * kMiB;
constexpr Allowance kExact = {.share = 0, .absolute = 0.5};
/// Workers are told to forget a job after it ended.
constexpr Duration kForgetPatience = 5s;

}  // namespace

void HoldingsOverTime::add(const std::string& name, const Allowance& allowance, double value,
                           double unit) {
  Series& series = series_[name];
  series.allowance = allowance;
  series.unit = unit;
  series.samples.push_back({seconds_, value});
}

void HoldingsOverTime::add_process(const std::string& name, int pid) {
  const Holdings held = holdings_of(pid);
  add(name + " memory, MiB", kMemory, held.resident_bytes, kMiB);
  add_counts(name, held);
}

void HoldingsOverTime::add_counts(const std::string& name, const Holdings& held) {
  add(name + " descriptors", kFewDescriptors, held.descriptors);
  add(name + " threads", kExact, held.threads);
}

void HoldingsOverTime::sample(ChaosCluster& cluster, std::size_t spared) {
  const Instant deadline = steady_clock().now() + kForgetPatience;
  // Each living worker has one socket there, unless it listens on TCP.
  const std::size_t sockets = cluster.tcp() ? 0 : cluster.worker_count();
  while (files_below(cluster.scratch()) > sockets && steady_clock().now() < deadline) {
    cluster.client().rest(steady_clock().now() + 50ms);
  }
  const double now = std::chrono::duration<double>(steady_clock().now().since_origin).count();
  if (begin_ < 0) begin_ = now;
  seconds_ = now - begin_;
  const Holdings master = holdings_of(cluster.master().pid());
  add("master memory but history, MiB", kMemory,
      master.resident_bytes - kHistoryOfAJob * static_cast<double>(looks_++), kMiB);
  add_counts("master", master);
  for (std::size_t number = 0; number < spared; ++number) {
    const std::string name = "worker-" + std::to_string(number);
    add_process(name, cluster.worker(number).pid());
    add(name + " processes", kFewDescriptors,
        static_cast<double>(e2e::descendants_of(cluster.worker(number).pid()).size()));
  }
  add("scratch files", kExact, static_cast<double>(files_below(cluster.scratch())));
}

std::string HoldingsOverTime::table() const {
  std::string text = "what                          looks      first       last   per hour\n";
  for (const auto& [name, series] : series_) {
    char line[160];
    std::snprintf(line, sizeof line, "%-28s %6zu %10.1f %10.1f %+10.2f\n", name.c_str(),
                  series.samples.size(), series.samples.front().value / series.unit,
                  series.samples.back().value / series.unit,
                  slope_per_hour(series.samples) / series.unit);
    text += line;
  }
  return text;
}

std::vector<std::string> HoldingsOverTime::grown() const {
  std::vector<std::string> grown;
  for (const auto& [name, series] : series_) {
    if (!is_flat(series.samples, series.allowance)) grown.push_back(name + " grew");
  }
  return grown;
}

}  // namespace fanfold::chaos
