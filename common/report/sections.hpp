// What is to be said of a job, as HTML: the same on a report and on a master's page.
//
// No part needs a script or a style of its own, so that a page may forbid both.

#pragma once

#include <string>

#include "common/history/analysis.hpp"
#include "common/history/job_history.hpp"

namespace fanfold {

struct JobSections {
  std::string summary;  // Name and state, key numbers, advice, critical path.
  std::string keys;     // Hot keys; empty while nothing is known.
  std::string
      details;  // Stages, charts, tasks that stand out, failures, inputs, counters, remarks.
};
JobSections job_sections(const JobHistory& history, const Analysis& analysis);

/// Where timeline.js draws: a canvas, its buttons and its legend.
std::string timeline_section();

}  // namespace fanfold
