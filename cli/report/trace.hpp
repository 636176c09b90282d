// A job's attempts in the Trace Event Format that chrome://tracing and ui.perfetto.dev read: a
// process for each worker, a thread for each slot, and one more process for the job's stages.

#pragma once

#include <string>

#include "common/history/job_history.hpp"

namespace fanfold::cli {

std::string trace_json(const JobHistory& history);

}  // namespace fanfold::cli
