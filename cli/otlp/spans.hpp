// A job as a trace of OpenTelemetry: a span for the job, one below it for planning, each stage and
// the publication, one below its stage for each attempt, whatever became of it.  Made from the
// event log, as the JSON that OTLP/HTTP carries (ExportTraceServiceRequest).
//
// The same log always gives the same ids, so that a trace that is sent twice is one trace.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/history/job_history.hpp"

namespace fanfold::cli {

/// Collectors take some megabytes at a time.
inline constexpr std::size_t kSpansPerRequest = 1000;

struct TraceRequests {
  std::string trace;                // Its id, in hex.
  std::size_t spans = 0;            // Of all requests.
  std::vector<std::string> bodies;  // In order; each is a request of its own.
};

TraceRequests trace_requests(const JobHistory& history,
                             std::size_t spans_per_request = kSpansPerRequest);

}  // namespace fanfold::cli
