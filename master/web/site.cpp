#include "master/web/site.hpp"

#include <string>

#include "master/web/metrics.hpp"

namespace fanfold::master::web {

HttpResponse Site::respond(const HttpRequest& request) const {
  const std::shared_ptr<const Snapshot> snapshot = board_.latest();
  if (!snapshot) return {.status = 503, .body = "the master is starting; ask again\n"};
  if (request.path == "/metrics") {
    return {.type = std::string(kMetricsType), .body = metrics_text(*snapshot, process_facts())};
  }
  return {.status = 404, .body = "there is nothing here; /metrics has the metrics\n"};
}

}  // namespace fanfold::master::web
