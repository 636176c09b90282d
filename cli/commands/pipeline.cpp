// `pipeline`: runs the jobs of a file, each when what it needs is there.

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "cli/commands/command.hpp"
#include "cli/commands/job_flags.hpp"
#include "cli/commands/pipeline_cluster.hpp"
#include "cli/commands/pipeline_report.hpp"
#include "cli/commands/replica_flags.hpp"
#include "cli/commands/session.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/pipeline/pipeline_graph.hpp"
#include "cli/pipeline/pipeline_json.hpp"
#include "cli/pipeline/pipeline_run.hpp"
#include "cli/pipeline/small_files.hpp"
#include "cli/text/suggest.hpp"
#include "common/core/executor_memory.hpp"
#include "common/io/file_system.hpp"
#include "common/storage/storage.hpp"

namespace fanfold::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kWorkersMax = 1000;
constexpr std::uint64_t kSlotsMax = 1000;

struct PipelineFlags {
  std::string file;
  Variables variables;
  MasterPlace master;  // Empty: a private cluster.
  std::optional<std::uint32_t> workers;
  std::optional<std::uint32_t> slots;
  std::string work;
  bool keep = false;
  bool reuse = false;
  bool quiet = false;
  bool json = false;
};

std::string bundled_directory(const Environment& environment) {
  return (fs::path(environment.program_directory).parent_path() / "share/fanfold/pipelines")
      .string();
}

std::vector<std::string> bundled_pipelines(const Environment& environment) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entries(bundled_directory(environment), error);
  if (error) return names;
  for (const auto& entry : entries) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// A path has a slash or ends with ".json"; any other word is the name of a bundled one.
Result<std::string> find_file(const Environment& environment, const std::string& word) {
  if (word.find('/') != std::string::npos || word.ends_with(".json")) {
    return absolute_path(environment.working_directory, word);
  }
  const std::vector<std::string> names = bundled_pipelines(environment);
  if (std::find(names.begin(), names.end(), word) != names.end()) {
    return bundled_directory(environment) + "/" + word + ".json";
  }
  return Status(StatusCode::kNotFound, "there is no bundled pipeline '" + word + "'." +
                                           did_you_mean(word, names) + "\nThere are " +
                                           join_words(names, " and ") +
                                           "; a file of your own is named FILE.json.");
}

Result<PipelineFlags> read_flags(const Environment& environment, const Arguments& arguments) {
  PipelineFlags flags;
  const std::vector<std::string>& words = arguments.positionals();
  FANFOLD_ASSIGN_OR_RETURN(flags.file, find_file(environment, words.front()));
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    if (equals == 0 || equals == std::string::npos) {
      return Status(StatusCode::kInvalidArgument,
                    "'" + words[i] + "' is not of the form VARIABLE=VALUE.");
    }
    const std::string name = words[i].substr(0, equals);
    if (!flags.variables.emplace(name, words[i].substr(equals + 1)).second) {
      return Status(StatusCode::kInvalidArgument, "the variable '" + name + "' is given twice.");
    }
  }
  flags.master = {arguments.value("master").value_or(environment.master.value_or("")),
                  arguments.value("key").value_or(environment.key.value_or(""))};
  FANFOLD_ASSIGN_OR_RETURN(flags.workers, count_flag(arguments, "workers", 1, kWorkersMax));
  FANFOLD_ASSIGN_OR_RETURN(flags.slots, count_flag(arguments, "slots", 1, kSlotsMax));
  if (!flags.master.address.empty() && (flags.workers || flags.slots)) {
    return Status(StatusCode::kInvalidArgument,
                  "--workers and --slots make no sense with a master: the cluster has its own.");
  }
  const std::string stem = fs::path(flags.file).stem().string();
  flags.work = absolute_path(environment.working_directory,
                             arguments.value("work").value_or(stem + ".work"));
  flags.reuse = arguments.has("reuse");
  flags.keep = arguments.has("keep") || flags.reuse;
  flags.quiet = arguments.has("quiet");
  flags.json = arguments.has("json");
  return flags;
}

