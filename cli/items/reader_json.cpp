#include "cli/items/reader_json.hpp"

#include <algorithm>
#include <vector>

#include "cli/items/json_fields.hpp"
#include "cli/job/job_spec.hpp"
#include "cli/text/suggest.hpp"
#include "common/items/payload.hpp"

namespace fanfold::cli {
namespace {

const std::vector<std::string> kFileResources = {"fanfold:file", "arn:aws:states:::s3:getObject"};
const std::vector<std::string> kListResources = {"fanfold:directory",
                                                 "arn:aws:states:::s3:listObjectsV2"};
const std::vector<std::string> kWriteResources = {"fanfold:directory",
                                                  "arn:aws:states:::s3:putObject"};

bool is_one_of(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// Path, or Bucket with `key` (Key or Prefix).
Result<std::string> path_from(const Json& parameters, const std::string& what,
                              const std::string& key, const Places& places) {
  FANFOLD_RETURN_IF_ERROR(check_known_fields(parameters, what, {"Path", "Bucket", key}));
  FANFOLD_ASSIGN_OR_RETURN(const std::string path, text_field(parameters, "Path"));
  FANFOLD_ASSIGN_OR_RETURN(const std::string bucket, text_field(parameters, "Bucket"));
  FANFOLD_ASSIGN_OR_RETURN(const std::string name, text_field(parameters, key));
  if (path.empty() == bucket.empty()) {
    return refuse_field(what + " need either Path, or Bucket and " + key);
  }
  if (!path.empty()) {
    if (!name.empty()) return refuse_field(what + ": '" + key + "' goes with a Bucket");
    return absolute_path(places.working_directory, path);
  }
  const auto directory = places.buckets.find(bucket);
  if (directory == places.buckets.end()) {
    return refuse_field(what + ": nothing says which directory the bucket '" + bucket +
                        "' is; write --bucket " + bucket + "=DIR");
  }
  if (name.empty() && key == "Key") return refuse_field(what + " lack the Key");
  if (("/" + name + "/").find("/../") != std::string::npos) {
    return refuse_field(what + ": '" + name + "' leads out of its bucket");
  }
  return absolute_path(places.working_directory, directory->second + "/" + name);
}

Result<Json> parameters_of(const Json& json, const std::string& what, const MapState& state) {
  if (!json.contains("Parameters")) return refuse_field(what + " has no Parameters");
  const auto payload = items::Payload::parse(json["Parameters"]);
  if (!payload.ok()) return payload.status().with_context("Parameters of " + what);
  auto expanded = payload->expand({state.input, state.context});
  if (!expanded.ok()) return expanded.status().with_context("Parameters of " + what);
  return expanded;
}

Status read_csv(const Json& config, ItemReader* reader) {
  FANFOLD_ASSIGN_OR_RETURN(const std::string location,
                           choice_field(config, "CSVHeaderLocation", {"FIRST_ROW", "GIVEN"}));
  reader->header_in_first_row = location == "FIRST_ROW";
  FANFOLD_ASSIGN_OR_RETURN(
      const std::string delimiter,
      choice_field(config, "CSVDelimiter", {"COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"}));
  reader->delimiter = delimiter == "COMMA"       ? ','
                      : delimiter == "PIPE"      ? '|'
                      : delimiter == "SEMICOLON" ? ';'
                      : delimiter == "SPACE"     ? ' '
                                                 : '\t';
  if (!config.contains("CSVHeaders")) {
    if (reader->header_in_first_row) return {};
    return refuse_field("CSVHeaderLocation is GIVEN, but there are no CSVHeaders");
  }
  if (reader->header_in_first_row) {
    return refuse_field("CSVHeaders are for \"CSVHeaderLocation\": \"GIVEN\"");
  }
  const Json& headers = config["CSVHeaders"];
  if (!headers.is_array() || headers.empty()) return refuse_field("'CSVHeaders' has to be a list");
  for (const Json& one : headers) {
    if (!one.is_string()) return refuse_field("'CSVHeaders' holds something that is no text");
    if (is_one_of(reader->headers, one.get<std::string>())) {
      return refuse_field("'CSVHeaders' names '" + one.get<std::string>() + "' twice");
    }
    reader->headers.push_back(one.get<std::string>());
  }
  return {};
}

/// "/a/b" of RFC 6901.
Status read_pointer(const Json& config, ItemReader* reader) {
  FANFOLD_ASSIGN_OR_RETURN(const std::string pointer, text_field(config, "ItemsPointer"));
  if (pointer.empty()) return {};
  if (pointer[0] != '/') {
    return refuse_field("'ItemsPointer' is '" + pointer + "'; it has to begin with '/'");
  }
  for (std::size_t at = 1; at <= pointer.size();) {
    const std::size_t end = std::min(pointer.find('/', at), pointer.size());
    std::string name;
    for (std::size_t i = at; i < end; ++i) {
      const bool escaped = pointer[i] == '~' && i + 1 < end;
      name += !escaped ? pointer[i] : pointer[++i] == '1' ? '/' : '~';
    }
    reader->pointer.push_back(std::move(name));
    at = end + 1;
  }
  return {};
}

Status read_max_items(const Json& config, MapState* state) {
  Json most = config.value("MaxItems", Json());
  if (config.contains("MaxItemsPath")) {
    if (!most.is_null()) return refuse_field("'MaxItems' and 'MaxItemsPath' cannot both be given");
    FANFOLD_ASSIGN_OR_RETURN(const std::string text, text_field(config, "MaxItemsPath"));
    FANFOLD_ASSIGN_OR_RETURN(const items::Path path, items::Path::parse(text));
    const auto value = path.value({state->input, state->context});
    if (!value.ok()) return value.status().with_context("'MaxItemsPath'");
    most = *value;
  }
  if (most.is_null()) return {};
  FANFOLD_ASSIGN_OR_RETURN(state->reader.items_max,
                           whole_number(most, "MaxItems", {0, kItemsMost}));
  return {};
}

Status read_file_config(const Json& config, MapState* state) {
  ItemReader& reader = state->reader;
  const std::vector<std::string> types = {"JSON", "JSONL", "CSV", "MANIFEST"};
  if (!config.contains("InputType")) {
    return refuse_field("ReaderConfig does not say which InputType the file is: " +
                        join_words(types, " or "));
  }
  FANFOLD_ASSIGN_OR_RETURN(const std::string type, choice_field(config, "InputType", types));
  const auto of_type = [&](const char* field, const char* needed) -> Status {
    if (!config.contains(field) || type == needed) return {};
    return refuse_field(std::string("'") + field + "' is for \"InputType\": \"" + needed + "\"");
  };
  for (const char* field : {"CSVHeaderLocation", "CSVHeaders", "CSVDelimiter"}) {
    FANFOLD_RETURN_IF_ERROR(of_type(field, "CSV"));
  }
  FANFOLD_RETURN_IF_ERROR(of_type("ItemsPointer", "JSON"));
  if (type == "CSV") {
    reader.input = ItemInput::kCsv;
    return read_csv(config, &reader);
  }
  reader.input = type == "JSON"    ? ItemInput::kJson
                 : type == "JSONL" ? ItemInput::kJsonLines
                                   : ItemInput::kManifest;
  return type == "JSON" ? read_pointer(config, &reader) : Status();
}

Status read_item_reader(const Json& json, const Places& places, MapState* state) {
  FANFOLD_RETURN_IF_ERROR(
      check_known_fields(json, "ItemReader", {"Resource", "Parameters", "ReaderConfig"}));
  const Json config = json.value("ReaderConfig", Json::object());
  FANFOLD_RETURN_IF_ERROR(
      check_known_fields(config, "ReaderConfig",
                         {"InputType", "CSVHeaderLocation", "CSVHeaders", "CSVDelimiter",
                          "ItemsPointer", "MaxItems", "MaxItemsPath"}));
  FANFOLD_RETURN_IF_ERROR(read_max_items(config, state));
  FANFOLD_ASSIGN_OR_RETURN(const std::string resource, text_field(json, "Resource"));
  FANFOLD_ASSIGN_OR_RETURN(const Json parameters, parameters_of(json, "ItemReader", *state));
  const std::string what = "Parameters of ItemReader";
  if (is_one_of(kFileResources, resource)) {
    FANFOLD_ASSIGN_OR_RETURN(state->reader.path, path_from(parameters, what, "Key", places));
    return read_file_config(config, state);
  }
  if (is_one_of(kListResources, resource)) {
    for (const auto& [name, value] : config.items()) {
      if (!name.starts_with("MaxItems")) {
        return refuse_field("'" + name + "' makes no sense for a listing of files");
      }
    }
    state->reader.input = ItemInput::kListing;
    FANFOLD_ASSIGN_OR_RETURN(state->reader.path, path_from(parameters, what, "Prefix", places));
    return {};
  }
  std::vector<std::string> known = kFileResources;
  known.insert(known.end(), kListResources.begin(), kListResources.end());
  return refuse_field("the Resource of ItemReader is '" + resource + "'; it has to be " +
                      join_words(known, " or ") + "." + did_you_mean(resource, known));
}

}  // namespace

Status read_reader(const Json& map, const Places& places, MapState* state) {
  if (map.contains("ItemReader")) {
    FANFOLD_RETURN_IF_ERROR(read_item_reader(map["ItemReader"], places, state));
  }
  if (!map.contains("ItemsPath")) return {};
  FANFOLD_ASSIGN_OR_RETURN(const std::string text, text_field(map, "ItemsPath"));
  const auto path = items::Path::parse(text);
  if (!path.ok()) return path.status().with_context("'ItemsPath'");
  state->items_path = *path;
  if (state->reader.input == ItemInput::kState) return {};
  if (state->reader.input != ItemInput::kJson || !state->reader.pointer.empty()) {
    return refuse_field(
        "'ItemsPath' selects within JSON; with this ItemReader there is nothing "
        "to select");
  }
  const std::optional<std::vector<std::string>> names = path->names();
  if (!names) return refuse_field("'ItemsPath' has to lead through names into the file: " + text);
  state->reader.pointer = *names;
  return {};
}

Status read_writer(const Json& map, const Places& places, MapState* state) {
  if (!map.contains("ResultWriter")) return {};
  const Json& json = map["ResultWriter"];
  ResultWriter& writer = state->writer;
  FANFOLD_RETURN_IF_ERROR(
      check_known_fields(json, "ResultWriter", {"Resource", "Parameters", "WriterConfig"}));
  writer.transformation = Transformation::kNone;
  if (json.contains("Resource")) {
    FANFOLD_ASSIGN_OR_RETURN(const std::string resource, text_field(json, "Resource"));
    if (!is_one_of(kWriteResources, resource)) {
      return refuse_field("the Resource of ResultWriter is '" + resource + "'; it has to be " +
                          join_words(kWriteResources, " or ") + "." +
                          did_you_mean(resource, kWriteResources));
    }
    FANFOLD_ASSIGN_OR_RETURN(const Json parameters, parameters_of(json, "ResultWriter", *state));
    FANFOLD_ASSIGN_OR_RETURN(writer.path,
                             path_from(parameters, "Parameters of ResultWriter", "Prefix", places));
  } else if (json.contains("Parameters")) {
    return refuse_field("ResultWriter has Parameters but no Resource");
  }
  const Json config = json.value("WriterConfig", Json::object());
  FANFOLD_RETURN_IF_ERROR(
      check_known_fields(config, "WriterConfig", {"Transformation", "OutputType"}));
  FANFOLD_ASSIGN_OR_RETURN(const std::string transformation,
                           choice_field(config, "Transformation", {"NONE", "COMPACT", "FLATTEN"}));
  writer.transformation = transformation == "NONE"      ? Transformation::kNone
                          : transformation == "COMPACT" ? Transformation::kCompact
                                                        : Transformation::kFlatten;
  FANFOLD_ASSIGN_OR_RETURN(const std::string type,
                           choice_field(config, "OutputType", {"JSON", "JSONL"}));
  writer.json_lines = type == "JSONL";
  return {};
}

}  // namespace fanfold::cli
