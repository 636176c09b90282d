#include "common/io/manifest.hpp"

#include <charconv>
#include <ctime>
#include <nlohmann/json.hpp>

#include "common/io/pairs_file.hpp"

namespace fanfold::io {
namespace {

using Json = nlohmann::ordered_json;

template <class Enum>
struct Name {
  Enum value;
  const char* text;
};

constexpr Name<abi::Partitioning> kPartitionings[] = {{abi::Partitioning::kHash, "hash"},
                                                      {abi::Partitioning::kRange, "range"},
                                                      {abi::Partitioning::kCustom, "custom"}};
constexpr Name<abi::OutputFormat> kOutputFormats[] = {{abi::OutputFormat::kText, "text"},
                                                      {abi::OutputFormat::kJsonLines, "jsonl"},
                                                      {abi::OutputFormat::kBinary, "binary"}};
constexpr Name<PartCompression> kCompressions[] = {{PartCompression::kNone, "none"},
                                                   {PartCompression::kGzip, "gzip"},
                                                   {PartCompression::kZstd, "zstd"}};

template <class Enum, std::size_t N>
const char* text_of(const Name<Enum> (&names)[N], Enum value) {
  for (const auto& name : names) {
    if (name.value == value) return name.text;
  }
  return "unknown";
}

std::string hex(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4) text[i] = kDigits[value & 15];
  return text;
}

/// "2024-05-06T07:08:09.123Z"
std::string utc(std::uint64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  const std::string fraction = std::to_string(1000 + unix_ms % 1000).substr(1);
  return std::string(text, size) + "." + fraction + "Z";
}

Json pairs_json(const abi::BlockSummary& pairs) {
  Json json;
  json["pairs"] = pairs.records;
  json["sum"] = hex(pairs.sum);
  json["exclusive_or"] = hex(pairs.exclusive_or);
  return json;
}

Json ledger_json(const Ledger& ledger) {
  Json json;
  json["input_files"] = ledger.input_files;
  json["input_bytes"] = ledger.input_bytes;
  json["input_covered"] = ledger.input_covered;
  json["records_mapped"] = ledger.records_mapped;
  if (ledger.records_skipped != 0) json["records_skipped"] = ledger.records_skipped;
  if (ledger.dead_letters != 0) json["dead_letters"] = ledger.dead_letters;
  if (ledger.maps_compared != 0) json["maps_compared"] = ledger.maps_compared;
  json["pairs_emitted"] = ledger.pairs_emitted;
  json["written"] = pairs_json(ledger.pairs_written);
  json["read"] = pairs_json(ledger.pairs_read);
  return json;
}

Json run_json(const ManifestRun& run) {
  Json json;
  json["job_id"] = run.job_id;
  json["client_id"] = run.client_id;
  json["submitted_by"] = run.submitted_by;
  json["map_tasks"] = run.map_tasks;
  json["reduce_tasks"] = run.reduce_tasks;
  if (run.gather_tasks != 0) json["gather_tasks"] = run.gather_tasks;
  json["failed_attempts"] = run.failed_attempts;
  json["lost_attempts"] = run.lost_attempts;
  json["speculative_attempts"] = run.speculative_attempts;
  if (!run.shuffle.empty()) {
    json["shuffle"] = {
        {"mode", run.shuffle}, {"early_bytes", run.early_bytes}, {"late_bytes", run.late_bytes}};
  }
  json["wall_ms"] = run.wall_ms;
  if (run.started_unix_ms != 0) {
    json["started_unix_ms"] = run.started_unix_ms;
    json["started"] = utc(run.started_unix_ms);
  }
  if (run.finished_unix_ms != 0) {
    json["finished_unix_ms"] = run.finished_unix_ms;
    json["finished"] = utc(run.finished_unix_ms);
  }
  if (run.ledger) json["ledger"] = ledger_json(*run.ledger);
  return json;
}

Json counters_json(const std::map<std::string, std::int64_t>& counters) {
  Json json = Json::object();
  for (const auto& [name, value] : counters) json[name] = value;
  return json;
}

Json files_json(const std::vector<PartInfo>& files) {
  Json json = Json::array();
  for (const PartInfo& file : files) {
    json.push_back({{"name", file.name},
                    {"bytes", file.bytes},
                    {"records", file.records},
                    {"xxh3_64", hex(file.checksum)}});
  }
  return json;
}

/// Takes fields out of a JSON object; remembers the first that is missing or of another type.
class Fields {
 public:
  Fields(const Json& object, std::string& problem) : object_(object), problem_(problem) {
    if (!object_.is_object()) fail("not an object");
  }

