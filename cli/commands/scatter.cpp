// `scatter`: asks many targets at once and merges their answers.

#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "cli/client/client.hpp"
#include "cli/cluster/private_cluster.hpp"
#include "cli/commands/command.hpp"
#include "cli/commands/job_flags.hpp"
#include "cli/commands/scatter_flags.hpp"
#include "cli/commands/session.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/output/concatenate.hpp"
#include "cli/pipeline/small_files.hpp"
#include "cli/process/private_directory.hpp"
#include "cli/scatter/scatter_result.hpp"
#include "cli/view/summary.hpp"
#include "common/core/clock.hpp"
#include "common/io/file_system.hpp"
#include "common/io/manifest.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kWorkersMax = 1000;
constexpr std::uint64_t kSlotsMax = 1000;
/// Of a private cluster: targets are waited for more than worked on, so cores do not count.
constexpr std::uint32_t kSlotsDefaultMost = 32;

struct ScatterOptions {
  MasterPlace master;  // At no address: a private cluster of this shape.
  ClusterShape shape;
  std::string output;  // Absolute; empty: answers are printed.
  bool replace = false;
  bool quiet = false;
  bool json = false;
};

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

Status read_output(const Environment& environment, const Arguments& arguments,
                   ScatterOptions* options) {
  const std::string then = arguments.value("on-exists").value_or("fail");
  if (then != "fail" && then != "replace") {
    return refuse("--on-exists: '" + then + "' is not fail or replace.");
  }
  options->replace = then == "replace";
  const auto output = arguments.value("output");
  if (!output) {
    if (!arguments.has("on-exists")) return {};
    return refuse("--on-exists makes no sense without -o DIR.");
  }
  if (output->empty()) return refuse("the output directory (-o) is empty.");
  options->output = absolute_path(environment.working_directory, *output);
  if (options->output == "/") return refuse("the root directory cannot take the answers.");
  if (options->replace || !fs::exists(fs::symlink_status(options->output))) return {};
  return {StatusCode::kAlreadyExists, "output " + options->output +
                                          " exists already; choose another one, or replace it with "
                                          "--on-exists replace"};
}

Result<ScatterOptions> read_options(const Environment& environment, const Arguments& arguments,
                                    std::size_t targets) {
  ScatterOptions options;
  options.master = {arguments.value("master").value_or(environment.master.value_or("")),
                    arguments.value("key").value_or(environment.key.value_or(""))};
  FANFOLD_ASSIGN_OR_RETURN(const auto workers, count_flag(arguments, "workers", 1, kWorkersMax));
  FANFOLD_ASSIGN_OR_RETURN(auto slots, count_flag(arguments, "slots", 1, kSlotsMax));
  if (!options.master.address.empty() && (workers || slots)) {
    return refuse("--workers and --slots make no sense with a master: the cluster has its own.");
  }
  options.shape = choose_shape(workers, slots, usable_cores());
  if (!slots) {
    const auto share =
        static_cast<std::uint32_t>((targets + options.shape.workers - 1) / options.shape.workers);
    options.shape.slots = std::min(share, kSlotsDefaultMost);
  }
  options.quiet = arguments.has("quiet");
  options.json = arguments.has("json");
  FANFOLD_RETURN_IF_ERROR(read_output(environment, arguments, &options));
  return options;
}

class Scatter {
 public:
  Scatter(const Environment& environment, const ScatterRequest& request,
          const ScatterOptions& options)
      : environment_(environment),
        request_(request),
        options_(options),
        display_(STDERR_FILENO, DisplayKind::kQuiet, false) {}

  int run() {
    if (Status status = directory_.create(environment_.temporary_directory); !status.ok()) {
      return report(status);
    }
    Result<ScatterJob> job =
        make_scatter_job(surroundings_of(environment_), request_, directory_.path());
    if (!job.ok()) return report(job.status());
    if (Status status = interrupts_.start(); !status.ok()) return report(status);
    const Conclusion conclusion =
        options_.master.address.empty() ? on_private_cluster(job->spec) : on_master(job->spec);
    return conclude(conclusion, *job);
  }

 private:
  SessionOptions session() {
    SessionOptions session;
    session.interrupts = &interrupts_;
    session.display = &display_;
    return session;
  }

  Conclusion failed(Status error) {
    Conclusion conclusion;
    interrupts_.drain();
    conclusion.error = std::move(error);
    conclusion.interrupted = interrupts_.count() > 0;
    return conclusion;
  }

  Conclusion on_master(const proto::JobSpec& spec) {
    const auto client = connect_client(options_.master, steady_clock(), {interrupts_.descriptor()});
    if (!client.ok()) return failed(client.status());
    return Session(**client, session()).run(spec);
  }

  Conclusion on_private_cluster(const proto::JobSpec& spec) {
    PrivateCluster cluster(environment_.program_directory, directory_.path(), options_.shape,
                           directory_.guardian());
    Conclusion conclusion = use(cluster, spec);
    // A second interrupt means: at once.
    cluster.stop(interrupts_.count() > 1);
    return conclusion;
  }

  Conclusion use(PrivateCluster& cluster, const proto::JobSpec& spec) {
    if (Status status = cluster.start(); !status.ok()) return failed(status);
    if (Status status = cluster.wait_until_ready(interrupts_); !status.ok()) return failed(status);
    const auto client =
        connect_client({cluster.address(), ""}, steady_clock(), {interrupts_.descriptor()});
    if (!client.ok()) return failed(client.status());
    SessionOptions options = session();
    options.check = [&cluster] { return cluster.check_children(); };
    options.abandon_submission = true;
    Conclusion conclusion = Session(**client, options).run(spec);
    if (conclusion.error.code() == StatusCode::kUnavailable) {
      // The master does not answer because it died: that is what to tell.
      Status status = cluster.check_children();
      if (!status.ok()) conclusion.error = std::move(status);
    } else if (!has_output(conclusion)) {
      stop_in_order(**client, interrupts_);
    }
    return conclusion;
  }

