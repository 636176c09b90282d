// Names of jobs and tasks on the command line.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"
#include "common/text/names.hpp"

namespace fanfold::cli {

/// What `logs` is asked about: "12", "12/map-3" or "12/map-3.2".
struct LogTarget {
  JobId job;
  std::optional<TaskId> task;
  std::uint32_t attempt_number = 0;  // 0: all.
};
Result<LogTarget> parse_log_target(std::string_view text);

/// "12" or "job-12".
Result<JobId> parse_job(std::string_view text);

}  // namespace fanfold::cli
