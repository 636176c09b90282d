// What people are told of replicas and hedges.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/proto/types.hpp"

namespace fanfold::cli {

/// "quorum of 3 replicas", "hedge after p95"; empty: neither.
std::string text_of(const proto::ReplicaPolicy& policy);

/// Labels and lines; none for a job that runs each task once.
std::vector<std::pair<std::string, std::string>> replica_lines(const proto::JobStatus& status);

}  // namespace fanfold::cli
