#include "cli/commands/run_items.hpp"

#include <algorithm>
#include <filesystem>

#include "cli/commands/item_run.hpp"
#include "cli/commands/job_flags.hpp"
#include "cli/items/map_json.hpp"
#include "cli/pipeline/small_files.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {
namespace {

namespace fs = std::filesystem;

/// A Map, and the input of its state.
constexpr std::uint64_t kFileBytesMax = 64u << 20;

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

struct ItemFlags {
  std::string file;
  std::string input;  // Of the state; empty: none.
  std::map<std::string, std::string> buckets;
  std::string output;  // Absolute, once the Map is known.
  ItemRunFlags run;
};

Result<std::map<std::string, std::string>> read_buckets(const Arguments& arguments) {
  std::map<std::string, std::string> buckets;
  for (const std::string& word : arguments.values("bucket")) {
    const std::size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos || equals + 1 == word.size()) {
      return refuse("--bucket '" + word + "' is not of the form NAME=DIR.");
    }
    if (!buckets.emplace(word.substr(0, equals), word.substr(equals + 1)).second) {
      return refuse("the bucket '" + word.substr(0, equals) + "' is given twice.");
    }
  }
  return buckets;
}

Status refuse_others(const Arguments& arguments) {
  static const std::vector<std::string> allowed = {
      "output", "on-exists",       "workers",  "slots",  "master",
      "key",    "quiet",           "json",     "memory", "bucket",
      "work",   "max-concurrency", "priority", "weight", "traceparent"};
  for (const Flag& flag : run_command().syntax.flags) {
    const bool known = std::find(allowed.begin(), allowed.end(), flag.name) != allowed.end();
    if (!known && arguments.has(flag.name)) {
      return refuse("--" + flag.name +
                    " makes no sense with a Map: its file says what the job is.");
    }
  }
  return {};
}

Result<ItemFlags> read_flags(const Environment& environment, const Arguments& arguments) {
  FANFOLD_RETURN_IF_ERROR(refuse_others(arguments));
  ItemFlags flags;
  const std::vector<std::string>& words = arguments.positionals();
  flags.file = absolute_path(environment.working_directory, words[0]);
  if (words.size() > 2) {
    return refuse("a Map takes one file with the input of its state, and '" + words[2] +
                  "' is one more word.");
  }
  if (words.size() == 2) flags.input = absolute_path(environment.working_directory, words[1]);
  FANFOLD_ASSIGN_OR_RETURN(flags.buckets, read_buckets(arguments));
  FANFOLD_ASSIGN_OR_RETURN(flags.run, read_item_run_flags(environment, arguments));
  FANFOLD_ASSIGN_OR_RETURN(flags.run.request, make_job_request(arguments, OutputFlag::kOptional));
  flags.run.shape.memory_bytes = flags.run.request.memory_bytes;
  return flags;
}

Result<std::string> read_file(const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(std::string text, read_small_file(path));
  if (text.size() <= kFileBytesMax) return text;
  return refuse(path + " has more than 64 MiB; items come from an ItemReader.");
}

/// Both are JSON files that are run.
Status refuse_pipeline(const Environment& environment, const ItemFlags& flags,
                       const std::string& text) {
  if (text.find("\"stages\"") == text.npos) return {};
  const Result<Json> json = items::parse_json(text);
  if (!json.ok() || !json->is_object() || !json->contains("stages")) return {};
  const std::string path =
      fs::path(flags.file).lexically_relative(environment.working_directory).string();
  return refuse("'" + path + "' is no Map; a pipeline is run by 'fanfold pipeline " + path + "'.");
}

Result<MapState> read_map(const Environment& environment, const ItemFlags& flags) {
  FANFOLD_ASSIGN_OR_RETURN(const std::string json, read_file(flags.file));
  FANFOLD_RETURN_IF_ERROR(refuse_pipeline(environment, flags, json));
  MapText text;
  text.name = fs::path(flags.file).stem().string();
  if (text.name.ends_with(".asl")) text.name.resize(text.name.size() - 4);
  text.json = json;
  text.buckets = flags.buckets;
  if (!flags.input.empty()) {
    FANFOLD_ASSIGN_OR_RETURN(const std::string input, read_file(flags.input));
    Result<Json> parsed = items::parse_json_strictly(input);
    if (!parsed.ok()) return refuse(flags.input + ": " + parsed.status().message());
    text.input = *std::move(parsed);
  }
  return parse_map_state(surroundings_of(environment), text);
}

/// -o, or what the Map says; and the work directory beside it.
Status place(const Environment& environment, const MapState& state, ItemFlags* flags) {
  const std::string& given = flags->run.request.output;
  if (given.empty() == state.writer.path.empty()) {
    return refuse(given.empty()
                      ? "nothing says where the results go: name a directory with -o DIR, or in "
                        "the ResultWriter of the Map."
                      : "-o and the ResultWriter of the Map both say where the results go.");
  }
  const std::string& directory = environment.working_directory;
  flags->output = given.empty() ? state.writer.path : absolute_path(directory, given);
  if (flags->output == "/") return refuse("the root directory cannot take the results.");
  std::string& work = flags->run.work;
  work = work.empty() ? flags->output + ".work" : absolute_path(directory, work);
  if (work == flags->output || flags->output.starts_with(work + "/") ||
      work.starts_with(flags->output + "/")) {
    return refuse("the output and the work directory lie in one another.");
  }
  proto::OnExists& on_exists = flags->run.request.on_exists;
  const bool there = fs::exists(fs::symlink_status(flags->output));
  if (there && is_output_of(work, flags->output)) on_exists = proto::OnExists::kReplace;
  if (!there || on_exists == proto::OnExists::kReplace) return {};
  return {StatusCode::kAlreadyExists, "output " + flags->output +
                                          " exists already; choose another one, or replace it with "
                                          "--on-exists replace"};
}

}  // namespace

std::vector<Flag> item_flags() {
  return {{"bucket", '\0', "NAME=DIR", "Map: the directory that a bucket stands for.", true},
          {"work", '\0', "DIR", "Map: where it keeps what it goes on from. Default: OUTPUT.work.",
           false}};
}

bool is_item_job(const Arguments& arguments) {
  return arguments.positionals().front().ends_with(".json");
}

Status check_job_words(const Arguments& arguments) {
  if (arguments.positionals().size() < 2) {
    return refuse("an INPUT is missing; write: fanfold run JOB INPUT... -o DIR");
  }
  for (const Flag& flag : item_flags()) {
    if (arguments.has(flag.name)) return refuse("--" + flag.name + " is for a Map (FILE.json).");
  }
  return {};
}

int run_items(const Environment& environment, const Arguments& arguments) {
  Result<ItemFlags> flags = read_flags(environment, arguments);
  if (!flags.ok()) return report(flags.status());
  Result<MapState> state = read_map(environment, *flags);
  if (!state.ok()) return report(state.status());
  if (Status status = place(environment, *state, &*flags); !status.ok()) return report(status);
  ItemWork work;
  work.state = &*state;
  work.output = flags->output;
  work.directory = environment.working_directory;
  work.replace = flags->run.request.on_exists == proto::OnExists::kReplace;
  work.write_children = [&](const ChildFileOptions& options) {
    return write_children(io::posix_file_system(), &*state, options);
  };
  return run_item_work(environment, flags->run, work);
}

}  // namespace fanfold::cli
