#include "master/web/api.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "common/text/names.hpp"
#include "master/web/estimate.hpp"

namespace fanfold::master::web {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Json stage_json(const proto::StageStatus& stage) {
  Json json = {{"stage", name_of(stage.stage)},    {"tasks", stage.tasks},
               {"running", stage.running},         {"done", stage.done},
               {"progress", progress(stage)},      {"bytes_total", stage.bytes_total},
               {"bytes_done", stage.bytes_done},   {"records_in", stage.records_in},
               {"records_out", stage.records_out}, {"elapsed_ms", stage.elapsed_ms}};
  if (const auto left = estimate(stage)) {
    json["left_ms"] = {
        {"likely", left->likely_ms}, {"least", left->least_ms}, {"most", left->most_ms}};
  }
  return json;
}

Json emission_json(const proto::Emission& emission) {
  Json keys = Json::array();
  for (const proto::HotKey& key : emission.hot_keys) {
    keys.push_back({{"key", key.key}, {"partition", key.partition}, {"bytes", key.bytes}});
  }
  return {{"bytes", emission.bytes},
          {"partition_bytes", emission.partition_bytes},
          {"hot_keys", std::move(keys)}};
}

Json status_json(const proto::JobStatus& status) {
  Json json = {{"job", status.job.value},
               {"name", status.job_name},
               {"user", status.submitted_by},
               {"state", proto::name_of(status.state)},
               {"output", status.output},
               {"elapsed_ms", status.elapsed_ms},
               {"failed_attempts", status.failed_attempts},
               {"lost_attempts", status.lost_attempts},
               {"speculative_attempts", status.speculative_attempts},
               {"stages", Json::array()}};
  for (const proto::StageStatus& stage : status.stages) json["stages"].push_back(stage_json(stage));
  json["emitted"] = emission_json(status.emission);
  if (!status.reason.empty()) json["reason"] = status.reason;
  if (proto::is_final(status.state)) {
    json["output_bytes"] = status.output_bytes;
    json["output_records"] = status.output_records;
    json["output_files"] = status.output_files;
  }
  return json;
}

Json analysis_json(const JobHistory& history, const Analysis& analysis) {
  Json stages = Json::array();
  for (const StageAnalysis& stage : analysis.stages) {
    stages.push_back({{"stage", name_of(stage.stage)},
                      {"tasks", stage.tasks},
                      {"committed", stage.committed},
                      {"elapsed_us", stage.elapsed()},
                      {"median_us", stage.median},
                      {"p95_us", stage.p95},
                      {"longest_us", stage.longest},
                      {"tail_us", stage.tail},
                      {"stragglers", stage.stragglers},
                      {"bytes_in", stage.bytes_in},
                      {"bytes_in_median", stage.bytes_in_median},
                      {"bytes_in_most", stage.bytes_in_most},
                      {"records_in", stage.records_in},
                      {"spills", stage.spills},
                      {"peak_rss_bytes", stage.peak_rss_bytes}});
    if (!stage.slowest.empty()) {
      stages.back()["slowest"] = name_of(history.attempts[stage.slowest.front()]);
    }
  }
  Json failures = Json::array();
  for (const FailureGroup& group : analysis.failures) {
    failures.push_back({{"cause", group.cause},
                        {"message", group.message},
                        {"attempts", group.count},
                        {"charged", group.charged},
                        {"wasted_us", group.wasted}});
  }
  Json advice = Json::array();
  for (const Advice& one : analysis.advice) {
    advice.push_back({{"finding", one.finding}, {"action", one.action}, {"saves_us", one.saves}});
  }
  return {{"slots", analysis.slots},      {"busy_us", analysis.busy},
          {"wasted_us", analysis.wasted}, {"attempts", history.attempts.size()},
          {"stages", std::move(stages)},  {"failures", std::move(failures)},
          {"advice", std::move(advice)}};
}

}  // namespace

std::string cluster_json(const Snapshot& snapshot) {
  Json json = {{"address", snapshot.address},
               {"process", snapshot.process},
               {"epoch", snapshot.epoch},
               {"time_unix_us", snapshot.unix_us},
               {"started_unix_us", snapshot.started_unix_us},
               {"jobs_planning", snapshot.jobs_planned_now},
               {"jobs_active", snapshot.active.size()},
               {"workers", Json::array()}};
  for (const proto::WorkerStatus& worker : snapshot.workers) {
    json["workers"].push_back({{"name", worker.name},
                               {"process", worker.process},
                               {"slots", worker.slots},
                               {"busy", worker.busy},
                               {"standing", proto::name_of(worker.standing)},
                               {"demerits", worker.demerits},
                               {"draining", worker.draining},
                               {"silent_ms", worker.silent_ms},
                               {"excluded_ms", worker.excluded_ms}});
  }
  return dump(json);
}

std::string jobs_json(const Snapshot& snapshot) {
  Json json = {{"jobs", Json::array()}};
  for (const auto* jobs : {&snapshot.active, &snapshot.ended}) {
    for (auto job = jobs->rbegin(); job != jobs->rend(); ++job) {
      json["jobs"].push_back(status_json(**job));
    }
  }
  return dump(json);
}

std::string job_json(JobId job, const proto::JobStatus* status, const JobLook& look) {
  Json json = status != nullptr ? status_json(*status) : Json{{"job", job.value}};
  json["log"] = {{"bytes", look.bytes}, {"bytes_read", look.bytes_read}};
  if (look.view) json["analysis"] = analysis_json(look.view->history, look.view->analysis);
  return dump(json);
}

}  // namespace fanfold::master::web