/// What a stage may say: the flags of `run`, but for what the pipeline decides.
std::vector<Flag> stage_flags() {
  std::vector<Flag> flags = job_flags();
  std::erase_if(flags, [](const Flag& flag) { return flag.name == "client-id"; });
  return flags;
}

void add_words(const std::vector<StageInput>& inputs, std::vector<std::string>* words) {
  for (const StageInput& input : inputs) {
    const std::string tag = input.word.empty() ? "" : input.word + "=";
    words->push_back(input.source ? tag + kInputOfStage : input.word);
  }
}

/// Counters are numbers; until they are known, one that the job's checks take.
void add_counters(const std::vector<CounterParameter>& parameters,
                  std::vector<std::string>* words) {
  for (const CounterParameter& parameter : parameters) {
    const std::string prefix = parameter.name + "=";
    const bool given = std::any_of(words->begin(), words->end(), [&](const std::string& word) {
      return word.starts_with(prefix);
    });
    if (!given) words->push_back(prefix + "0");
  }
}

Result<StageTemplate> make_template(const Environment& environment, const PipelineStage& stage) {
  Syntax syntax;
  syntax.command = "run";
  syntax.flags = stage_flags();
  syntax.positionals_max = 1;
  std::vector<std::string> words = stage.options;
  words.insert(words.end(), {"--", stage.job});
  FANFOLD_ASSIGN_OR_RETURN(const Arguments arguments, parse(syntax, words));
  FANFOLD_ASSIGN_OR_RETURN(JobRequest request, make_job_request(arguments, OutputFlag::kOptional));
  add_words(stage.inputs, &request.inputs);
  add_counters(stage.parameters, &request.parameters);
  if (stage.repeat) {
    add_words(stage.repeat->inputs, &request.inputs);
    add_counters(stage.repeat->parameters, &request.parameters);
  }
  request.output = stage.output.empty() ? kInputOfStage : stage.output;
  StageTemplate made;
  made.stage = &stage;
  FANFOLD_ASSIGN_OR_RETURN(made.spec, make_job_spec(surroundings_of(environment), request));
  FANFOLD_RETURN_IF_ERROR(check_given_inputs(made));
  return made;
}

Result<std::vector<StageTemplate>> make_templates(const Environment& environment,
                                                  const Pipeline& pipeline) {
  std::vector<StageTemplate> templates;
  for (const PipelineStage& stage : pipeline.stages) {
    Result<StageTemplate> made = make_template(environment, stage);
    if (!made.ok()) return made.status().with_context("stage '" + stage.name + "'");
    templates.push_back(*std::move(made));
  }
  return templates;
}

Result<Pipeline> read_pipeline(const Environment& environment, const PipelineFlags& flags) {
  constexpr std::size_t kBytesMax = 4u << 20;
  FANFOLD_ASSIGN_OR_RETURN(const std::string json, read_small_file(flags.file));
  if (json.size() > kBytesMax) {
    return Status(StatusCode::kExhausted, flags.file + " is larger than 4 MiB: is it a pipeline?");
  }
  const PipelineText text = {fs::path(flags.file).stem().string(), json};
  FANFOLD_ASSIGN_OR_RETURN(Pipeline pipeline, parse_pipeline(text, flags.variables, stage_flags()));
  Status status = check_graph(pipeline, environment.working_directory);
  if (!status.ok()) return std::move(status).with_context(pipeline.name);
  return pipeline;
}

