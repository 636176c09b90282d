#include "cli/pipeline/stage_json.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/text/suggest.hpp"
#include "common/io/manifest.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

/// Fields in the order of the file: of preferred hosts the first that match count.
using Json = nlohmann::ordered_json;

constexpr std::uint64_t kRoundsMax = 10'000;

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

Status check_fields(const Json& json, const std::string& what,
                    const std::vector<std::string>& known) {
  if (!json.is_object()) return refuse(what + " has to be an object, not " + json.dump());
  for (const auto& [name, value] : json.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return refuse(what + " has no field '" + name + "'." + did_you_mean(name, known));
    }
  }
  return {};
}

/// Strings as they are, numbers and booleans as they are written.
Result<std::string> word_of(const std::string& what, const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number() || json.is_boolean()) return json.dump();
  return refuse(what + " has to be a string or a number, not " + json.dump());
}

Result<std::string> text_of(const Json& json, const std::string& field) {
  const auto found = json.find(field);
  if (found == json.end()) return std::string();
  if (!found->is_string() || found->get_ref<const std::string&>().empty()) {
    return refuse("'" + field + "' has to be a string, not " + found->dump());
  }
  return found->get<std::string>();
}

/// "stage" or "previous" of an object that names an earlier job.
Result<StageSource> source_of(const Json& json, const std::string& what) {
  StageSource source;
  FANFOLD_ASSIGN_OR_RETURN(source.stage, text_of(json, "stage"));
  FANFOLD_ASSIGN_OR_RETURN(source.output, text_of(json, "output"));
  const auto previous = json.find("previous");
  if (previous != json.end() && *previous != true) {
    return refuse("'previous' of " + what + " can only be true");
  }
  if ((previous == json.end()) == source.stage.empty()) {
    return refuse(what + " needs either \"stage\": NAME or, in 'repeat', \"previous\": true");
  }
  return source;
}

Result<StageInput> parse_input(const Json& json) {
  StageInput input;
  if (json.is_string()) {
    input.word = json.get<std::string>();
    if (input.word == "-" || input.word.ends_with("=-")) {
      return refuse("an input cannot be standard input ('-'): a second run could not read it");
    }
    return input;
  }
  const std::string what = "an input";
  FANFOLD_RETURN_IF_ERROR(check_fields(json, what, {"stage", "previous", "tag", "output"}));
  FANFOLD_ASSIGN_OR_RETURN(input.source, source_of(json, what));
  FANFOLD_ASSIGN_OR_RETURN(input.word, text_of(json, "tag"));
  return input;
}

Result<std::vector<StageInput>> parse_inputs(const Json& json) {
  std::vector<StageInput> inputs;
  if (!json.is_array() || json.empty()) {
    return refuse("'inputs' has to be a list, such as [\"data/*.txt\", {\"stage\": \"counts\"}]");
  }
  for (const Json& one : json) {
    FANFOLD_ASSIGN_OR_RETURN(StageInput input, parse_input(one));
    inputs.push_back(std::move(input));
  }
  return inputs;
}

Result<CounterParameter> parse_counter(const std::string& name, const Json& json) {
  const std::string what = "parameter '" + name + "'";
  FANFOLD_RETURN_IF_ERROR(check_fields(json, what, {"stage", "previous", "counter"}));
  CounterParameter parameter;
  parameter.name = name;
  FANFOLD_ASSIGN_OR_RETURN(parameter.source, source_of(json, what));
  FANFOLD_ASSIGN_OR_RETURN(parameter.counter, text_of(json, "counter"));
  if (parameter.counter.empty()) return refuse(what + " does not say which 'counter' it is");
  return parameter;
}

/// {"name": "value"} as words, counters apart.
Status take_named(const std::string& flag, const Json& json, PipelineStage* stage) {
  if (!json.is_object()) {
    return refuse("'" + flag + "' has to be an object, such as {\"NAME\": \"VALUE\"}");
  }
  for (const auto& [name, value] : json.items()) {
    if (flag == "param" && value.is_object()) {
      FANFOLD_ASSIGN_OR_RETURN(CounterParameter parameter, parse_counter(name, value));
      stage->parameters.push_back(std::move(parameter));
      continue;
    }
    FANFOLD_ASSIGN_OR_RETURN(const std::string word, word_of("'" + name + "'", value));
    stage->options.insert(stage->options.end(), {"--" + flag, name + "=" + word});
  }
  return {};
}

