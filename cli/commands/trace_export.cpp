#include "cli/commands/trace_export.hpp"

#include "cli/otlp/spans.hpp"

namespace fanfold::cli {

Flag otlp_flag() {
  return {"otlp", '\0', "URL",
          "Send the trace of the job to this collector (OTLP/HTTP, JSON), such as "
          "http://localhost:4318.",
          false};
}

Result<CollectorOptions> otlp_flag_value(const Environment& environment,
                                         const Arguments& arguments) {
  CollectorOptions collector;
  if (!arguments.has("otlp")) return collector;
  collector.url = arguments.value("otlp").value_or("");
  collector.headers = environment.otlp_headers;
  FANFOLD_RETURN_IF_ERROR(check_collector(collector));
  return collector;
}

Result<std::string> send_trace(const CollectorOptions& collector, const JobHistory& history) {
  const TraceRequests requests = trace_requests(history);
  FANFOLD_RETURN_IF_ERROR(send_to_collector(collector, requests.bodies));
  return requests.trace;
}

Result<std::string> send_trace(const CollectorOptions& collector, std::string_view events) {
  FANFOLD_ASSIGN_OR_RETURN(const JobHistory history, read_job_history(events));
  return send_trace(collector, history);
}

}  // namespace fanfold::cli
