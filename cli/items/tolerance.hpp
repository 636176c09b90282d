// How many items may fail: the same sum as the scheduler's (master/scheduler/bad_records.hpp).

#pragma once

#include <algorithm>
#include <cstdint>

#include "common/proto/types.hpp"

namespace fanfold::cli {

/// The fewest that both limits allow.
inline std::uint64_t tolerated_failures(const proto::JobControl& control, std::uint64_t items) {
  if (control.failures_per_million == proto::kWhole) return control.failures_max;
  const std::uint64_t share = items / proto::kWhole * control.failures_per_million +
                              items % proto::kWhole * control.failures_per_million / proto::kWhole;
  return std::min(control.failures_max, share);
}

}  // namespace fanfold::cli