Status take_option(const Flag& flag, const Json& value, PipelineStage* stage) {
  if (flag.name == "output") {
    FANFOLD_ASSIGN_OR_RETURN(stage->output, word_of("'output'", value));
    return stage->output.empty() ? refuse("'output' is empty") : Status();
  }
  if (flag.repeatable) return take_named(flag.name, value, stage);
  if (flag.value_name.empty()) {
    if (!value.is_boolean()) return refuse("'" + flag.name + "' has to be true or false");
    if (value.get<bool>()) stage->options.push_back("--" + flag.name);
    return {};
  }
  std::string word;
  if (flag.name == "retry" && value.is_structured()) {
    word = value.dump();
  } else {
    FANFOLD_ASSIGN_OR_RETURN(word, word_of("'" + flag.name + "'", value));
  }
  // With '=' a value may begin with '-'.
  stage->options.push_back("--" + flag.name + "=" + word);
  return {};
}

Result<Repeat> parse_repeat(const Json& json) {
  FANFOLD_RETURN_IF_ERROR(check_fields(json, "'repeat'", {"times", "inputs", "param", "until"}));
  Repeat repeat;
  if (!json.contains("times")) return refuse("'repeat' does not say how many 'times' at most");
  FANFOLD_ASSIGN_OR_RETURN(const std::string times, word_of("'times'", json["times"]));
  const Result<std::uint64_t> count = parse_count(times, 1, kRoundsMax);
  if (!count.ok()) return refuse("'times': " + count.status().message());
  repeat.times_max = static_cast<std::uint32_t>(*count);
  if (json.contains("inputs")) {
    FANFOLD_ASSIGN_OR_RETURN(repeat.inputs, parse_inputs(json["inputs"]));
  } else {
    repeat.inputs.push_back({"", StageSource{}});
  }
  if (json.contains("param")) {
    if (!json["param"].is_object()) return refuse("'param' has to be an object");
    for (const auto& [name, value] : json["param"].items()) {
      FANFOLD_ASSIGN_OR_RETURN(CounterParameter parameter, parse_counter(name, value));
      repeat.parameters.push_back(std::move(parameter));
    }
  }
  if (json.contains("until")) {
    const Json& until = json["until"];
    FANFOLD_RETURN_IF_ERROR(check_fields(until, "'until'", {"counter", "at-most"}));
    FANFOLD_ASSIGN_OR_RETURN(repeat.until_counter, text_of(until, "counter"));
    if (repeat.until_counter.empty()) return refuse("'until' does not say which 'counter'");
    if (!until.contains("at-most") || !until["at-most"].is_number_integer()) {
      return refuse("'until' needs \"at-most\" with a whole number");
    }
    repeat.until_at_most = until["at-most"].get<std::int64_t>();
  }
  return repeat;
}

Status take_stage_field(const std::string& name, const Json& value, std::span<const Flag> options,
                        PipelineStage* stage) {
  if (name == "name" || name == "job") return {};
  if (name == "inputs") {
    FANFOLD_ASSIGN_OR_RETURN(stage->inputs, parse_inputs(value));
    return {};
  }
  if (name == "repeat") {
    FANFOLD_ASSIGN_OR_RETURN(stage->repeat, parse_repeat(value));
    return {};
  }
  for (const Flag& flag : options) {
    if (flag.name == name) return take_option(flag, value, stage);
  }
  std::vector<std::string> known = {"name", "job", "inputs", "repeat"};
  for (const Flag& flag : options) known.push_back(flag.name);
  return refuse("it has no field '" + name + "'." + did_you_mean(name, known));
}

Status read_stage(const Json& json, std::span<const Flag> options, PipelineStage* stage) {
  FANFOLD_ASSIGN_OR_RETURN(stage->job, text_of(json, "job"));
  for (const auto& [name, value] : json.items()) {
    FANFOLD_RETURN_IF_ERROR(take_stage_field(name, value, options, stage));
  }
  if (stage->job.empty()) return refuse("it does not say which 'job' to run");
  if (stage->inputs.empty()) return refuse("it has no 'inputs'");
  return {};
}

}  // namespace

Result<PipelineStage> parse_stage(const std::string& text, std::span<const Flag> options) {
  const Json json = Json::parse(text);
  if (!json.is_object()) return refuse("a stage has to be an object, not " + json.dump());
  PipelineStage stage;
  const Result<std::string> name = text_of(json, "name");
  if (!name.ok()) return name.status().with_context("a stage");
  if (name->empty()) return refuse("a stage has no 'name': " + json.dump().substr(0, 80));
  if (!io::is_output_name(*name) || name->size() > 64) {
    return refuse("'" + *name +
                  "' cannot name a stage: use up to 64 letters, digits, '.', '_' and '-', "
                  "beginning with a letter or digit");
  }
  stage.name = *name;
  Status status = read_stage(json, options, &stage);
  if (!status.ok()) return std::move(status).with_context("stage '" + stage.name + "'");
  return stage;
}

}  // namespace fanfold::cli
