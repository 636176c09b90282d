// A job as one HTML page that needs nothing but itself: no request, no font, no library.
//
// Its policy allows this page's own script alone, by digest; what the log says is text wherever it
// stands.  Without scripts all but the timeline is there.

#pragma once

#include <string>

#include "common/history/analysis.hpp"
#include "common/history/job_history.hpp"

namespace fanfold::cli {

std::string report_html(const JobHistory& history, const Analysis& analysis);

}  // namespace fanfold::cli
