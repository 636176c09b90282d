// The jobs of a simulated run, and what their output must be.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/proto/types.hpp"
#include "sim/cluster/config.hpp"
#include "sim/doors/disks.hpp"
#include "sim/doors/scripted_executors.hpp"

namespace fanfold::sim {

/// What one feeder gives to a job that is open: batches of numbers.
struct FeedPlan {
  std::string name;
  std::vector<std::vector<std::uint64_t>> batches;
  bool gives_up = false;  // On the last one, when it is not answered soon.
};

struct JobPlan {
  proto::JobSpec spec;
  std::vector<std::uint64_t> numbers;  // Of its input, ascending; the output holds each once...
  Poison poison;                       // ...but for these.
  Failing failing;                     // Those that maps count as failures.
  /// Which of the numbers lie on each host; empty: all can be read by all workers.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> on_hosts;
  std::vector<FeedPlan> feeders;  // The rest of its input, which comes when it runs.
  Duration submit_after{};
  /// Once it is accepted; for 0: never.
  Duration pause_after{};
  Duration pause_for{};
  /// Once it is accepted: no failure is tolerated any more.
  std::optional<Duration> intolerant_after;
};

std::vector<JobPlan> plan_jobs(const Config& config, const Draws& draws, Faults& faults);
/// The same jobs, as a client of another time named them.
std::vector<JobPlan> as_of_earlier(std::vector<JobPlan> jobs);
/// The name of the host that a worker is on; empty: it has none.
std::string host_of_worker(const Config& config, std::uint32_t worker);

void write_inputs(Disks& disks, const std::vector<JobPlan>& jobs);
ExecutorOptions executor_options(const Config& config, const Draws& draws, std::uint32_t worker,
                                 std::uint64_t life, const std::vector<JobPlan>& jobs);

}  // namespace fanfold::sim
