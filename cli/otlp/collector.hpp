// Where traces go: a collector of OpenTelemetry that listens for OTLP over HTTP.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold::cli {

struct CollectorOptions {
  std::string url;      // As given: "http://host:4318" stands for its /v1/traces.
  std::string headers;  // "name=value,name=value", as in OTEL_EXPORTER_OTLP_HEADERS.
  /// Asked now and then while bytes are on their way; true: give up.  May be empty.
  std::function<bool()> interrupted;
};

/// kInvalidArgument: this is no address of a collector, or the headers cannot be read.
Status check_collector(const CollectorOptions& options);

/// Sends one after the other, each again for a while when the collector is busy.  kUnavailable:
/// what it did not take, and why; what comes after is not sent.
Status send_to_collector(const CollectorOptions& options, const std::vector<std::string>& bodies);

}  // namespace fanfold::cli
