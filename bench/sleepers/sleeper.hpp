// One worker process whose tasks sleep: production transport, agent, data server and fetcher,
// composed as worker/service/worker_service.cpp does, around SleepExecutors.

#pragma once

#include <cstdint>
#include <string>

#include "bench/sleepers/sleep_executors.hpp"
#include "common/core/status.hpp"

namespace fanfold::bench {

struct SleeperOptions {
  std::string master;
  std::string scratch;  // Parent of every worker's own.
  std::string log;      // Shared: a line is one write.
  std::uint32_t number = 0;
  Duration fetch_patience{0};
  SleepOptions sleep;
};

/// Until the master lets it go.
Status run_sleeper(const SleeperOptions& options);

}  // namespace fanfold::bench