  static bool has_output(const Conclusion& conclusion) {
    return conclusion.status && (conclusion.status->state == proto::JobState::kSucceeded ||
                                 conclusion.status->state == proto::JobState::kPartial);
  }

  int conclude(const Conclusion& conclusion, const ScatterJob& job) {
    if (!conclusion.status) {
      if (!conclusion.interrupted) return report(conclusion.error);
      print_error("fanfold: interrupted.\n");
      return kExitInterrupted;
    }
    if (!has_output(conclusion)) return tell_failure(*conclusion.status, conclusion.interrupted);
    const Status told = tell(*conclusion.status, job);
    if (!told.ok()) return report(told);
    return exit_code_of(*conclusion.status);
  }

  int tell_failure(const proto::JobStatus& status, bool interrupted) const {
    if (interrupted && status.state == proto::JobState::kCancelled) {
      print_error("fanfold: interrupted.\n");
      return kExitInterrupted;
    }
    const std::string why = failure_text_of(request_, status);
    if (options_.json) {
      print(formatted({{"job", status.job.value},
                       {"state", proto::name_of(status.state)},
                       {"reason", proto::name_of(status.completion.reason)},
                       {"error", why}}));
    }
    print_error("fanfold: the scatter has no answer: " + printable(why, true) + "\n");
    return exit_code_of(status);
  }

  Status tell(const proto::JobStatus& status, const ScatterJob& job) {
    io::FileSystem& files = io::posix_file_system();
    const std::string& from = job.spec.output;
    FANFOLD_ASSIGN_OR_RETURN(ScatterResult result,
                             read_result(files, from, request_, job.line_bytes, status));
    const Duration wall = steady_clock().now() - started_;
    result.wall_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(wall).count());
    if (!options_.output.empty()) {
      FANFOLD_RETURN_IF_ERROR(keep_answers(files, from, result, options_.output, options_.replace));
    }
    if (options_.json) {
      FANFOLD_RETURN_IF_ERROR(print_json(result, from));
    } else if (options_.output.empty()) {
      FANFOLD_RETURN_IF_ERROR(print_output(files, from, {STDOUT_FILENO, false}));
    } else if (!options_.quiet) {
      print(text_of(result) + "  output    " + printable(options_.output, false) + "\n");
    }
    if (!result.missing.empty()) print_error("fanfold: " + missing_text(result));
    return {};
  }

  Status print_json(const ScatterResult& result, const std::string& from) const {
    items::Json json = json_of(result);
    if (options_.output.empty()) {
      FANFOLD_ASSIGN_OR_RETURN(json["answers"], read_merged(from));
    } else {
      json["output"] = options_.output;
    }
    print(formatted(json));
    return {};
  }

  Result<items::Json> read_merged(const std::string& from) const {
    items::Json answers = items::Json::array();
    FANFOLD_ASSIGN_OR_RETURN(const io::Manifest manifest,
                             io::read_manifest(io::posix_file_system(), from));
    for (const io::PartInfo& file : manifest.files) {
      FANFOLD_ASSIGN_OR_RETURN(const std::string text, read_small_file(from + "/" + file.name));
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        if (!request_.answers.json) {
          answers.push_back(line);
          continue;
        }
        FANFOLD_ASSIGN_OR_RETURN(items::Json value, items::parse_json(line));
        answers.push_back(std::move(value));
      }
    }
    return answers;
  }

  const Environment& environment_;
  const ScatterRequest& request_;
  const ScatterOptions& options_;
  Interrupts interrupts_;
  Display display_;
  PrivateDirectory directory_;
  const Instant started_ = steady_clock().now();
};

int scatter_main(const Environment& environment, const Arguments& arguments) {
  const Result<ScatterRequest> request = read_scatter_flags(environment, arguments);
  if (!request.ok()) return report(request.status());
  const Result<ScatterOptions> options =
      read_options(environment, arguments, request->targets.size());
  if (!options.ok()) return report(options.status());
  return Scatter(environment, *request, *options).run();
}

}  // namespace

Command scatter_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "scatter";
  syntax.positionals = "TARGET... [-- PROGRAM WORD...]";
  syntax.summary = "Asks many targets at once and merges their answers.";
  syntax.description =
      "TARGET is whatever the one who is asked knows: a file, a name, an address. @FILE lists\n"
      "targets, one a line; - lists them on standard input. What is asked, for each of them:\n"
      "  -- PROGRAM WORD...   a program, without a shell; {} in a word is the target, which is "
      "the\n"
      "                       last word otherwise. Each line that it prints is an answer.\n"
      "  --to JOB             a job of which the target is the input file; records are answers.\n"
      "  neither              the target itself: a command as a list of words in JSON.\n\n"
      "Exit code: 0 all targets answered, 1 failed, 2 wrong usage, 3 some are missing, which are\n"
      "named with the reason, 4 cancelled, 130 interrupted (docs/patterns/scatter_gather.md).";
  syntax.flags = scatter_flags();
  syntax.positionals_max = static_cast<std::size_t>(-1);
  syntax.takes_program = true;
  command.run = scatter_main;
  return command;
}

}  // namespace fanfold::cli
