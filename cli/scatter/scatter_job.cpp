#include "cli/scatter/scatter_job.hpp"

#include <map>

#include "cli/items/child_file.hpp"
#include "cli/items/item_job.hpp"
#include "cli/items/processor_json.hpp"
#include "cli/job/job_source.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {
namespace {

using items::Json;

constexpr const char* kState = "target";

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

/// Without the name of the only state that there is.
Status plainly(const Status& status) {
  const std::string prefix = std::string("state '") + kState + "': ";
  const std::string& message = status.message();
  return {status.code(), message.starts_with(prefix) ? message.substr(prefix.size()) : message};
}

Result<Json> job_parameters(const std::vector<std::string>& words) {
  Json parameters = Json::object();
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return refuse("--param '" + word + "' is not of the form NAME=VALUE.");
    }
    const std::string name = word.substr(0, equals);
    if (parameters.contains(name)) return refuse("parameter '" + name + "' is given twice.");
    parameters[name] = word.substr(equals + 1);
  }
  return parameters;
}

/// The one state that each target goes through.
Result<Json> task_of(const ScatterRequest& request) {
  Json task = {{"Type", "Task"}, {"End", true}};
  if (request.retry) task["Retry"] = *request.retry;
  if (request.job.empty()) {
    task["Resource"] = "fanfold:exec";
    task["Parameters"] = {{"Command.$", "$.Command"}, {"OutputType", "TEXT"}};
    if (!request.request.empty()) task["Parameters"]["Stdin"] = request.request;
    return task;
  }
  FANFOLD_ASSIGN_OR_RETURN(const Json parameters, job_parameters(request.parameters));
  task["Resource"] = "fanfold:job/" + request.job;
  task["Parameters"] = {{"File.$", "$.File"}, {"Parameters", parameters}};
  task["OutputPath"] = "$.Records";
  return task;
}

/// What each target is asked with.
class TargetInputs {
 public:
  TargetInputs(const Surroundings& surroundings, const ScatterRequest& request)
      : surroundings_(surroundings), request_(request) {}

  Result<Json> input_of(const std::string& target) {
    if (!items::is_utf8(target)) return refuse("the target '" + target + "' is no text in UTF-8");
    Json input = {{"Target", target}};
    if (!request_.job.empty()) {
      const std::string file = absolute_path(surroundings_.working_directory, target);
      const auto [other, fresh] = files_.emplace(file, target);
      if (!fresh) {
        return refuse("the targets '" + other->second + "' and '" + target +
                      "' are one file; its answers would count twice");
      }
      input["File"] = file;
      return input;
    }
    FANFOLD_ASSIGN_OR_RETURN(std::vector<std::string> words,
                             request_.program.empty() ? command_in(target) : command_for(target));
    FANFOLD_ASSIGN_OR_RETURN(words.front(), program(words.front()));
    input["Command"] = words;
    return input;
  }

 private:
  /// A target that is a command.
  static Result<std::vector<std::string>> command_in(const std::string& target) {
    const Result<Json> json = items::parse_json(target);
    std::vector<std::string> words;
    bool good = json.ok() && json->is_array() && !json->empty();
    for (std::size_t i = 0; good && i < json->size(); ++i) {
      good = (*json)[i].is_string();
      if (!good) break;
      words.push_back((*json)[i].get<std::string>());
      if (words.back().find('\0') == std::string::npos) continue;
      return refuse("the target '" + target.substr(0, 200) +
                    "' holds a zero byte, which no program can take");
    }
    if (good && !words.front().empty()) return words;
    return refuse("the target '" + target.substr(0, 200) +
                  "' is no command, which is a list of words in JSON, such as [\"cat\", \"a\"].\n"
                  "Say what to ask targets with: -- PROGRAM WORD..., or --to JOB.");
  }

  std::vector<std::string> command_for(const std::string& target) const {
    std::vector<std::string> words = request_.program;
    bool named = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      for (std::size_t at = 0; (at = words[i].find("{}", at)) != std::string::npos;) {
        words[i].replace(at, 2, target);
        at += target.size();
        named = true;
      }
    }
    if (!named) words.push_back(target);
    return words;
  }

  Result<std::string> program(const std::string& word) {
    const auto known = programs_.find(word);
    if (known != programs_.end()) return known->second;
    FANFOLD_ASSIGN_OR_RETURN(std::string path, find_program(surroundings_, word));
    return programs_.emplace(word, std::move(path)).first->second;
  }

  const Surroundings& surroundings_;
  const ScatterRequest& request_;
  std::map<std::string, std::string> programs_;
  std::map<std::string, std::string> files_;  // Of a job, and the target that is each.
};

Result<ChildFile> write_targets(const Surroundings& surroundings, const ScatterRequest& request,
                                const std::string& path) {
  ChildFileWriter writer(io::posix_file_system(), path);
  FANFOLD_RETURN_IF_ERROR(writer.open());
  TargetInputs inputs(surroundings, request);
  std::uint64_t index = 0;
  for (const std::string& target : request.targets) {
    FANFOLD_ASSIGN_OR_RETURN(const Json input, inputs.input_of(target));
    FANFOLD_RETURN_IF_ERROR(writer.add(index++, 1, items::text_of(input)));
  }
  FANFOLD_ASSIGN_OR_RETURN(const ChildFile made, writer.finish());
  if (made.bytes == made.split_bytes * made.children) return made;
  return refuse("the targets are too long: the longest of them times their number is more than " +
                std::string("64 MiB"));
}

Status write_definition(const Json& definition, const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(const auto file, io::posix_file_system().create(path));
  FANFOLD_RETURN_IF_ERROR(file->append(items::text_of(definition)));
  return file->close();
}

}  // namespace

Result<ScatterJob> make_scatter_job(const Surroundings& surroundings, const ScatterRequest& request,
                                    const std::string& directory) {
  if (!items::is_utf8(request.request)) return refuse("the request is no text in UTF-8");
  FANFOLD_ASSIGN_OR_RETURN(const Json task, task_of(request));
  Result<Json> definition =
      parse_processor(surroundings, {{"StartAt", kState}, {"States", {{kState, task}}}});
  if (!definition.ok()) return plainly(definition.status());
  JobRequest engine = request.engine;
  if (engine.client_id.empty()) engine.client_id = make_client_id();
  (*definition)["Run"] = engine.client_id;
  (*definition)["Directory"] = surroundings.working_directory;
  (*definition)["Answers"] = items::json_of(request.answers);
  const std::string targets = directory + "/targets";
  FANFOLD_ASSIGN_OR_RETURN(const ChildFile file, write_targets(surroundings, request, targets));
  FANFOLD_RETURN_IF_ERROR(write_definition(*definition, directory + "/definition"));

  engine.job = items_plugin(surroundings) + ":scatter";
  engine.inputs = {literal_pattern(targets)};
  engine.side_files = {"definition=" + directory + "/definition"};
  engine.output = directory + "/answers";
  engine.partitions = 1;
  engine.split_bytes = file.split_bytes;
  // A target is tried again as --retry says, where it is asked.
  engine.attempts_max = 1;
  // What targets do is not undone: none is asked twice without need.
  engine.speculate = false;
  engine.measure_keys = false;
  ScatterJob made;
  made.line_bytes = file.split_bytes;
  FANFOLD_ASSIGN_OR_RETURN(made.spec, make_job_spec(surroundings, engine));
  return made;
}

}  // namespace fanfold::cli
