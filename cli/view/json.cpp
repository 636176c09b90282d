#include "cli/view/json.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "cli/job/parameters.hpp"
#include "cli/view/names.hpp"
#include "cli/view/replicas.hpp"
#include "common/proto/as_json.hpp"
#include "common/proto/completion_text.hpp"

namespace fanfold::cli {
namespace {

using Json = nlohmann::ordered_json;

// Text of user code may be any bytes; JSON is UTF-8.
std::string dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json stage_json(const proto::StageStatus& stage) {
  return {{"stage", name_of(stage.stage)},    {"tasks", stage.tasks},
          {"running", stage.running},         {"done", stage.done},
          {"bytes_total", stage.bytes_total}, {"bytes_done", stage.bytes_done},
          {"records_in", stage.records_in},   {"records_out", stage.records_out},
          {"bytes_out", stage.bytes_out},     {"elapsed_ms", stage.elapsed_ms}};
}

Json failure_json(const proto::FailureReport& failure) {
  Json json = {{"class", proto::name_of(failure.kind)},
               {"message", failure.message},
               {"worker", failure.worker},
               {"stack", failure.stack},
               {"log_tail", failure.log_tail}};
  if (!failure.record_file.empty()) {
    json["record"] = {{"file", failure.record_file}, {"offset", failure.record_offset}};
  }
  if (!failure.key.empty()) json["key"] = failure.key;
  if (failure.memory.peak_bytes > 0) {
    json["memory"] = {{"peak_bytes", failure.memory.peak_bytes},
                      {"budget_bytes", failure.memory.budget_bytes},
                      {"step_ms", failure.memory.step_ms},
                      {"resident_bytes", failure.memory.resident_bytes}};
  }
  return json;
}

Json completion_json(const proto::CompletionStatus& completion) {
  Json json = {{"policy", proto::text_of(completion.policy)}};
  if (completion.deadline_ms != 0) {
    json["deadline_ms"] = completion.deadline_ms;
    json["on_deadline"] = proto::name_of(completion.on_deadline);
  }
  if (completion.reason != proto::CompletionReason::kNone) {
    json["reason"] = proto::name_of(completion.reason);
  }
  json["decided"] = completion.decided;
  json["maps"] = completion.maps;
  json["maps_covered"] = completion.maps_covered;
  json["maps_failed"] = completion.maps_failed;
  json["maps_dropped"] = completion.maps_dropped;
  json["bytes"] = completion.bytes;
  json["bytes_covered"] = completion.bytes_covered;
  json["attempts_stopped"] = completion.attempts_stopped;
  json["attempts_stopping"] = completion.attempts_stopping;
  json["stop_us"] = completion.stop_us;
  json["results_discarded"] = completion.results_discarded;
  return json;
}

Json replicas_json(const proto::ReplicaStatus& replicas) {
  Json dissenters = Json::array();
  for (const proto::Dissenter& one : replicas.dissenters) {
    dissenters.push_back({{"worker", one.name}, {"results", one.results}});
  }
  return {{"policy", text_of(replicas.policy)},
          {"started", replicas.started},
          {"discarded", replicas.discarded},
          {"stopped", replicas.stopped},
          {"hedges", replicas.hedges},
          {"hedges_won", replicas.hedges_won},
          {"votes", replicas.votes},
          {"waiting", replicas.waiting},
          {"dissents", replicas.dissents},
          {"dissenters", std::move(dissenters)}};
}

Json queue_json(const proto::QueueStatus& queue) {
  return {{"open", queue.open},
          {"depth", queue.waiting},
          {"bytes", queue.bytes_waiting},
          {"delayed", queue.delayed},
          {"oldest_ms", queue.oldest_ms},
          {"received", queue.received},
          {"received_most", queue.received_most}};
}

Json status_json(const proto::JobStatus& status) {
  Json json = {{"job", status.job.value},
               {"name", status.job_name},
               {"state", proto::name_of(status.state)},
               {"output", status.output},
               {"submitted_by", status.submitted_by},
               {"elapsed_ms", status.elapsed_ms},
               {"stages", Json::array()},
               {"failed_attempts", status.failed_attempts},
               {"lost_attempts", status.lost_attempts},
               {"speculative_attempts", status.speculative_attempts},
               {"counters", status.counters},
               {"notes", status.notes},
               {"output_bytes", status.output_bytes},
               {"output_records", status.output_records},
               {"output_files", status.output_files},
               {"records_skipped", status.records_skipped},
               {"dead_letters", status.dead_letters},
               {"queue", queue_json(status.queue)}};
  for (const proto::StageStatus& stage : status.stages) json["stages"].push_back(stage_json(stage));
  json["completion"] = completion_json(status.completion);
  if (status.replicas.policy != proto::ReplicaPolicy{}) {
    json["replicas"] = replicas_json(status.replicas);
  }
  if (status.locality.maps > 0) {
    json["locality"] = {{"maps", status.locality.maps},
                        {"there", status.locality.there},
                        {"elsewhere", status.locality.elsewhere},
                        {"wait_ms", status.locality.wait_ms}};
  }
  json["shuffle"] = {{"mode", proto::name_of(status.shuffle.mode)},
                     {"early_bytes", status.shuffle.fetched.early},
                     {"late_bytes", status.shuffle.fetched.late}};
  json["emitted"] = proto::emission_json<Json>(status.emission);
  if (!status.hot_partitions.empty()) {
    json["hot_partitions"] = proto::hot_partitions_json<Json>(status.hot_partitions);
  }
  json["control"] = {{"max_concurrency", status.control.max_concurrency},
                     {"priority", status.control.priority},
                     {"weight", status.control.weight},
                     {"paused", status.control.paused}};
  if (status.control.failures_max != proto::kAnyNumber) {
    json["control"]["failures_max"] = status.control.failures_max;
  }
  if (status.control.failures_per_million != proto::kWhole) {
    json["control"]["failures_per_million"] = status.control.failures_per_million;
  }
  if (status.slowest_task.job.value != 0) {
    json["slowest_task"] = {{"task", name_of(status.slowest_task)}, {"ms", status.slowest_task_ms}};
  }
  if (!status.reason.empty()) json["reason"] = status.reason;
  if (status.first_cause.kind != proto::FailureKind::kNone) {
    json["failed_task"] = name_of(status.failed_task);
    json["first_cause"] = failure_json(status.first_cause);
  }
  return json;
}

const char* format_name(abi::RecordFormat format) {
  switch (format) {
    case abi::RecordFormat::kLines:
      return "lines";
    case abi::RecordFormat::kKeyValue:
      return "key_value";
    case abi::RecordFormat::kCsv:
      return "csv";
    case abi::RecordFormat::kJsonLines:
      return "json_lines";
    case abi::RecordFormat::kFixed:
      return "fixed";
    case abi::RecordFormat::kWholeFile:
      return "whole_file";
  }
  return "unknown";
}

Json job_info_json(const abi::JobInfo& job) {
  Json json = {{"name", job.name},
               {"summary", job.summary},
               {"format", format_name(job.format)},
               {"inputs", job.inputs},
               {"parameters", Json::array()}};
  for (const abi::Parameter& parameter : job.parameters) {
    Json entry = {{"name", parameter.name},
                  {"type", name_of(parameter.type)},
                  {"required", parameter.required},
                  {"help", parameter.help},
                  {"choices", parameter.choices}};
    if (!parameter.required) entry["default"] = parameter.default_value;
    json["parameters"].push_back(std::move(entry));
  }
  return json;
}

Json attempts_json(const std::vector<proto::LogEntry>& entries) {
  Json json = Json::array();
  for (const proto::LogEntry& entry : entries) {
    Json one = {{"task", name_of(entry.task)},
                {"attempt", entry.attempt_number},
                {"worker", entry.worker},
                {"outcome", entry.outcome},
                {"text", entry.text}};
    if (entry.failure.kind != proto::FailureKind::kNone) {
      one["failure"] = failure_json(entry.failure);
    }
    json.push_back(std::move(one));
  }
  return json;
}

}  // namespace

std::string to_json(const proto::JobStatus& status) { return dump(status_json(status)); }

std::string to_json(const std::vector<proto::JobStatus>& jobs) {
  Json json = Json::array();
  for (const proto::JobStatus& status : jobs) json.push_back(status_json(status));
  return dump(json);
}

std::string to_json(const std::vector<proto::LogEntry>& entries) {
  return dump(attempts_json(entries));
}

std::string to_json(const proto::JobStatus& status, const std::vector<proto::LogEntry>& attempts) {
  Json json = Json::object();
  json["status"] = status_json(status);
  json["attempts"] = attempts_json(attempts);
  return dump(json);
}

std::string to_json(const proto::ClusterReply& cluster) {
  Json json = {{"address", cluster.address},
               {"process", cluster.process},
               {"uptime_ms", cluster.uptime_ms},
               {"jobs_running", cluster.jobs_running},
               {"workers", Json::array()}};
  for (const proto::WorkerStatus& worker : cluster.workers) {
    json["workers"].push_back(proto::worker_json<Json>(worker));
  }
  return dump(json);
}

std::string to_json(const ClusterUp& cluster) {
  return dump({{"address", cluster.address},
               {"directory", cluster.directory},
               {"workers", cluster.workers},
               {"slots", cluster.slots}});
}

std::string to_json(const std::vector<abi::JobInfo>& jobs) {
  Json json = Json::array();
  for (const abi::JobInfo& job : jobs) json.push_back(job_info_json(job));
  return dump(json);
}

std::string to_json(const std::vector<std::pair<std::string, std::string>>& facts) {
  Json json = Json::object();
  for (const auto& [name, value] : facts) json[name] = value;
  return dump(json);
}

std::string to_json(const Verification& verification) {
  Json json = {{"output", verification.directory},
               {"holds", verification.holds()},
               {"ledger", verification.manifest.run.ledger.has_value()},
               {"checks", Json::array()}};
  for (const Check& check : verification.checks) {
    json["checks"].push_back({{"check", check.name}, {"holds", check.holds}, {"what", check.what}});
  }
  return dump(json);
}

}  // namespace fanfold::cli
