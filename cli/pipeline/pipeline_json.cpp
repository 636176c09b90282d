#include "cli/pipeline/pipeline_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "cli/pipeline/stage_json.hpp"
#include "cli/text/suggest.hpp"

namespace fanfold::cli {
namespace {

/// Fields in the order of the file: of preferred hosts the first that match count.
using Json = nlohmann::ordered_json;

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

/// Nothing that a pipeline says is deeper; what walks over values may recurse.
constexpr int kDepthMax = 32;

/// nlohmann-json would keep the last of two fields of one name, and say nothing.
class RepeatedFields {
 public:
  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kDepthMax) {
      *too_deep_ = true;
      return false;
    }
    if (event == Json::parse_event_t::object_start) open_.emplace_back();
    if (event == Json::parse_event_t::object_end) open_.pop_back();
    if (event == Json::parse_event_t::key && !open_.back().insert(parsed).second) {
      if (twice_->empty()) *twice_ = parsed.get<std::string>();
    }
    return true;
  }

  RepeatedFields(std::string* twice, bool* too_deep) : twice_(twice), too_deep_(too_deep) {}

 private:
  std::vector<std::set<std::string>> open_;
  std::string* twice_;
  bool* too_deep_;
};

Result<Json> parse_strictly(std::string_view text) {
  std::string twice;
  bool too_deep = false;
  Json json;
  try {
    json = Json::parse(text, RepeatedFields(&twice, &too_deep));
  } catch (const Json::exception& error) {
    std::string why = error.what();
    // "[json.exception.parse_error.101] parse error at line 3, ..."
    const std::size_t end = why.find("] ");
    if (end != std::string::npos) why.erase(0, end + 2);
    return refuse("it is no JSON: " + why);
  }
  if (too_deep) return refuse("its values lie in one another too deep");
  if (!twice.empty()) return refuse("the field '" + twice + "' is given twice in one object");
  if (!json.is_object()) return refuse("it has to be an object with 'stages'");
  const std::vector<std::string> known = {"description", "variables", "stages"};
  for (const auto& [name, value] : json.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return refuse("a pipeline has no field '" + name + "'." + did_you_mean(name, known));
    }
  }
  if (json.contains("description") && !json["description"].is_string()) {
    return refuse("'description' has to be a string");
  }
  if (!json.contains("stages") || !json["stages"].is_array() || json["stages"].empty()) {
    return refuse("'stages' has to be a list of one stage or more");
  }
  const Json variables = json.value("variables", Json::object());
  if (!variables.is_object()) return refuse("'variables' has to be an object");
  for (const auto& [name, value] : variables.items()) {
    if (!value.is_string() && !value.is_null()) {
      return refuse("variable '" + name +
                    "' has to be a string (its default), or null: it must be given");
    }
  }
  return json;
}

/// "${name}" in strings, wherever they are; "$$" is "$".
class Substitution {
 public:
  Substitution(const Json& declared, const Variables& given) : declared_(declared), given_(given) {}

  Status check() const {
    std::vector<std::string> names;
    for (const auto& [name, value] : declared_.items()) names.push_back(name);
    for (const auto& [name, value] : given_) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        return refuse("it has no variable '" + name + "'." + did_you_mean(name, names));
      }
      // What it becomes a part of is JSON.
      const std::string valid = Json(value).dump(-1, ' ', false, Json::error_handler_t::ignore);
      if (Json::parse(valid) != value) return refuse("variable '" + name + "' is no UTF-8");
    }
    for (const auto& [name, value] : declared_.items()) {
      if (value.is_null() && given_.find(name) == given_.end()) {
        return refuse("the variable '" + name + "' is not given; write " + name + "=VALUE");
      }
    }
    return {};
  }

  Status apply(Json* json) const {
    if (json->is_string()) {
      FANFOLD_ASSIGN_OR_RETURN(std::string text, replaced(json->get<std::string>()));
      *json = std::move(text);
    }
    if (!json->is_structured()) return {};
    for (Json& inner : *json) FANFOLD_RETURN_IF_ERROR(apply(&inner));
    return {};
  }

 private:
  Result<std::string> replaced(const std::string& text) const {
    std::string result;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t dollar = std::min(text.find('$', at), text.size());
      result.append(text, at, dollar - at);
      at = dollar;
      if (at == text.size()) break;
      if (text.compare(at, 2, "$$") == 0) {
        result += '$';
        at += 2;
        continue;
      }
      const std::size_t close = text.find('}', at);
      if (text.compare(at, 2, "${") != 0 || close == std::string::npos) {
        return refuse("'" + text + "' has a '$' that begins no ${VARIABLE}; write $$ for '$'");
      }
      FANFOLD_ASSIGN_OR_RETURN(const std::string value,
                               value_of(text.substr(at + 2, close - at - 2)));
      result += value;
      at = close + 1;
    }
    return result;
  }

  Result<std::string> value_of(const std::string& name) const {
    const auto given = given_.find(name);
    if (given != given_.end()) return given->second;
    if (!declared_.contains(name)) {
      std::vector<std::string> names;
      for (const auto& [known, value] : declared_.items()) names.push_back(known);
      return refuse("'${" + name + "}' is none of its 'variables'." + did_you_mean(name, names));
    }
    return declared_[name].get<std::string>();
  }

  const Json& declared_;
  const Variables& given_;
};

Result<Pipeline> pipeline_from(const PipelineText& text, const Variables& given,
                               std::span<const Flag> options) {
  FANFOLD_ASSIGN_OR_RETURN(Json json, parse_strictly(text.json));
  const Json variables = json.value("variables", Json::object());
  const Substitution substitution(variables, given);
  FANFOLD_RETURN_IF_ERROR(substitution.check());
  Pipeline pipeline;
  pipeline.name = text.name;
  pipeline.description = json.value("description", "");
  FANFOLD_RETURN_IF_ERROR(substitution.apply(&json["stages"]));
  for (const Json& one : json["stages"]) {
    FANFOLD_ASSIGN_OR_RETURN(PipelineStage stage, parse_stage(one.dump(), options));
    pipeline.stages.push_back(std::move(stage));
  }
  return pipeline;
}

}  // namespace

Result<Pipeline> parse_pipeline(const PipelineText& text, const Variables& given,
                                std::span<const Flag> options) {
  Result<Pipeline> pipeline = pipeline_from(text, given, options);
  if (!pipeline.ok()) return pipeline.status().with_context(text.name);
  return pipeline;
}

Result<std::string> describe_variables(const PipelineText& text) {
  const Result<Json> json = parse_strictly(text.json);
  if (!json.ok()) return json.status().with_context(text.name);
  std::string needed;
  std::string optional;
  const Json variables = json->value("variables", Json::object());
  for (const auto& [name, value] : variables.items()) {
    if (value.is_null()) needed += " " + name + "=VALUE";
    if (value.is_string()) optional += " [" + name + "=" + value.get<std::string>() + "]";
  }
  return needed + optional;
}

}  // namespace fanfold::cli
