#include "master/web/site.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/report/assets.hpp"
#include "master/web/api.hpp"
#include "master/web/assets.hpp"
#include "master/web/attempt_table.hpp"
#include "master/web/metrics.hpp"
#include "master/web/output_view.hpp"
#include "master/web/pages.hpp"

namespace fanfold::master::web {
namespace {

constexpr const char* kHtml = "text/html; charset=utf-8";
constexpr const char* kJson = "application/json";
constexpr const char* kScript = "text/javascript; charset=utf-8";
constexpr const char* kStyle = "text/css; charset=utf-8";

constexpr std::string_view kIcon =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><path d=\"M1 13 5 3l3 10 3-10 "
    "4 10\" fill=\"none\" stroke=\"#4c8bd6\" stroke-width=\"2\"/></svg>";

HttpResponse html(std::string body) { return {.type = kHtml, .body = std::move(body)}; }
HttpResponse json(std::string body) { return {.type = kJson, .body = std::move(body)}; }

HttpResponse refused(int status, const std::string& why, bool as_page) {
  if (as_page) {
    return {.status = status,
            .type = kHtml,
            .body = message_page(status == 404 ? "Not here" : "That cannot be", why)};
  }
  return {.status = status, .body = why + "\n"};
}

const proto::JobStatus* status_of(const Snapshot& snapshot, JobId job) {
  for (const auto* jobs : {&snapshot.active, &snapshot.ended}) {
    const auto found = std::find_if(jobs->begin(), jobs->end(),
                                    [job](const auto& one) { return one->job == job; });
    if (found != jobs->end()) return found->get();
  }
  return nullptr;
}

std::vector<NeighbourJob> named(const Snapshot& snapshot, const std::vector<JobId>& jobs) {
  std::vector<NeighbourJob> all;
  for (const JobId job : jobs) {
    const proto::JobStatus* status = status_of(snapshot, job);
    if (status == nullptr) continue;
    const std::string id = std::to_string(job.value);
    all.push_back({.name = "job " + id + ", " + status->job_name,
                   .path = "/jobs/" + id,
                   .state = proto::name_of(status->state)});
  }
  return all;
}

Neighbours neighbours_of(const Snapshot& snapshot, JobId job) {
  Neighbours neighbours;
  if (const auto found = snapshot.sources.find(job); found != snapshot.sources.end()) {
    neighbours.before = named(snapshot, found->second);
  }
  std::vector<JobId> readers;
  for (const auto& [reader, sources] : snapshot.sources) {
    if (std::find(sources.begin(), sources.end(), job) != sources.end()) readers.push_back(reader);
  }
  neighbours.after = named(snapshot, readers);
  return neighbours;
}

/// "12/attempts" is job 12 and "attempts"; false when it begins with no number.
bool take_job(std::string_view* rest, JobId* job) {
  const char* last = rest->data() + rest->size();
  const auto [end, error] = std::from_chars(rest->data(), last, job->value);
  if (error != std::errc()) return false;
  rest->remove_prefix(static_cast<std::size_t>(end - rest->data()));
  // "12/" is nothing: relative names would lead elsewhere.
  if (rest->size() > 1 && rest->front() == '/') rest->remove_prefix(1);
  return true;
}

}  // namespace

HttpResponse Site::respond(const HttpRequest& request) {
  const std::string_view path = request.path;
  if (path == "/style.css") {
    return {.type = kStyle, .body = std::string(kPageStyle) + std::string(kMasterStyle)};
  }
  if (path == "/page.js") return {.type = kScript, .body = std::string(kPageScript)};
  if (path == "/attempts.js") return {.type = kScript, .body = std::string(kTableScript)};
  if (path == "/output.js") return {.type = kScript, .body = std::string(kOutputScript)};
  if (path == "/timeline.js") return {.type = kScript, .body = std::string(kTimelineScript)};
  if (path == "/icon.svg") return {.type = "image/svg+xml", .body = std::string(kIcon)};

  const std::shared_ptr<const Snapshot> snapshot = board_.latest();
  if (!snapshot) return {.status = 503, .body = "the master is starting; ask again\n"};
  if (path == "/") return html(overview_page(*snapshot));
  if (path == "/metrics") {
    return {.type = std::string(kMetricsType), .body = metrics_text(*snapshot, process_facts())};
  }
  if (path == "/api/cluster") return json(cluster_json(*snapshot));
  if (path == "/api/jobs") return json(jobs_json(*snapshot));
  for (const auto& [prefix, as_page] : {std::pair<std::string_view, bool>{"/jobs/", true},
                                        std::pair<std::string_view, bool>{"/api/jobs/", false}}) {
    if (path.starts_with(prefix)) {
      return respond_about_job(request, *snapshot, path.substr(prefix.size()), as_page);
    }
  }
  return refused(404, "There is nothing under this name; / has the cluster, /metrics the metrics.",
                 !path.starts_with("/api/"));
}

HttpResponse Site::respond_about_job(const HttpRequest& request, const Snapshot& snapshot,
                                     std::string_view rest, bool as_page) {
  JobId job;
  if (!take_job(&rest, &job)) return refused(404, "A job has a number: /jobs/1.", as_page);
  const proto::JobStatus* status = status_of(snapshot, job);
  // It may be asked for often, and needs nothing of the log.
  if (!as_page && rest == "output") {
    const Result<std::string> output = output_json(questions_, job, request.query);
    return output.ok() ? json(*output) : refused(400, output.status().message(), as_page);
  }
  const Result<JobLook> look = views_.look(job);
  if (!look.ok()) return refused(404, look.status().message(), as_page);
  if (as_page && rest.empty()) {
    return html(job_page(job, status, *look, neighbours_of(snapshot, job), snapshot.unix_us));
  }
  if (!as_page && rest.empty()) return json(job_json(job, status, *look));
  if (as_page || (rest != "attempts" && rest != "timeline")) {
    return refused(404, "There is nothing under this name.", as_page);
  }
  if (!look->view) {
    return {.status = 503, .body = "the event log is still being read; ask again\n"};
  }
  if (rest == "timeline") return json(look->view->timeline());
  const Result<AttemptQuery> query = read_attempt_query(request.query);
  if (!query.ok()) return refused(400, query.status().message(), as_page);
  return json(attempts_json(look->view->history, *query));
}

}  // namespace fanfold::master::web