  void take(const char* name, std::string& value) {
    if (const Json* field = find(name, &Json::is_string)) value = field->get<std::string>();
  }
  void take(const char* name, bool& value) {
    if (const Json* field = find(name, &Json::is_boolean)) value = field->get<bool>();
  }
  template <std::unsigned_integral T>
  void take(const char* name, T& value) {
    const Json* const field = find(name, &Json::is_number_unsigned);
    if (field == nullptr) return;
    const auto number = field->get<std::uint64_t>();
    if (number > std::numeric_limits<T>::max()) return fail(name);
    value = static_cast<T>(number);
  }
  template <class Enum, std::size_t N>
  void take(const char* name, const Name<Enum> (&names)[N], Enum& value) {
    std::string text;
    take(name, text);
    for (const auto& known : names) {
      if (text == known.text) {
        value = known.value;
        return;
      }
    }
    fail(name);
  }
  void take_checksum(const char* name, std::uint64_t& value) {
    std::string text;
    take(name, text);
    const auto end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value, 16);
    if (text.size() != 16 || parsed.ec != std::errc() || parsed.ptr != end) fail(name);
  }
  /// A field that older or other runs leave out.
  template <std::unsigned_integral T>
  void take_if_there(const char* name, T& value) {
    if (object_.is_object() && object_.contains(name)) take(name, value);
  }
  const Json* object(const char* name) { return find(name, &Json::is_object); }
  const Json* object_if_there(const char* name) {
    return object_.is_object() && object_.contains(name) ? object(name) : nullptr;
  }
  const Json* array(const char* name) { return find(name, &Json::is_array); }
  void fail(const std::string& name) {
    if (problem_.empty()) problem_ = name;
  }

 private:
  const Json* find(const char* name, bool (Json::*of_type)() const noexcept) {
    if (!object_.is_object()) return nullptr;
    const auto found = object_.find(name);
    if (found != object_.end() && ((*found).*of_type)()) return &*found;
    fail(name);
    return nullptr;
  }

  const Json& object_;
  std::string& problem_;
};

void take_files(Fields& fields, bool is_name(std::string_view), std::vector<PartInfo>& files,
                std::string& problem) {
  const Json* const array = fields.array("files");
  if (array == nullptr) return;
  for (const Json& entry : *array) {
    PartInfo file;
    Fields of_file(entry, problem);
    of_file.take("name", file.name);
    of_file.take("bytes", file.bytes);
    of_file.take("records", file.records);
    of_file.take_checksum("xxh3_64", file.checksum);
    if (!is_name(file.name)) of_file.fail("file name");
    if (!problem.empty()) return;
    files.push_back(std::move(file));
  }
}

void take_counters(Fields& fields, std::map<std::string, std::int64_t>& taken) {
  const Json* const counters = fields.object("counters");
  if (counters == nullptr) return;
  for (const auto& [name, value] : counters->items()) {
    if (!value.is_number_integer()) return fields.fail("counters");
    taken[name] = value.get<std::int64_t>();
  }
}

void take_texts(Fields& fields, Manifest& manifest) {
  if (const Json* parameters = fields.object("parameters")) {
    for (const auto& [name, value] : parameters->items()) {
      if (!value.is_string()) return fields.fail("parameters");
      manifest.parameters[name] = value.get<std::string>();
    }
  }
  if (const Json* inputs = fields.array("inputs")) {
    for (const Json& input : *inputs) {
      if (!input.is_string()) return fields.fail("inputs");
      manifest.inputs.push_back(input.get<std::string>());
    }
  }
  take_counters(fields, manifest.counters);
}

void take_kept(const Json& json, KeptPairs& kept, std::string& problem) {
  Fields fields(json, problem);
  const auto is_name = [](std::string_view name) {
    return parse_pairs_file_name(name).has_value();
  };
  take_files(fields, is_name, kept.files, problem);
  take_counters(fields, kept.counters);
}

void take_gathered(const Json& json, Gathered& gathered, std::string& problem) {
  Fields fields(json, problem);
  fields.take("strategy", gathered.how);
  fields.take("parts", gathered.parts);
  fields.take("records", gathered.records);
}

void take_pairs(const Json& json, abi::BlockSummary& pairs, std::string& problem) {
  Fields fields(json, problem);
  fields.take("pairs", pairs.records);
  fields.take_checksum("sum", pairs.sum);
  fields.take_checksum("exclusive_or", pairs.exclusive_or);
}

void take_ledger(const Json& json, Ledger& ledger, std::string& problem) {
  Fields fields(json, problem);
  fields.take("input_files", ledger.input_files);
  fields.take("input_bytes", ledger.input_bytes);
  fields.take("input_covered", ledger.input_covered);
  fields.take("records_mapped", ledger.records_mapped);
  fields.take_if_there("records_skipped", ledger.records_skipped);
  fields.take_if_there("dead_letters", ledger.dead_letters);
  fields.take_if_there("maps_compared", ledger.maps_compared);
  fields.take("pairs_emitted", ledger.pairs_emitted);
  if (const Json* pairs = fields.object("written")) {
    take_pairs(*pairs, ledger.pairs_written, problem);
  }
  if (const Json* pairs = fields.object("read")) take_pairs(*pairs, ledger.pairs_read, problem);
}

