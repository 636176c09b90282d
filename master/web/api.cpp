#include "master/web/api.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "common/history/as_json.hpp"
#include "common/proto/as_json.hpp"
#include "common/text/names.hpp"
#include "master/web/estimate.hpp"

namespace fanfold::master::web {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Json stage_json(const proto::JobStatus& status, const proto::StageStatus& stage) {
  Json json = {{"stage", name_of(stage.stage)},    {"tasks", stage.tasks},
               {"running", stage.running},         {"done", stage.done},
               {"progress", progress(stage)},      {"bytes_total", stage.bytes_total},
               {"bytes_done", stage.bytes_done},   {"records_in", stage.records_in},
               {"records_out", stage.records_out}, {"elapsed_ms", stage.elapsed_ms}};
  if (is_open(status, stage)) {
    json["open"] = true;
    json["progress"] = nullptr;
    return json;
  }
  if (const auto left = estimate(stage)) {
    json["left_ms"] = {
        {"likely", left->likely_ms}, {"least", left->least_ms}, {"most", left->most_ms}};
  }
  return json;
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
  for (const proto::StageStatus& stage : status.stages) {
    json["stages"].push_back(stage_json(status, stage));
  }
  json["emitted"] = proto::emission_json<Json>(status.emission);
  if (!status.hot_partitions.empty()) {
    json["hot_partitions"] = proto::hot_partitions_json<Json>(status.hot_partitions);
  }
  if (!status.reason.empty()) json["reason"] = status.reason;
  if (proto::is_final(status.state)) {
    json["output_bytes"] = status.output_bytes;
    json["output_records"] = status.output_records;
    json["output_files"] = status.output_files;
  }
  return json;
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
    json["workers"].push_back(proto::worker_json<Json>(worker));
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
  if (look.view) json["analysis"] = analysis_json<Json>(look.view->history, look.view->analysis);
  return dump(json);
}

}  // namespace fanfold::master::web
