#include "common/io/coverage.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fanfold::io {
namespace {

using Json = nlohmann::ordered_json;

/// The numbers of a coverage with their names, in order.  `Value` is a coverage or a const one.
template <class Value, class Visit>
void each_number(Value& coverage, const Visit& visit) {
  visit("deadline_ms", coverage.deadline_ms);
  visit("map_tasks", coverage.map_tasks);
  visit("covered", coverage.covered);
  visit("input_bytes", coverage.input_bytes);
  visit("covered_bytes", coverage.covered_bytes);
  visit("attempts_stopped", coverage.attempts_stopped);
  visit("stop_us", coverage.stop_us);
  visit("results_discarded", coverage.results_discarded);
}

Json missing_json(const MissingTask& missing) {
  Json json;
  json["task"] = missing.task;
  json["why"] = missing.why;
  if (!missing.error.empty()) json["error"] = missing.error;
  json["bytes"] = missing.bytes;
  json["pieces"] = Json::array();
  for (const CoveragePiece& piece : missing.pieces) {
    json["pieces"].push_back({{"path", piece.path}, {"begin", piece.begin}, {"end", piece.end}});
  }
  return json;
}

/// Whether `json` has a field of that name and kind; `*value` is it then.
bool take(const Json& json, const char* name, std::uint64_t* value) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_number_unsigned()) return false;
  *value = found->get<std::uint64_t>();
  return true;
}
bool take(const Json& json, const char* name, std::string* value) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) return false;
  *value = found->get<std::string>();
  return true;
}

bool take_missing(const Json& json, MissingTask* missing) {
  std::uint64_t task = 0;
  if (!json.is_object() || !take(json, "task", &task) || task > UINT32_MAX) return false;
  missing->task = static_cast<std::uint32_t>(task);
  if (!take(json, "why", &missing->why) || !take(json, "bytes", &missing->bytes)) return false;
  if (json.contains("error") && !take(json, "error", &missing->error)) return false;
  const auto pieces = json.find("pieces");
  if (pieces == json.end() || !pieces->is_array()) return false;
  for (const Json& one : *pieces) {
    CoveragePiece& piece = missing->pieces.emplace_back();
    if (!one.is_object() || !take(one, "path", &piece.path) || !take(one, "begin", &piece.begin) ||
        !take(one, "end", &piece.end) || piece.end < piece.begin) {
      return false;
    }
  }
  return true;
}

Status damaged(const std::string& field) {
  return {StatusCode::kCorruption, "the manifest is damaged: bad field: coverage: " + field};
}

}  // namespace

std::string covered_percent(const Coverage& coverage) {
  // Of an input without bytes the tasks tell.
  const std::uint64_t all = coverage.input_bytes != 0 ? coverage.input_bytes : coverage.map_tasks;
  const std::uint64_t some = coverage.input_bytes != 0 ? coverage.covered_bytes : coverage.covered;
  std::uint64_t hundredths = 10'000;
  if (all != 0 && some < all) {
    hundredths = all > UINT64_MAX / 10'000 ? some / (all / 10'000) : some * 10'000 / all;
    hundredths = std::min<std::uint64_t>(hundredths, 9'999);
  }
  if (coverage.partial()) hundredths = std::min<std::uint64_t>(hundredths, 9'999);
  return std::to_string(hundredths / 100) + "." + std::to_string(100 + hundredths % 100).substr(1);
}

std::string to_json(const Coverage& coverage) {
  Json json;
  json["policy"] = coverage.policy;
  json["reason"] = coverage.reason;
  each_number(coverage, [&json](const char* name, std::uint64_t value) { json[name] = value; });
  json["covered_percent"] = covered_percent(coverage);
  json["missing"] = Json::array();
  for (const MissingTask& one : coverage.missing) json["missing"].push_back(missing_json(one));
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Coverage> parse_coverage(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return damaged("not an object");
  Coverage coverage;
  std::string problem;
  if (!take(json, "policy", &coverage.policy)) problem = "policy";
  if (!take(json, "reason", &coverage.reason)) problem = "reason";
  each_number(coverage, [&](const char* name, std::uint64_t& value) {
    if (!take(json, name, &value)) problem = name;
  });
  const auto missing = json.find("missing");
  if (missing == json.end() || !missing->is_array()) return damaged("missing");
  for (const Json& one : *missing) {
    if (!take_missing(one, &coverage.missing.emplace_back())) problem = "missing";
  }
  if (coverage.covered > coverage.map_tasks || coverage.covered_bytes > coverage.input_bytes) {
    problem = "covered";
  }
  if (coverage.missing.size() != coverage.map_tasks - coverage.covered) problem = "missing";
  if (!problem.empty()) return damaged(problem);
  return coverage;
}

}  // namespace fanfold::io
