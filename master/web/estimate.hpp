// How long a stage will take yet, and how sure that is.

#pragma once

#include <cstdint>
#include <optional>

#include "common/proto/types.hpp"

namespace fanfold::master::web {

struct Estimate {
  std::uint64_t likely_ms = 0;
  // As far off as the tasks that are done let expect: fewer tasks, wider.
  std::uint64_t least_ms = 0;
  std::uint64_t most_ms = 0;
};

/// Nothing while too little is done to tell, and when all is.
std::optional<Estimate> estimate(const proto::StageStatus& stage);

/// More of its tasks may come: the job is open, and these are its maps.
bool is_open(const proto::JobStatus& job, const proto::StageStatus& stage);

/// Of the stage's work, 0 to 1: by bytes where their sum is known, else by tasks.
double progress(const proto::StageStatus& stage);

}  // namespace fanfold::master::web
