// A snapshot in the text format that Prometheus scrapes.  docs/operating/metrics.md lists names,
// units and labels; none of them grows with jobs, tasks, workers or users.

#pragma once

#include <string>
#include <string_view>

#include "master/web/process_facts.hpp"
#include "master/web/snapshot.hpp"

namespace fanfold::master::web {

/// Content type of metrics_text().
inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

std::string metrics_text(const Snapshot& snapshot, const ProcessFacts& process);

}  // namespace fanfold::master::web
