#include "cli/items/processor_json.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "cli/items/json_fields.hpp"
#include "cli/job/job_source.hpp"
#include "cli/job/parameters.hpp"
#include "cli/job/retry_json.hpp"
#include "cli/text/suggest.hpp"
#include "common/items/payload.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::cli {
namespace {

using items::Json;

constexpr std::string_view kExec = "fanfold:exec";
constexpr std::string_view kJob = "fanfold:job/";
constexpr std::uint64_t kSecondsMost = 99'999'999;

const std::vector<std::string> kDispositions = {"dead-letter", "skip", "fail"};

/// Errors beside those of tasks of any job.
const std::vector<std::string> kOwnErrors = {"States.Runtime", "States.ParameterPathFailure",
                                             "States.ResultPathMatchFailure", "States.Failed"};

/// Names with these prefixes are ours: a slip in one is no error of the user's own.
bool is_ours(const std::string& name) {
  for (const char* prefix : {"States.", "Task.", "Data.", "Input.", "Plugin."}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

Status check_errors(const Json& entry, bool last) {
  const auto names = entry.find("ErrorEquals");
  if (names == entry.end() || !names->is_array() || names->empty()) {
    return refuse_field("ErrorEquals has to be a list of error names, such as [\"States.ALL\"]");
  }
  std::vector<std::string> known = known_errors();
  known.insert(known.end(), kOwnErrors.begin(), kOwnErrors.end());
  for (const Json& one : *names) {
    if (!one.is_string()) {
      return refuse_field("ErrorEquals holds something that is no name of an error");
    }
    const auto& name = one.get_ref<const std::string&>();
    if (is_ours(name) && std::find(known.begin(), known.end(), name) == known.end()) {
      return refuse_field("there is no error called '" + name + "'." + did_you_mean(name, known));
    }
    if (name == "States.ALL" && (names->size() > 1 || !last)) {
      return refuse_field("States.ALL has to stand alone in its ErrorEquals, in the last entry");
    }
  }
  return {};
}

Status check_retry(const Json& retry) {
  if (!retry.is_array()) return refuse_field("'Retry' has to be a list");
  for (std::size_t i = 0; i < retry.size(); ++i) {
    if (!retry[i].is_object()) return refuse_field("an entry of Retry has to be an object");
    FANFOLD_RETURN_IF_ERROR(check_errors(retry[i], i + 1 == retry.size()));
    // The rest is as for tasks of any job, whose errors have no names of their own.
    Json plain = retry[i];
    plain["ErrorEquals"] = {"States.ALL"};
    FANFOLD_RETURN_IF_ERROR(parse_retry(plain.dump()).status());
  }
  return {};
}

Status check_path(const Json& value, const std::string& name) {
  if (value.is_null()) return {};
  if (!value.is_string()) return refuse_field("'" + name + "' has to be a path or null");
  const auto path = items::Path::parse(value.get_ref<const std::string&>());
  return path.ok() ? Status() : path.status().with_context("'" + name + "'");
}

Status check_catch(const Json& catchers, const std::vector<std::string>& states) {
  if (!catchers.is_array()) return refuse_field("'Catch' has to be a list");
  for (std::size_t i = 0; i < catchers.size(); ++i) {
    const Json& one = catchers[i];
    FANFOLD_RETURN_IF_ERROR(
        check_known_fields(one, "an entry of Catch", {"ErrorEquals", "Next", "ResultPath"}));
    FANFOLD_RETURN_IF_ERROR(check_errors(one, i + 1 == catchers.size()));
    FANFOLD_ASSIGN_OR_RETURN(const std::string next, text_field(one, "Next"));
    std::vector<std::string> known = kDispositions;
    known.insert(known.end(), states.begin(), states.end());
    if (std::find(known.begin(), known.end(), next) == known.end()) {
      return refuse_field("an entry of Catch leads to '" + next +
                          "', which is neither a state nor dead-letter, skip or fail." +
                          did_you_mean(next, known));
    }
    if (one.contains("ResultPath")) {
      FANFOLD_RETURN_IF_ERROR(check_path(one["ResultPath"], "ResultPath"));
    }
  }
  return {};
}

bool is_program(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && ::access(path.c_str(), X_OK) == 0;
}

Status check_command(const Surroundings& surroundings, Json* state) {
  const auto parameters = state->find("Parameters");
  if (parameters == state->end()) {
    return refuse_field(
        "fanfold:exec needs Parameters with a Command, such as {\"Command\": [\"wc\", \"-c\"], "
        "\"Stdin.$\": \"$\"}");
  }
  FANFOLD_RETURN_IF_ERROR(
      check_known_fields(*parameters, "Parameters of fanfold:exec",
                         {"Command", "Command.$", "Stdin", "Stdin.$", "OutputType"}));
  FANFOLD_RETURN_IF_ERROR(choice_field(*parameters, "OutputType", {"JSON", "TEXT"}).status());
  const auto command = parameters->find("Command");
  if (command == parameters->end()) {
    if (parameters->contains("Command.$")) return {};
    return refuse_field("Parameters of fanfold:exec do not say which Command to run");
  }
  if (!command->is_array() || command->empty() || !command->front().is_string()) {
    return refuse_field("'Command' has to be a list of words that begins with a program");
  }
  FANFOLD_ASSIGN_OR_RETURN(command->front(),
                           find_program(surroundings, command->front().get<std::string>()));
  return {};
}

Status resolve_job(const Surroundings& surroundings, const std::string& word, Json* state) {
  const bool path = word.find('/') != std::string::npos;
  FANFOLD_ASSIGN_OR_RETURN(
      const JobSource source,
      find_job_source(surroundings.program_directory,
                      path ? absolute_path(surroundings.working_directory, word) : word,
                      std::nullopt));
  const std::string plugin = absolute_path(surroundings.working_directory, source.plugin);
  FANFOLD_ASSIGN_OR_RETURN(const abi::Plugin described, worker::describe_plugin(plugin));
  FANFOLD_ASSIGN_OR_RETURN(const abi::JobInfo* job,
                           worker::find_job(described, source.job_name, plugin));
  if (!job->inputs.empty()) {
    return refuse_field("job '" + job->name + "' reads several inputs; an item is one");
  }
  if (job->format == abi::RecordFormat::kFixed && job->fixed_length == 0) {
    return refuse_field("job '" + job->name + "' reads records whose length is not fixed");
  }
  std::vector<std::string> given;
  Json* const parameters = state->contains("Parameters") ? &(*state)["Parameters"] : nullptr;
  if (parameters != nullptr) {
    FANFOLD_RETURN_IF_ERROR(
        check_known_fields(*parameters, "Parameters of fanfold:job",
                           {"File", "File.$", "Record", "Record.$", "Parameters"}));
    const Json own = parameters->value("Parameters", Json::object());
    if (!own.is_object()) return refuse_field("'Parameters' of a job have to be an object");
    for (const auto& [name, value] : own.items()) {
      if (value.is_structured() || value.is_null()) {
        return refuse_field("parameter '" + name + "' of the job has to be a plain value");
      }
      given.push_back(name + "=" + (value.is_string() ? value.get<std::string>() : value.dump()));
    }
    parameters->erase("Parameters");
    if (parameters->empty()) state->erase("Parameters");
  }
  FANFOLD_ASSIGN_OR_RETURN(const proto::Parameters complete, complete_parameters(*job, given));
  FANFOLD_ASSIGN_OR_RETURN(const std::string sha256, worker::sha256_of(plugin));
  (*state)["Job"] = {
      {"Name", job->name}, {"Plugin", plugin}, {"Sha256", sha256}, {"Parameters", Json(complete)}};
  return {};
}

Status check_task(const Surroundings& surroundings, const std::vector<std::string>& states,
                  Json* state) {
  FANFOLD_ASSIGN_OR_RETURN(const std::string resource, text_field(*state, "Resource"));
  if (resource.starts_with(kJob) && resource.size() > kJob.size()) {
    FANFOLD_RETURN_IF_ERROR(resolve_job(surroundings, resource.substr(kJob.size()), state));
  } else if (resource == kExec) {
    FANFOLD_RETURN_IF_ERROR(check_command(surroundings, state));
  } else {
    return refuse_field("the Resource '" + resource +
                        "' cannot be run here; it has to be fanfold:exec (a program) or "
                        "fanfold:job/NAME (a bundled job, or path/plugin.so[:NAME])");
  }
  std::uint64_t seconds[2] = {};
  const char* const names[2] = {"TimeoutSeconds", "HeartbeatSeconds"};
  for (std::size_t i = 0; i < 2; ++i) {
    if (!state->contains(names[i])) continue;
    FANFOLD_ASSIGN_OR_RETURN(seconds[i],
                             whole_number((*state)[names[i]], names[i], {1, kSecondsMost}));
  }
  if (seconds[0] != 0 && seconds[1] >= seconds[0]) {
    return refuse_field("HeartbeatSeconds has to be less than TimeoutSeconds");
  }
  if (state->contains("Retry")) FANFOLD_RETURN_IF_ERROR(check_retry((*state)["Retry"]));
  if (state->contains("Catch")) FANFOLD_RETURN_IF_ERROR(check_catch((*state)["Catch"], states));
  return {};
}

std::vector<std::string> fields_of(const std::string& type) {
  if (type == "Fail") return {"Type", "Comment", "Error", "Cause", "ErrorPath", "CausePath"};
  std::vector<std::string> fields = {"Type", "Comment", "InputPath", "OutputPath"};
  if (type == "Succeed") return fields;
  fields.insert(fields.end(), {"ResultPath", "Parameters", "Next", "End"});
  if (type == "Pass") {
    fields.push_back("Result");
    return fields;
  }
  fields.insert(fields.end(), {"Resource", "ResultSelector", "TimeoutSeconds", "HeartbeatSeconds",
                               "Retry", "Catch"});
  return fields;
}

Status check_way_out(const Json& state, const std::vector<std::string>& states) {
  const bool end = state.contains("End");
  if (end && !state["End"].is_boolean()) return refuse_field("'End' has to be true or false");
  const bool ends = end && state["End"].get<bool>();
  FANFOLD_ASSIGN_OR_RETURN(const std::string next, text_field(state, "Next"));
  if (ends != next.empty()) {
    return refuse_field("it needs either \"Next\": STATE or \"End\": true");
  }
  if (!ends && std::find(states.begin(), states.end(), next) == states.end()) {
    return refuse_field("Next is '" + next + "', and there is no such state." +
                        did_you_mean(next, states));
  }
  return {};
}

Status check_state(const Surroundings& surroundings, const std::vector<std::string>& states,
                   Json* state) {
  if (!state->is_object()) return refuse_field("it has to be an object");
  const std::vector<std::string> types = {"Task", "Pass", "Succeed", "Fail"};
  FANFOLD_ASSIGN_OR_RETURN(const std::string type, text_field(*state, "Type"));
  if (std::find(types.begin(), types.end(), type) == types.end()) {
    return refuse_field("its Type is '" + type + "'; the states of an item are " +
                        join_words(types, " and ") + "." + did_you_mean(type, types));
  }
  FANFOLD_RETURN_IF_ERROR(check_known_fields(*state, "a " + type + " state", fields_of(type)));
  for (const char* path : {"InputPath", "OutputPath", "ResultPath"}) {
    if (state->contains(path)) FANFOLD_RETURN_IF_ERROR(check_path((*state)[path], path));
  }
  for (const char* text : {"Error", "Cause", "ErrorPath", "CausePath"}) {
    FANFOLD_RETURN_IF_ERROR(text_field(*state, text).status());
  }
  for (const char* payload : {"Parameters", "ResultSelector"}) {
    if (!state->contains(payload)) continue;
    const auto parsed = items::Payload::parse((*state)[payload]);
    if (!parsed.ok()) return parsed.status().with_context(payload);
  }
  if (type == "Task" || type == "Pass") {
    FANFOLD_RETURN_IF_ERROR(check_way_out(*state, states));
  }
  return type == "Task" ? check_task(surroundings, states, state) : Status();
}

}  // namespace

Result<std::string> find_program(const Surroundings& surroundings, const std::string& word) {
  if (word.find('/') != std::string::npos) {
    const std::string path = absolute_path(surroundings.working_directory, word);
    if (is_program(path)) return path;
    return refuse_field("Command: " + path + " is no program that can be run");
  }
  const std::string& path = surroundings.search_path;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find(':', at), path.size());
    if (end > at && is_program(path.substr(at, end - at) + "/" + word)) return word;
    at = end + 1;
  }
  return refuse_field("Command: there is no program '" + word + "' in PATH");
}

