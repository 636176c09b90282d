#include "cli/items/earlier_results.hpp"

#include <algorithm>
#include <exception>

#include "cli/items/item_job.hpp"
#include "cli/items/item_source.hpp"
#include "cli/items/json_array.hpp"
#include "cli/pipeline/small_files.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::cli {
namespace {

constexpr int kVersion = 1;

Status damaged(const std::string& path, const std::string& why) {
  return {StatusCode::kCorruption, path + " is damaged: " + why};
}

Result<Json> read_json(const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(const std::string text, read_small_file(path));
  Result<Json> json = items::parse_json(text);
  if (!json.ok()) return damaged(path, json.status().message());
  return json;
}

/// A plain name, whatever the file says.
std::string name_of_file(const Json& file) {
  const auto name = file.at("Key").get<std::string>();
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos) {
    throw std::runtime_error("'" + name + "' is no name of a file");
  }
  return name;
}

/// Throws what nlohmann-json throws when it is not as item_job_text() makes it.
void take_job(const Json& json, EarlierResults* earlier) {
  MapState& state = earlier->state;
  state.label = json.at("Label").get<std::string>();
  state.processor = json.at("Processor");
  state.context = json.at("Context");
  state.reader.path = json.at("Source").get<std::string>();
  state.concurrency_max = json.at("MaxConcurrency").get<std::uint32_t>();
  if (json.contains("ToleratedFailureCount")) {
    state.failures_max = json["ToleratedFailureCount"].get<std::uint64_t>();
  }
  if (json.contains("ToleratedFailuresPerMillion")) {
    state.failures_per_million = json["ToleratedFailuresPerMillion"].get<std::uint32_t>();
  }
  state.writer.transformation =
      static_cast<Transformation>(std::min(json.at("Transformation").get<unsigned>(), 2u));
  state.writer.json_lines = json.at("JsonLines").get<bool>();
  earlier->directory = json.at("Directory").get<std::string>();
}

void take_manifest(const Json& json, EarlierResults* earlier) {
  earlier->run = json.at("MapRun").get<std::string>();
  earlier->generation = json.at("Generation").get<std::uint64_t>();
  const Json& counts = json.at("Items");
  earlier->counts.total = counts.at("Total").get<std::uint64_t>();
  earlier->counts.succeeded = counts.at("Succeeded").get<std::uint64_t>();
  earlier->counts.failed = counts.at("Failed").get<std::uint64_t>();
  earlier->counts.skipped = counts.at("Skipped").get<std::uint64_t>();
  earlier->counts.pending = counts.at("Pending").get<std::uint64_t>();
  const Json& lists = json.at("ResultFiles");
  for (const Json& file : lists.at("SUCCEEDED")) earlier->succeeded.push_back(name_of_file(file));
  for (const char* kind : {"FAILED", "PENDING"}) {
    for (const Json& file : lists.at(kind)) earlier->unfinished.push_back(name_of_file(file));
  }
}

}  // namespace

std::string item_job_text(const MapState& state, const std::string& directory) {
  Json json = {{"Version", kVersion},
               {"Label", state.label},
               {"Processor", state.processor},
               {"Context", context_of_children(state)},
               {"Source", state.reader.path},
               {"MaxConcurrency", state.concurrency_max},
               {"Transformation", static_cast<unsigned>(state.writer.transformation)},
               {"JsonLines", state.writer.json_lines},
               {"Directory", directory}};
  if (state.failures_max) json["ToleratedFailureCount"] = *state.failures_max;
  if (state.failures_per_million) json["ToleratedFailuresPerMillion"] = *state.failures_per_million;
  return items::text_of(json) + "\n";
}

Result<EarlierResults> read_earlier_results(io::FileSystem& files, const std::string& output) {
  EarlierResults earlier;
  const std::string job_path = output + "/" + kItemJobName;
  if (!files.stat(job_path).ok()) {
    return Status(StatusCode::kNotFound,
                  output + " is no output of an item job: it has no " + kItemJobName);
  }
  FANFOLD_ASSIGN_OR_RETURN(const Json job, read_json(job_path));
  const std::string manifest_path = output + "/manifest.json";
  FANFOLD_ASSIGN_OR_RETURN(const Json manifest, read_json(manifest_path));
  try {
    if (job.at("Version") != kVersion) {
      return Status(StatusCode::kInvalidArgument,
                    job_path + " is of another version of fanfold; run the Map again");
    }
    take_job(job, &earlier);
    take_manifest(manifest, &earlier);
  } catch (const std::exception& error) {
    return damaged(output, error.what());
  }
  if (!earlier.unfinished.empty()) return earlier;
  return Status(StatusCode::kInvalidArgument,
                output +
                    " is complete: no item of it has failed or is pending, so there is "
                    "nothing to do again");
}

Result<ChildFile> write_unfinished(io::FileSystem& files, const EarlierResults& earlier,
                                   const std::string& output, const ChildFileOptions& options) {
  ChildFileWriter writer(files, options.path);
  FANFOLD_RETURN_IF_ERROR(writer.open());
  for (const std::string& name : earlier.unfinished) {
    const auto take = [&](const Json& entry) -> Result<bool> {
      if (options.interrupted && options.interrupted()) {
        return Status(StatusCode::kAborted, "interrupted while the items were read");
      }
      try {
        // A line feed or TAB in it would end a line of the file of children.
        const Result<Json> input = items::parse_json(entry.at("Input").get<std::string>());
        if (!input.ok()) return damaged(output + "/" + name, input.status().message());
        FANFOLD_RETURN_IF_ERROR(writer.add(entry.at("Index").get<std::uint64_t>(),
                                           entry.at("Items").get<std::uint64_t>(),
                                           items::text_of(*input)));
      } catch (const std::exception& error) {
        return damaged(output + "/" + name, error.what());
      }
      return true;
    };
    MapState source;
    source.reader.input =
        earlier.state.writer.json_lines ? ItemInput::kJsonLines : ItemInput::kJson;
    source.reader.path = output + "/" + name;
    FANFOLD_RETURN_IF_ERROR(for_each_item(files, source, take));
  }
  return writer.finish();
}

Status replace_plugin(const std::string& plugin, Json* processor) {
  FANFOLD_ASSIGN_OR_RETURN(const abi::Plugin described, worker::describe_plugin(plugin));
  FANFOLD_ASSIGN_OR_RETURN(const std::string sha256, worker::sha256_of(plugin));
  bool any = false;
  for (auto& [name, state] : processor->at("States").items()) {
    const auto job = state.find("Job");
    if (job == state.end()) continue;
    FANFOLD_RETURN_IF_ERROR(
        worker::find_job(described, job->at("Name").template get<std::string>(), plugin).status());
    (*job)["Plugin"] = plugin;
    (*job)["Sha256"] = sha256;
    any = true;
  }
  if (any) return {};
  return {StatusCode::kInvalidArgument,
          "--plugin makes no sense here: no Task of this Map runs a job of a plugin"};
}

}  // namespace fanfold::cli
