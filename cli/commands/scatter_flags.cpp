#include "cli/commands/scatter_flags.hpp"

#include <unistd.h>

#include "cli/commands/completion_flags.hpp"
#include "cli/commands/control_flags.hpp"
#include "cli/scatter/scatter_result.hpp"
#include "cli/scatter/targets.hpp"
#include "cli/text/suggest.hpp"
#include "common/text/units.hpp"
#include "master/service/completion.hpp"

namespace fanfold::cli {
namespace {

constexpr std::uint64_t kTopMost = 1'000'000'000;

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

Status about(const std::string& flag, const Status& status) {
  return {status.code(), "--" + flag + ": " + status.message() + "."};
}

Result<items::AnswerField> field_flag(const std::string& flag, const std::string& word, bool json) {
  Result<items::AnswerField> field = items::AnswerField::parse(word);
  if (!field.ok()) return about(flag, field.status());
  if (field->is_column() != json) return field;
  return refuse("--" + flag + ": " + word +
                (json ? " is a column, and the answers are JSON; name a path, such as $.score."
                      : " is a path in JSON, and the answers are text; say --answers json, or name "
                        "a column, such as 2."));
}

Status read_answer_flags(const Arguments& arguments, ScatterRequest* request) {
  items::AnswerRules& rules = request->answers;
  const std::string kind =
      arguments.value("answers").value_or(request->job.empty() ? "text" : "json");
  const std::vector<std::string> kinds = {"text", "json"};
  if (kind != "text" && kind != "json") {
    return refuse("--answers: '" + kind + "' is not text or json." + did_you_mean(kind, kinds));
  }
  rules.json = kind == "json";
  if (!request->job.empty() && !rules.json) {
    return refuse("--answers text makes no sense with --to: records of a job are JSON.");
  }
  if (const auto word = arguments.value("rank")) {
    FANFOLD_ASSIGN_OR_RETURN(rules.rank, field_flag("rank", *word, rules.json));
  }
  rules.least_first = arguments.has("least-first");
  if (rules.least_first && !rules.rank) {
    return refuse("--least-first: by which number? Name it with --rank FIELD.");
  }
  if (const auto word = arguments.value("distinct")) {
    rules.distinct = true;
    if (*word != "content") {
      FANFOLD_ASSIGN_OR_RETURN(rules.identity, field_flag("distinct", *word, rules.json));
    }
  }
  if (const auto word = arguments.value("top")) {
    const Result<std::uint64_t> top = parse_count(*word, 1, kTopMost);
    if (!top.ok()) return about("top", top.status());
    rules.top = *top;
  }
  return {};
}

Status read_question(const Environment& environment, const Arguments& arguments,
                     ScatterRequest* request) {
  request->program = arguments.program();
  request->job = arguments.value("to").value_or("");
  request->parameters = arguments.values("param");
  if (arguments.has("to") && request->job.empty())
    return refuse("--to: the name of the job is empty.");
  if (!request->job.empty() && !request->program.empty()) {
    return refuse("a job (--to) and a program (after --) are both to be asked; give one of them.");
  }
  if (request->job.empty() && !request->parameters.empty()) {
    return refuse("--param is for a job (--to JOB); a program gets its words after --.");
  }
  if (!request->program.empty() && request->program.front().empty()) {
    return refuse("the name of the program after -- is empty.");
  }
  if (const auto word = arguments.value("request")) {
    if (!request->job.empty()) {
      return refuse(
          "--request is for programs; a job is asked by its parameters: --param "
          "NAME=VALUE.");
    }
    Result<std::string> text = text_or_file(environment.working_directory, *word);
    if (!text.ok()) return about("request", text.status());
    request->request = *std::move(text);
  }
  if (const auto word = arguments.value("retry")) {
    const Result<std::string> text = text_or_file(environment.working_directory, *word);
    if (!text.ok()) return about("retry", text.status());
    Result<items::Json> json = items::parse_json_strictly(*text);
    if (!json.ok()) return about("retry", json.status());
    // One alone need not be in a list, as in `run`.
    request->retry = json->is_object() ? items::Json::array({*json}) : *std::move(json);
  }
  return {};
}

/// As the master does, but before anything starts.
Status check_policy(const ScatterRequest& request) {
  proto::JobSpec spec;
  spec.completion = request.engine.completion;
  spec.deadline_ms = request.engine.deadline_ms;
  spec.on_deadline = request.engine.on_deadline;
  const Status status = master::check_completion(spec, request.targets.size(), Duration(0));
  return {status.code(), in_terms_of_targets(status.message())};
}

}  // namespace

std::vector<Flag> scatter_flags() {
  std::vector<Flag> flags = {
      {"to", '\0', "JOB", "Run this job ('fanfold jobs', or path/plugin.so[:NAME]) on each target.",
       false},
      {"param", '\0', "NAME=VALUE", "Parameter of the job.", true},
      {"request", '\0', "TEXT|@FILE", "What each program gets on standard input. Default: nothing.",
       false},
      {"answers", '\0', "text|json",
       "What a line that a program prints is. Default: text. Those of a job are json.", false},
      {"rank", '\0', "FIELD",
       "Put the answers in the order of this number, the greatest first: $.score of JSON, 2 is the "
       "second column of text. Default: in the order of the targets.",
       false},
      {"least-first", '\0', "", "With --rank: the smallest number first.", false},
      {"distinct", '\0', "content|FIELD",
       "Of answers that are equal, or equal in this field, keep the first.", false},
      {"top", '\0', "N", "Keep the first N answers. Default: all.", false},
      {"output", 'o', "DIR",
       "Write answers and manifest.json there, whole or not at all. Default: print the answers.",
       false},
      {"on-exists", '\0', "fail|replace", "When DIR exists. Default: fail.", false},
  };
  for (Flag& flag : completion_flags()) {
    flag.help = in_terms_of_targets(std::move(flag.help));
    flags.push_back(std::move(flag));
  }
  for (Flag& flag : control_flags()) flags.push_back(std::move(flag));
  const std::vector<Flag> more = {
      {"workers", '\0', "N", "Worker processes of the private cluster. Default: 2.", false},
      {"slots", '\0', "N", "Targets at a time for each worker. Default: enough for all, up to 32.",
       false},
      {"master", '\0', "ADDR", "Ask from this cluster. Default: FANFOLD_MASTER.", false},
      key_flag(),
      {"quiet", 'q', "", "Print nothing but answers and errors.", false},
      {"json", '\0', "", "Print what came of it as JSON; without -o with the answers in it.",
       false}};
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

Result<ScatterRequest> read_scatter_flags(const Environment& environment,
                                          const Arguments& arguments) {
  ScatterRequest request;
  FANFOLD_RETURN_IF_ERROR(read_question(environment, arguments, &request));
  FANFOLD_RETURN_IF_ERROR(read_answer_flags(arguments, &request));
  FANFOLD_RETURN_IF_ERROR(read_policy_flags(arguments, &request.engine));
  FANFOLD_RETURN_IF_ERROR(read_control_flags(arguments, &request.engine));
  FANFOLD_ASSIGN_OR_RETURN(request.targets, read_targets(environment.working_directory,
                                                         arguments.positionals(), STDIN_FILENO));
  FANFOLD_RETURN_IF_ERROR(check_policy(request));
  return request;
}

}  // namespace fanfold::cli
