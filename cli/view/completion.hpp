// What people read of a job that may do without some of its input.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/proto/types.hpp"

namespace fanfold::cli {

/// Labels and texts; none of a job that waits for everything and has no deadline.
std::vector<std::pair<std::string, std::string>> completion_lines(const proto::JobStatus& status);

}  // namespace fanfold::cli