Result<Json> parse_processor(const Surroundings& surroundings, const Json& json) {
  FANFOLD_RETURN_IF_ERROR(check_known_fields(json, "ItemProcessor",
                                             {"ProcessorConfig", "StartAt", "States", "Comment"}));
  if (json.contains("ProcessorConfig")) {
    const Json& config = json["ProcessorConfig"];
    FANFOLD_RETURN_IF_ERROR(
        check_known_fields(config, "ProcessorConfig", {"Mode", "ExecutionType"}));
    FANFOLD_RETURN_IF_ERROR(choice_field(config, "Mode", {"INLINE", "DISTRIBUTED"}).status());
    FANFOLD_RETURN_IF_ERROR(
        choice_field(config, "ExecutionType", {"STANDARD", "EXPRESS"}).status());
  }
  if (!json.contains("States") || !json["States"].is_object() || json["States"].empty()) {
    return refuse_field("ItemProcessor has no States");
  }
  Json processor = {{"States", json["States"]}};
  std::vector<std::string> states;
  for (const auto& [name, state] : processor["States"].items()) {
    if (std::find(kDispositions.begin(), kDispositions.end(), name) != kDispositions.end()) {
      return refuse_field("a state cannot be called '" + name + "': a Catch means something else");
    }
    states.push_back(name);
  }
  FANFOLD_ASSIGN_OR_RETURN(const std::string start, text_field(json, "StartAt"));
  if (std::find(states.begin(), states.end(), start) == states.end()) {
    return refuse_field("StartAt is '" + start + "', and there is no such state." +
                        did_you_mean(start, states));
  }
  processor["StartAt"] = start;
  for (auto& [name, state] : processor["States"].items()) {
    Status status = check_state(surroundings, states, &state);
    if (!status.ok()) return std::move(status).with_context("state '" + name + "'");
  }
  return processor;
}

}  // namespace fanfold::cli
