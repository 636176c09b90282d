#include "cli/items/map_json.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <set>
#include <vector>

#include "cli/items/json_fields.hpp"
#include "cli/items/processor_json.hpp"
#include "cli/items/reader_json.hpp"
#include "cli/text/suggest.hpp"

namespace fanfold::cli {
namespace {

constexpr std::uint64_t kBatchBytesMost = 16u << 20;
constexpr std::size_t kLabelBytes = 40;

const std::vector<std::string> kFields = {"Type",
                                          "Comment",
                                          "Label",
                                          "QueryLanguage",
                                          "InputPath",
                                          "ItemReader",
                                          "ItemsPath",
                                          "ItemSelector",
                                          "Parameters",
                                          "ItemBatcher",
                                          "MaxConcurrency",
                                          "MaxConcurrencyPath",
                                          "ToleratedFailureCount",
                                          "ToleratedFailureCountPath",
                                          "ToleratedFailurePercentage",
                                          "ToleratedFailurePercentagePath",
                                          "ItemProcessor",
                                          "Iterator",
                                          "ResultWriter",
                                          "End"};

/// Fields of the States Language that make no sense where one Map is all there is.
struct Pointless {
  const char* field;
  const char* why;
};
constexpr Pointless kPointless[] = {
    {"Next", "there is no state after the Map; its results are what ResultWriter writes"},
    {"ResultPath", "the results of the Map are what ResultWriter writes"},
    {"ResultSelector", "the results of the Map are what ResultWriter writes"},
    {"OutputPath", "the results of the Map are what ResultWriter writes"},
    {"Retry", "it would run all items again; a Retry belongs to the Task of the ItemProcessor"},
    {"Catch", "a Catch belongs to the Task of the ItemProcessor"},
    {"Items", "it belongs to JSONata; ItemsPath says where the items are"},
    {"Assign", "variables are not supported"},
    {"Output", "it belongs to JSONata"},
};

/// A Map state as such, or as the only state of a machine.
Result<Json> find_map(const Json& json) {
  if (!json.is_object()) return refuse_field("it has to be an object");
  if (!json.contains("States")) return json;
  FANFOLD_RETURN_IF_ERROR(check_known_fields(
      json, "a state machine",
      {"Comment", "StartAt", "States", "Version", "QueryLanguage", "TimeoutSeconds"}));
  if (json.contains("TimeoutSeconds")) {
    return refuse_field("'TimeoutSeconds' of a state machine: give it to the Task instead");
  }
  const Json& states = json["States"];
  if (!states.is_object() || states.size() != 1) {
    return refuse_field(
        "a state machine has to have one state, a Map; fanfold pipeline runs jobs "
        "one after the other");
  }
  FANFOLD_ASSIGN_OR_RETURN(const std::string start, text_field(json, "StartAt"));
  if (start != states.begin().key()) {
    return refuse_field("StartAt is '" + start + "', and there is no such state." +
                        did_you_mean(start, std::vector<std::string>{states.begin().key()}));
  }
  return states.begin().value();
}

Status check_fields(const Json& map) {
  if (!map.is_object() || map.value("Type", Json()) != "Map") {
    return refuse_field("it is no Map state: its \"Type\" has to be \"Map\"");
  }
  for (const Pointless& one : kPointless) {
    if (map.contains(one.field)) {
      return refuse_field(std::string("'") + one.field + "' cannot be used: " + one.why);
    }
  }
  FANFOLD_RETURN_IF_ERROR(check_known_fields(map, "a Map state", kFields));
  FANFOLD_RETURN_IF_ERROR(choice_field(map, "QueryLanguage", {"JSONPath"}).status());
  if (map.contains("End") && map["End"] != true) return refuse_field("'End' has to be true");
  for (const auto& [older, newer] :
       {std::pair{"Iterator", "ItemProcessor"}, std::pair{"Parameters", "ItemSelector"}}) {
    if (map.contains(older) && map.contains(newer)) {
      return refuse_field(std::string("'") + older + "' is the older name of '" + newer +
                          "': only one of them can be given");
    }
  }
  return {};
}

Result<std::string> read_label(const Json& map, const std::string& name) {
  FANFOLD_ASSIGN_OR_RETURN(std::string label, text_field(map, "Label"));
  if (label.empty()) return name.substr(0, kLabelBytes);
  const bool special = std::any_of(label.begin(), label.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
           std::string_view("?*<>{}[]:;,\\|^~$#%&`\"").find(c) != std::string_view::npos;
  });
  if (!special && label.size() <= kLabelBytes) return label;
  return refuse_field("the Label '" + label + "' has more than " + std::to_string(kLabelBytes) +
                      " bytes, or a character that a label cannot have");
}

/// The field itself, or what its "...Path" leads to; null: neither.
Result<Json> number_or_path(const Json& map, const std::string& name, const MapState& state) {
  const std::string by_path = name + "Path";
  if (!map.contains(by_path)) return map.value(name, Json());
  if (map.contains(name)) {
    return refuse_field("'" + name + "' and '" + by_path + "' cannot both be given");
  }
  FANFOLD_ASSIGN_OR_RETURN(const std::string text, text_field(map, by_path));
  const auto path = items::Path::parse(text);
  if (!path.ok()) return path.status().with_context("'" + by_path + "'");
  const auto value = path->value({state.input, state.context});
  if (!value.ok()) return value.status().with_context("'" + by_path + "'");
  return *value;
}

Status read_limits(const Json& map, MapState* state) {
  FANFOLD_ASSIGN_OR_RETURN(const Json concurrency, number_or_path(map, "MaxConcurrency", *state));
  if (!concurrency.is_null()) {
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
    FANFOLD_ASSIGN_OR_RETURN(const auto most,
                             whole_number(concurrency, "MaxConcurrency", {0, kMost}));
    state->concurrency_max = static_cast<std::uint32_t>(most);
  }
  FANFOLD_ASSIGN_OR_RETURN(const Json count, number_or_path(map, "ToleratedFailureCount", *state));
  if (!count.is_null()) {
    FANFOLD_ASSIGN_OR_RETURN(state->failures_max,
                             whole_number(count, "ToleratedFailureCount", {0, kItemsMost}));
  }
  FANFOLD_ASSIGN_OR_RETURN(const Json share,
                           number_or_path(map, "ToleratedFailurePercentage", *state));
  if (share.is_null()) return {};
  const double percent = share.is_number() ? share.get<double>() : -1;
  if (!(percent >= 0) || percent > 100) {
    return refuse_field("'ToleratedFailurePercentage' is " + items::text_of(share) +
                        "; it has to be a number from 0 to 100");
  }
  state->failures_per_million = static_cast<std::uint32_t>(percent * 10'000 + 0.5);
  return {};
}

Status read_batcher(const Json& map, MapState* state) {
  if (!map.contains("ItemBatcher")) return {};
  const Json& json = map["ItemBatcher"];
  FANFOLD_RETURN_IF_ERROR(
      check_known_fields(json, "ItemBatcher",
                         {"MaxItemsPerBatch", "MaxItemsPerBatchPath", "MaxInputBytesPerBatch",
                          "MaxInputBytesPerBatchPath", "BatchInput"}));
  FANFOLD_ASSIGN_OR_RETURN(const Json count, number_or_path(json, "MaxItemsPerBatch", *state));
  if (!count.is_null()) {
    FANFOLD_ASSIGN_OR_RETURN(state->batcher.items_max,
                             whole_number(count, "MaxItemsPerBatch", {1, kItemsMost}));
  }
  FANFOLD_ASSIGN_OR_RETURN(const Json bytes, number_or_path(json, "MaxInputBytesPerBatch", *state));
  if (!bytes.is_null()) {
    FANFOLD_ASSIGN_OR_RETURN(state->batcher.bytes_max,
                             whole_number(bytes, "MaxInputBytesPerBatch", {1, kBatchBytesMost}));
  }
  if (!state->batcher.batches()) {
    return refuse_field("ItemBatcher needs MaxItemsPerBatch, MaxInputBytesPerBatch, or both");
  }
  if (!json.contains("BatchInput")) return {};
  const auto payload = items::Payload::parse(json["BatchInput"]);
  if (!payload.ok()) return payload.status().with_context("BatchInput");
  auto expanded = payload->expand({state->input, state->context});
  if (!expanded.ok()) return expanded.status().with_context("BatchInput");
  state->batcher.batch_input = *std::move(expanded);
  return {};
}

Status read_selector(const Json& map, MapState* state) {
  const char* const name = map.contains("Parameters") ? "Parameters" : "ItemSelector";
  if (!map.contains(name)) return {};
  auto payload = items::Payload::parse(map[name]);
  if (!payload.ok()) return payload.status().with_context(name);
  state->item_selector = *std::move(payload);
  return {};
}

Status read_input(const Json& map, const MapText& text, MapState* state) {
  state->input = text.input;
  state->context = {{"Execution", {{"Input", text.input}}}, {"State", {{"Name", text.name}}}};
  if (!map.contains("InputPath")) return {};
  if (map["InputPath"].is_null()) {
    state->input = Json::object();
    return {};
  }
  FANFOLD_ASSIGN_OR_RETURN(const std::string word, text_field(map, "InputPath"));
  const auto path = items::Path::parse(word);
  if (!path.ok()) return path.status().with_context("'InputPath'");
  auto value = path->value({text.input, state->context});
  if (!value.ok()) return value.status().with_context("'InputPath'");
  state->input = *std::move(value);
  return {};
}

Result<MapState> map_state(const Surroundings& surroundings, const MapText& text) {
  FANFOLD_ASSIGN_OR_RETURN(const Json json, items::parse_json_strictly(text.json));
  FANFOLD_ASSIGN_OR_RETURN(const Json map, find_map(json));
  FANFOLD_RETURN_IF_ERROR(check_fields(map));
  MapState state;
  FANFOLD_ASSIGN_OR_RETURN(state.label, read_label(map, text.name));
  FANFOLD_RETURN_IF_ERROR(read_input(map, text, &state));
  const Places places = {surroundings.working_directory, text.buckets};
  FANFOLD_RETURN_IF_ERROR(read_reader(map, places, &state));
  FANFOLD_RETURN_IF_ERROR(read_writer(map, places, &state));
  FANFOLD_RETURN_IF_ERROR(read_selector(map, &state));
  FANFOLD_RETURN_IF_ERROR(read_batcher(map, &state));
  FANFOLD_RETURN_IF_ERROR(read_limits(map, &state));
  const char* const processor = map.contains("Iterator") ? "Iterator" : "ItemProcessor";
  if (!map.contains(processor)) return refuse_field("it has no ItemProcessor");
  FANFOLD_ASSIGN_OR_RETURN(state.processor, parse_processor(surroundings, map[processor]));
  return state;
}

}  // namespace

Result<MapState> parse_map_state(const Surroundings& surroundings, const MapText& text) {
  Result<MapState> state = map_state(surroundings, text);
  if (!state.ok()) {
    // Whatever is wrong with a file of the user's is a wrong argument.
    return Status(StatusCode::kInvalidArgument, text.name + ": " + state.status().message());
  }
  return state;
}

}  // namespace fanfold::cli