/// An output that is there is refused now, unless it may be replaced or an earlier run of this
/// pipeline has made it.
Status check_outputs(const std::vector<StageTemplate>& stages, const WorkDirectory& work) {
  for (const StageTemplate& made : stages) {
    const PipelineStage& stage = *made.stage;
    if (stage.output.empty()) continue;
    const std::string& output = made.spec.output;
    if (output == work.path() || output.starts_with(work.path() + "/")) {
      return Status(StatusCode::kInvalidArgument,
                    "stage '" + stage.name + "': " + output +
                        " lies in the work directory, which is removed at the end");
    }
    if (made.spec.on_exists == proto::OnExists::kReplace || !storage().stat(output).ok()) continue;
    const std::optional<StageRecord> record = work.record(stage.name, 1);
    if (record && record->output == output && result_of(*record)) continue;
    return Status(StatusCode::kAlreadyExists,
                  "stage '" + stage.name + "': output " + output +
                      " exists already; choose another one, or replace it with \"on-exists\": "
                      "\"replace\"");
  }
  return {};
}

/// As many as the stage that needs most.  Its own cluster is the pipeline's to size.
Result<std::optional<std::uint32_t>> workers_of(const PipelineFlags& flags,
                                                const std::vector<StageTemplate>& stages) {
  std::optional<std::uint32_t> most = flags.workers;
  if (!flags.master.address.empty()) return most;
  for (const StageTemplate& made : stages) {
    const auto workers = workers_for(made.spec.replicas, flags.workers);
    if (!workers.ok()) return workers.status().with_context("stage '" + made.stage->name + "'");
    if (*workers) most = std::max(most.value_or(0), **workers);
  }
  return most;
}

ClusterShape shape_of(const PipelineFlags& flags, const std::vector<StageTemplate>& stages) {
  ClusterShape shape = choose_shape(flags.workers, flags.slots, usable_cores());
  for (const StageTemplate& made : stages) {
    shape.memory_bytes = std::max(shape.memory_bytes, made.spec.memory_bytes);
  }
  const auto pages = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
  const auto page = static_cast<std::uint64_t>(std::max(0L, ::sysconf(_SC_PAGESIZE)));
  // Stages that ask for nothing get what they would get alone.
  if (shape.memory_bytes <= default_executor_memory(pages * page, shape.slots)) {
    shape.memory_bytes = 0;
  }
  return shape;
}

class PipelineCommand {
 public:
  PipelineCommand(const Environment& environment, const PipelineFlags& flags,
                  const Pipeline& pipeline)
      : environment_(environment), flags_(flags), rows_(pipeline) {
    summary_.name = pipeline.name;
    summary_.work = flags.work;
  }

  int run(std::vector<StageTemplate> stages) {
    if (Status status = work_.open(flags_.work, flags_.reuse); !status.ok()) return report(status);
    if (Status status = check_outputs(stages, work_); !status.ok()) {
      static_cast<void>(work_.leave_if_unused());
      return report(status);
    }
    if (Status status = interrupts_.start(); !status.ok()) return report(status);
    PipelineCluster cluster(environment_, flags_.master, shape_of(flags_, stages), interrupts_);
    if (!flags_.quiet) cluster.show_progress();
    PipelineRun pipeline(std::move(stages), work_, cluster.desk(), options());
    const PipelineOutcome outcome = pipeline.run();
    std::vector<proto::LogEntry> attempts;
    if (outcome.failed) attempts = cluster.attempts_of(*outcome.failed);
    cluster.stop(!outcome.complete());
    Status finished;
    if (outcome.complete()) finished = work_.finish(flags_.keep, pipeline.used());
    const int code = conclude(outcome, std::move(attempts));
    return finished.ok() ? code : report(finished);
  }

 private:
  PipelineOptions options() {
    PipelineOptions options;
    options.keep = flags_.keep;
    options.on_event = [this](const StageEvent& event) {
      rows_.note(event);
      if (!flags_.quiet) print_error(line_of(event));
    };
    return options;
  }

