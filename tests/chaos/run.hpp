// One chaos run: a cluster, jobs one after the other, faults all the while, and at the end the
// question whether anybody could have noticed.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/chaos/cluster.hpp"
#include "tests/chaos/nemesis.hpp"
#include "tests/chaos/oracle.hpp"

namespace fanfold::chaos {

struct RunOptions {
  ClusterOptions cluster;
  NemesisOptions nemesis;
  std::uint32_t jobs = 2;  // By turns each of the oracle's.
  /// A job that takes longer does not end.
  Duration job_patience = std::chrono::minutes(2);
  /// Everything between workers goes through their data servers.
  bool shuffle_over_network = false;
};

struct RunOutcome {
  std::vector<std::string> violations;  // None: all went well.
  std::map<std::string, std::uint64_t> faults;
  std::uint64_t jobs_succeeded = 0;
  std::uint64_t lost_attempts = 0;
  std::uint64_t failed_attempts = 0;
  std::uint64_t reader_looks = 0;
};

/// Throws std::runtime_error when the run cannot be set up.
RunOutcome run_chaos(const e2e::Workspace& workspace, const Oracle& oracle,
                     const RunOptions& options);

/// "kill_worker=3 ...", for people.
std::string describe(const RunOutcome& outcome);

}  // namespace fanfold::chaos
