// Hot keys as HTML: which keys most of what maps emitted belongs to, and how full that makes their
// partitions.

#pragma once

#include <string>

#include "common/history/job_history.hpp"

namespace fanfold {

/// Empty while nothing is known.
std::string emission_section(const EmissionHistory& emission);

}  // namespace fanfold