  int conclude(const PipelineOutcome& outcome, std::vector<proto::LogEntry> attempts) {
    const Duration wall = steady_clock().now() - started_;
    summary_.wall_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(wall).count());
    summary_.failed_stage = outcome.failed_stage;
    const bool interrupted = interrupts_.count() > 0;
    if (!outcome.complete()) {
      summary_.state = interrupted ? "interrupted" : "failed";
      if (flags_.json) print(json_of(summary_, rows_.rows()));
      return explain(outcome, std::move(attempts), interrupted);
    }
    summary_.state = outcome.partial.empty() ? "succeeded" : "partial";
    if (!flags_.keep) {
      rows_.forget_below(flags_.work);
      summary_.work.clear();
    }
    if (flags_.json) print(json_of(summary_, rows_.rows()));
    if (!flags_.json && !flags_.quiet) print(text_of(summary_, rows_.rows()));
    if (outcome.partial.empty()) return kExitDone;
    print_error("fanfold: " + summary_.name + " is partial: so is what " +
                join_words(outcome.partial, " and ") + " wrote.\n");
    return kExitPartial;
  }

  int explain(const PipelineOutcome& outcome, std::vector<proto::LogEntry> attempts,
              bool interrupted) const {
    const std::string& name = outcome.failed_stage;
    const int code =
        report_incomplete(environment_, {outcome, name.empty() ? "" : "stage '" + name + "'",
                                         std::move(attempts), flags_.master.address, interrupted});
    print_error("fanfold: what is done is kept in " + flags_.work +
                "; the same command goes on from there.\n");
    return code;
  }

  const Environment& environment_;
  const PipelineFlags& flags_;
  WorkDirectory work_;
  Interrupts interrupts_;
  StageRows rows_;
  PipelineSummary summary_;
  const Instant started_ = steady_clock().now();
};

int pipeline_main(const Environment& environment, const Arguments& arguments) {
  Result<PipelineFlags> flags = read_flags(environment, arguments);
  if (!flags.ok()) return report(flags.status());
  const Result<Pipeline> pipeline = read_pipeline(environment, *flags);
  if (!pipeline.ok()) return report(pipeline.status());
  // Describing plugins forks, so it comes before anything that has threads.
  Result<std::vector<StageTemplate>> stages = make_templates(environment, *pipeline);
  if (!stages.ok()) return report(std::move(stages).status().with_context(pipeline->name));
  const auto workers = workers_of(*flags, *stages);
  if (!workers.ok()) return report(workers.status().with_context(pipeline->name));
  flags->workers = *workers;
  return PipelineCommand(environment, *flags, *pipeline).run(*std::move(stages));
}

}  // namespace

Command pipeline_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "pipeline";
  syntax.positionals = "FILE.json|NAME [VARIABLE=VALUE...]";
  syntax.summary = "Runs the jobs of a file, each when what it needs is there.";
  syntax.description =
      "docs/patterns/pipelines.md says what stands in the file. NAME is a bundled one: page_rank "
      "or\n"
      "tf_idf. When it fails or is interrupted, the same command goes on where it stopped.\n\n"
      "Without --master or FANFOLD_MASTER it gets a private local cluster. Exit code: 0 done,\n"
      "1 a stage failed, 2 wrong usage or input, 3 partial, 4 cancelled, 130 interrupted.";
  syntax.flags = {
      {"work", '\0', "DIR", "Directory for what stages hand on. Default: ./NAME.work.", false},
      {"keep", '\0', "", "Keep that directory at the end.", false},
      {"reuse", '\0', "",
       "Use again what an earlier run has kept, where input, plugin and options are the same; "
       "keeps, too.",
       false},
      {"workers", '\0', "N", "Worker processes of the private cluster. Default: 2.", false},
      {"slots", '\0', "N", "Tasks at a time in each worker. Default: the cores, shared out.",
       false},
      {"master", '\0', "ADDR", "Run it on this cluster. Default: FANFOLD_MASTER.", false},
      key_flag(),
      {"quiet", 'q', "", "Print nothing but errors.", false},
      {"json", '\0', "", "Print what became of each stage as JSON to standard output.", false}};
  syntax.positionals_min = 1;
  syntax.positionals_max = static_cast<std::size_t>(-1);
  command.run = pipeline_main;
  return command;
}

}  // namespace fanfold::cli
