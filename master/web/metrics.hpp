// A snapshot in the text format that Prometheus scrapes.  docs/operating/metrics.md lists names,
// units and labels; none of them grows with jobs, tasks, workers or users.

#pragma once

#include <string>

#include "common/http/metric_text.hpp"
#include "master/web/snapshot.hpp"

namespace fanfold::master::web {

std::string metrics_text(const Snapshot& snapshot, const ProcessFacts& process);

}  // namespace fanfold::master::web