void take_shuffle(const Json& json, ManifestRun& run, std::string& problem) {
  Fields fields(json, problem);
  fields.take("mode", run.shuffle);
  fields.take("early_bytes", run.early_bytes);
  fields.take("late_bytes", run.late_bytes);
}

void take_run(const Json& json, ManifestRun& run, std::string& problem) {
  Fields fields(json, problem);
  fields.take("job_id", run.job_id);
  fields.take("client_id", run.client_id);
  fields.take("submitted_by", run.submitted_by);
  fields.take("map_tasks", run.map_tasks);
  fields.take("reduce_tasks", run.reduce_tasks);
  fields.take_if_there("gather_tasks", run.gather_tasks);
  fields.take("failed_attempts", run.failed_attempts);
  fields.take("lost_attempts", run.lost_attempts);
  fields.take("speculative_attempts", run.speculative_attempts);
  if (const Json* shuffle = fields.object_if_there("shuffle")) {
    take_shuffle(*shuffle, run, problem);
  }
  fields.take("wall_ms", run.wall_ms);
  fields.take_if_there("started_unix_ms", run.started_unix_ms);
  fields.take_if_there("finished_unix_ms", run.finished_unix_ms);
  if (const Json* ledger = fields.object_if_there("ledger")) {
    take_ledger(*ledger, run.ledger.emplace(), problem);
  }
}

}  // namespace

std::string to_json(const Manifest& manifest) {
  Json json;
  json["format_version"] = manifest.format_version;
  if (manifest.generation != 1) json["generation"] = manifest.generation;
  json["job"] = manifest.job_name;
  json["plugin_sha256"] = manifest.plugin_sha256;
  json["parameters"] = Json::object();
  for (const auto& [name, value] : manifest.parameters) json["parameters"][name] = value;
  json["inputs"] = manifest.inputs;
  json["partitions"] = manifest.partitions;
  json["partitioning"] = text_of(kPartitionings, manifest.partitioning);
  json["key_order"] = manifest.key_order;
  json["output_format"] = text_of(kOutputFormats, manifest.output_format);
  json["compression"] = text_of(kCompressions, manifest.compression);
  json["input_records"] = manifest.input_records;
  if (manifest.records_skipped != 0) json["records_skipped"] = manifest.records_skipped;
  if (manifest.dead_letters != 0) json["dead_letters"] = manifest.dead_letters;
  json["bytes"] = manifest.bytes;
  json["records"] = manifest.records;
  json["counters"] = counters_json(manifest.counters);
  json["files"] = files_json(manifest.files);
  if (const auto& kept = manifest.kept) {
    json["kept"] = {{"files", files_json(kept->files)},
                    {"counters", counters_json(kept->counters)}};
  }
  if (const auto& gathered = manifest.gathered) {
    json["gathered"] = {
        {"strategy", gathered->how}, {"parts", gathered->parts}, {"records", gathered->records}};
  }
  if (manifest.coverage) json["coverage"] = Json::parse(to_json(*manifest.coverage));
  json["run"] = run_json(manifest.run);
  // Parameters and paths may hold any bytes; JSON may not.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Manifest> parse_manifest(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Status(StatusCode::kCorruption, "the manifest is not JSON");
  Manifest manifest;
  std::string problem;
  Fields fields(json, problem);
  fields.take("format_version", manifest.format_version);
  if (problem.empty() && manifest.format_version != 1) {
    return Status(StatusCode::kInvalidArgument,
                  "the manifest has format version " + std::to_string(manifest.format_version) +
                      "; this program knows version 1: use a newer Fanfold");
  }
  fields.take_if_there("generation", manifest.generation);
  fields.take("job", manifest.job_name);
  fields.take("plugin_sha256", manifest.plugin_sha256);
  fields.take("partitions", manifest.partitions);
  fields.take("partitioning", kPartitionings, manifest.partitioning);
  fields.take("key_order", manifest.key_order);
  fields.take("output_format", kOutputFormats, manifest.output_format);
  fields.take("compression", kCompressions, manifest.compression);
  fields.take("input_records", manifest.input_records);
  fields.take_if_there("records_skipped", manifest.records_skipped);
  fields.take_if_there("dead_letters", manifest.dead_letters);
  fields.take("bytes", manifest.bytes);
  fields.take("records", manifest.records);
  take_texts(fields, manifest);
  take_files(fields, is_output_name, manifest.files, problem);
  if (const Json* kept = fields.object_if_there("kept")) {
    take_kept(*kept, manifest.kept.emplace(), problem);
  }
  if (const Json* gathered = fields.object_if_there("gathered")) {
    take_gathered(*gathered, manifest.gathered.emplace(), problem);
  }
  if (const Json* run = fields.object("run")) take_run(*run, manifest.run, problem);
  if (!problem.empty()) {
    return Status(StatusCode::kCorruption, "the manifest is damaged: bad field: " + problem);
  }
  if (json.contains("coverage")) {
    FANFOLD_ASSIGN_OR_RETURN(manifest.coverage, parse_coverage(json["coverage"].dump()));
  }
  return manifest;
}

}  // namespace fanfold::io
