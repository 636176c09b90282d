#include "cli/pipeline/stage_job.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/io/file_system.hpp"
#include "common/storage/storage.hpp"
#include "master/planner/input_files.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::cli {
namespace {

using Json = nlohmann::json;

/// Part of every key: a later version that keeps other results makes other keys.
constexpr int kKeyVersion = 1;

const std::vector<StageInput>& inputs_of(const PipelineStage& stage, std::uint32_t round) {
  return round > 1 ? stage.repeat->inputs : stage.inputs;
}

std::vector<CounterParameter> parameters_of(const PipelineStage& stage, std::uint32_t round) {
  std::vector<CounterParameter> parameters = stage.parameters;
  if (round > 1) {
    // Later ones win.
    parameters.insert(parameters.end(), stage.repeat->parameters.begin(),
                      stage.repeat->parameters.end());
  }
  return parameters;
}

std::string described(const StageSource& source) {
  return source.previous() ? "the round before" : "stage '" + source.stage + "'";
}

/// A path as a pattern that matches it alone.
std::string escaped(const std::string& path) {
  std::string text;
  for (const char c : path) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) text += '\\';
    text += c;
  }
  return text;
}

/// "TAG=" of an input of a job with tags, or nothing.
std::string tag_of(const StageTemplate& stage, const std::string& input) {
  if (stage.spec.input_tags.empty()) return "";
  return input.substr(0, input.find('=') + 1);
}

/// An input that another stage makes: what the planner will find there needs not be read here.
Status add_made(const StageSource& source, const StageResult& result, const std::string& tag,
                proto::JobSpec* spec, Json* held) {
  const std::string prefix = (source.output.empty() ? "part" : source.output) + "-";
  const std::size_t before = held->size();
  for (const io::PartInfo& file : result.files) {
    if (!file.name.starts_with(prefix)) continue;
    held->push_back({tag, file.name, file.bytes, file.checksum});
  }
  if (held->size() == before) {
    return Status(StatusCode::kNotFound, described(source) + " has no output '" + source.output +
                                             "' in " + result.directory);
  }
  spec->inputs.push_back(tag + escaped(result.directory) + "/" + escaped(prefix) + "*");
  return {};
}

/// An input that nobody makes, as a job of its own.
proto::JobSpec alone(const StageTemplate& stage, const std::string& input) {
  proto::JobSpec spec;
  spec.inputs = {input.substr(tag_of(stage, input).size())};
  return spec;
}

/// The files that it means.
Result<std::vector<master::InputFile>> given_files(const proto::JobSpec& given,
                                                   const HostLister& list_on_hosts) {
  FANFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> on_hosts,
                           master::find_host_inputs(storage(), given));
  if (on_hosts.empty()) return master::expand_inputs(storage(), given);
  FANFOLD_ASSIGN_OR_RETURN(const master::HostListing listing, list_on_hosts(on_hosts));
  return master::expand_inputs(storage(), given, &listing);
}

void fill_parameters(const StageTemplate& stage, std::uint32_t round, const StageResults& results,
                     proto::JobSpec* spec) {
  for (const CounterParameter& parameter : parameters_of(*stage.stage, round)) {
    const auto& counters = results.at(parameter.source.stage)->counters;
    const auto counter = counters.find(parameter.counter);
    // One that nobody added to is in no manifest.
    const std::int64_t value = counter == counters.end() ? 0 : counter->second;
    spec->parameters[parameter.name] = std::to_string(value);
  }
}

/// The spec's inputs, and what they hold.
Result<Json> fill_inputs(const StageTemplate& stage, std::uint32_t round,
                         const StageResults& results, const InputSight& sight,
                         proto::JobSpec* spec) {
  Json held = Json::array();
  spec->inputs.clear();
  std::size_t index = round > 1 ? stage.stage->inputs.size() : 0;
  for (const StageInput& input : inputs_of(*stage.stage, round)) {
    const std::string& word = stage.spec.inputs.at(index++);
    const std::string tag = tag_of(stage, word);
    if (input.source) {
      FANFOLD_RETURN_IF_ERROR(
          add_made(*input.source, *results.at(input.source->stage), tag, spec, &held));
      continue;
    }
    spec->inputs.push_back(word);
    FANFOLD_ASSIGN_OR_RETURN(const std::vector<master::InputFile> files,
                             given_files(alone(stage, word), sight.list_on_hosts));
    for (const master::InputFile& file : files) {
      if (!file.version.empty()) {
        held.push_back({tag, file.path, file.version, file.size});
        continue;
      }
      if (!master::host_of(file.path).empty()) {
        // Nobody here can read it.
        held.push_back({tag, file.path, file.size, file.modified_ns});
        continue;
      }
      FANFOLD_ASSIGN_OR_RETURN(const std::string digest,
                               sight.digests->digest(file.path, sight.interrupted));
      held.push_back({tag, file.path, digest});
    }
  }
  return held;
}

std::string key_of(const StageTemplate& stage, const proto::JobSpec& spec, Json inputs) {
  Json side_files = Json::array();
  for (const proto::FileReference& file : spec.side_files) {
    side_files.push_back({file.name, file.sha256});
  }
  const Json all = {{"version", kKeyVersion},
                    {"plugin", spec.plugin.sha256},
                    {"job", spec.job_name},
                    {"parameters", Json(spec.parameters)},
                    {"side_files", std::move(side_files)},
                    {"options", stage.stage->options},
                    {"inputs", std::move(inputs)}};
  return worker::sha256_of_bytes(all.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

Result<StageJob> make_stage_job(const StageTemplate& stage, std::uint32_t round,
                                const StageResults& results, const InputSight& sight) {
  StageJob job;
  job.spec = stage.spec;
  fill_parameters(stage, round, results, &job.spec);
  FANFOLD_ASSIGN_OR_RETURN(Json inputs, fill_inputs(stage, round, results, sight, &job.spec));
  job.key = key_of(stage, job.spec, std::move(inputs));
  return job;
}

Status check_given_inputs(const StageTemplate& stage) {
  for (const std::string& input : stage.spec.inputs) {
    if (input.ends_with(kInputOfStage)) continue;
    const proto::JobSpec given = alone(stage, input);
    FANFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> on_hosts,
                             master::find_host_inputs(storage(), given));
    if (on_hosts.empty()) FANFOLD_RETURN_IF_ERROR(master::expand_inputs(storage(), given).status());
  }
  return {};
}

std::string name_of_round(const PipelineStage& stage, std::uint32_t round) {
  return stage.repeat ? stage.name + " (round " + std::to_string(round) + ")" : stage.name;
}

}  // namespace fanfold::cli
