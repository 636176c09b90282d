// I15 as a question about a list of workers.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/proto/types.hpp"

namespace fanfold::sim {

/// What is wrong with who is excluded, if anything: more than max(1, 33 %) of those that could
/// work, all of them, or one without an end.
std::optional<std::string> wrong_exclusion(const std::vector<proto::WorkerStatus>& workers);

}  // namespace fanfold::sim
