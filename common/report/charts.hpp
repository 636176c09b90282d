// Bar charts of a report as SVG: they need no script.

#pragma once

#include <string>

#include "common/history/analysis.hpp"

namespace fanfold {

/// How many committed attempts of the stage ran how long.
std::string duration_chart(const StageAnalysis& stage);

/// Bytes read by each task of the stage, in the order of tasks; of many tasks, neighbours share a
/// bar that shows the largest of them.
std::string size_chart(const JobHistory& history, const StageAnalysis& stage);

/// Bytes that maps emitted for each partition.
std::string emission_chart(const EmissionHistory& emission);

}  // namespace fanfold
