// What those outside see of a master: values, taken at one moment, that nobody changes.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/proto/types.hpp"
#include "master/measures/totals.hpp"

namespace fanfold::master::web {

struct Snapshot {
  std::int64_t unix_us = 0;  // When it was taken.
  std::int64_t started_unix_us = 0;
  std::string address;  // As clients know it.
  std::uint32_t process = 0;
  std::uint64_t epoch = 1;
  std::uint64_t scheduler_entries = 0;

  std::vector<proto::WorkerStatus> workers;
  std::uint32_t jobs_planned_now = 0;
  std::vector<std::shared_ptr<const proto::JobStatus>> active;  // Ascending ids.
  std::vector<std::shared_ptr<const proto::JobStatus>> ended;   // The same.
  /// Of jobs that read the output of others: of which.
  std::map<JobId, std::vector<JobId>> sources;
  Totals totals;
};

}  // namespace fanfold::master::web
