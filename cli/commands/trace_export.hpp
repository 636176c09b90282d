// `--otlp`: the trace of a job, for a collector of OpenTelemetry.

#pragma once

#include <string_view>

#include "cli/commands/command.hpp"
#include "cli/otlp/collector.hpp"
#include "common/history/job_history.hpp"

namespace fanfold::cli {

/// --otlp, as `run` and `trace` have it.
Flag otlp_flag();
/// Where to; an empty URL: nobody asked for it.  Refuses what cannot be an address.
Result<CollectorOptions> otlp_flag_value(const Environment& environment,
                                         const Arguments& arguments);

/// Returns the id of the trace.
Result<std::string> send_trace(const CollectorOptions& collector, const JobHistory& history);
/// From the event log; a job without one has no trace.
Result<std::string> send_trace(const CollectorOptions& collector, std::string_view events);

}  // namespace fanfold::cli
