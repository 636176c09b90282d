// What one simulated run is made of: the cluster, its jobs, and how often what goes wrong.  All of
// it follows from the seed; a scenario may say otherwise.

#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "common/proto/job_control.hpp"
#include "sim/world/faults.hpp"

namespace fanfold::sim {

struct Config {
  std::uint64_t seed = 1;
  std::uint64_t workers = 3;
  std::uint64_t slots = 2;
  std::uint64_t shared_host = 0;  // 1: all workers on one host, outputs are opened directly.
  std::uint64_t jobs = 1;
  std::uint64_t splits = 4;  // Of each job, as are the following.
  std::uint64_t records = 10;
  std::uint64_t partitions = 2;
  std::uint64_t attempts = 4;
  std::uint64_t speculate = 1;
  std::uint64_t poison = 0;               // Records that kill who reads them.
  std::uint64_t nondeterministic = 0;     // 1: the mapper is broken.
  std::uint64_t verify_per_cent = 0;      // Of the maps, run twice and compared.
  std::uint64_t completion = 0;           // proto::CompletionRule of each job.
  std::uint64_t completion_percent = 50;  // Of min-successful.
  std::uint64_t deadline_ms = 0;
  std::uint64_t deadline_partial = 0;  // 1: goes on with what there is.
  std::uint64_t retry = 0;             // 1: by retriers instead of attempts.
  std::uint64_t on_bad_record = 0;     // proto::OnBadRecord of each job.
  std::uint64_t bad_records_max = 0;
  std::uint64_t bad_per_million = 0;
  std::uint64_t control = 0;        // 1: jobs have limits and priorities, and are paused.
  std::uint64_t item_failures = 0;  // Of a hundred records: what maps count as failures.
  std::uint64_t item_never = 0;     // 1: one of them is never tolerated.
  std::uint64_t failures_max = proto::kAnyNumber;
  std::uint64_t failures_per_million = proto::kWhole;
  std::uint64_t lower_tolerance = 0;  // 1: to no failure at all, while the job runs.
  std::uint64_t gather = 0;           // abi::Gather of each job.
  std::uint64_t gather_arity = 0;     // Of the tree that does; less than 2: none.
  std::uint64_t replicas = 1;         // Of each task, or as many as there are workers.
  std::uint64_t accept = 0;           // proto::AcceptRule of each job.
  std::uint64_t hedge_per_mille = 0;  // Of the durations of a stage; 0: no hedges.
  /// The worker whose first life gives wrong results; 0: none.  Only where results are compared.
  std::uint64_t corrupt = 0;
  std::uint64_t hot_bytes = 0;  // From which on a partition is hot; 0: none is.
  std::uint64_t hot_usual = 0;  // 1: nobody asks for a size, and maps say that they wrote much.
  std::uint64_t fed = 0;        // Of the splits, those that come while the job runs.
  /// Input lies on so many hosts, and workers are on them in turn; 0: all can read all of it.
  std::uint64_t hosts = 0;
  /// Workers are on so many hosts in turn, and jobs prefer some; 0: nobody says where they are.
  std::uint64_t near = 0;
  std::uint64_t locality_wait_ms = 3000;
  std::uint64_t shuffle = 0;          // proto::ShuffleMode of each job.
  std::uint64_t over_network = 0;     // 1: also where all workers are on one host.
  std::uint64_t absence_ms = 30'000;  // A host may be without workers for so long.
  std::uint64_t task_ms_min = 10;
  std::uint64_t task_ms_max = 500;
  std::uint64_t delay_us_min = 100;
  std::uint64_t delay_us_max = 2000;
  std::uint64_t heartbeat_ms = 500;
  std::uint64_t silence_ms = 4000;
  std::uint64_t stall_ms = 5000;
  std::uint64_t drift = 1;         // Clocks run up to so many per cent fast or slow.
  std::uint64_t submit_ms = 500;   // The first job is submitted within this time.
  std::uint64_t tick_ms = 250;     // How often it is asked whether something happens to a process.
  std::uint64_t rest_ms = 25000;   // After the last job: what is left to be done, and cleaned up.
  std::uint64_t chaos_ms = 20000;  // Faults happen within this time, then none.
  /// Before all of that, the same jobs run for so long under a master whose state is lost then; 0:
  /// there was none.
  std::uint64_t earlier_ms = 0;
};

/// Of a swarm: each seed has some kinds of fault switched off and wild rates for the others.
Config config_of(std::uint64_t seed);
FaultRates rates_of(std::uint64_t seed);

/// What is repeated: settings, and when `faults` is there, exactly these and no others.
struct Scenario {
  Config config;
  std::optional<std::set<Fault>> faults;
};

/// Lines of "name value" and "fault kind subject object occasion"; '#' begins a comment.
Result<Scenario> parse_scenario(std::string_view text);
/// Only settings that differ from what the seed gives are written.
std::string to_text(const Scenario& scenario);

/// Null: there is no such setting.
std::uint64_t* setting(Config& config, std::string_view name);

}  // namespace fanfold::sim
