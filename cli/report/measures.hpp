// The measures of a job as a terminal and as programs read them: what a report shows, without the
// pictures.

#pragma once

#include <string>

#include "common/history/job_history.hpp"

namespace fanfold::cli {

std::string measures_text(const JobHistory& history);

/// One JSON text, indented, with a final line feed.
std::string measures_json(const JobHistory& history);

}  // namespace fanfold::cli
