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
#include "cli/output/sink.hpp"
#include "cli/process/private_directory.hpp"
#include "cli/scatter/answer_output.hpp"
#include "cli/view/summary.hpp"
#include "common/core/clock.hpp"
#include "common/io/file_system.hpp"
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
  KeepRequest keep;  // No output: answers are printed.
  bool quiet = false;
  bool json = false;
};

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

/// Targets that are files, and files that words name.
std::vector<std::string> files_read(const Environment& environment, const Arguments& arguments,
                                    std::vector<std::string> targets) {
  for (const std::string& word : arguments.positionals()) targets.push_back(word);
  for (const char* flag : {"request", "retry"}) {
    if (const auto word = arguments.value(flag)) targets.push_back(*word);
  }
  std::vector<std::string> read;
  for (std::string& word : targets) {
    if (word.starts_with('@')) word.erase(0, 1);
    std::string path = absolute_path(environment.working_directory, word);
    std::error_code error;
    if (fs::exists(path, error)) read.push_back(std::move(path));
  }
  return read;
}

Status read_output(const Environment& environment, const Arguments& arguments,
                   const ScatterRequest& request, KeepRequest* keep) {
  const std::string then = arguments.value("on-exists").value_or("fail");
  if (then != "fail" && then != "replace") {
    return refuse("--on-exists: '" + then + "' is not fail or replace.");
  }
  keep->replace = then == "replace";
  const auto output = arguments.value("output");
  if (!output) {
    if (!arguments.has("on-exists")) return {};
    return refuse("--on-exists makes no sense without -o DIR.");
  }
  if (output->empty()) return refuse("the output directory (-o) is empty.");
  keep->output = absolute_path(environment.working_directory, *output);
  keep->inputs = files_read(environment, arguments, request.targets);
  return {};
}

Result<ScatterOptions> read_options(const Environment& environment, const Arguments& arguments,
                                    const ScatterRequest& request) {
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
    const auto share = static_cast<std::uint32_t>(
        (request.targets.size() + options.shape.workers - 1) / options.shape.workers);
    options.shape.slots = std::min(share, kSlotsDefaultMost);
  }
  options.quiet = arguments.has("quiet");
  options.json = arguments.has("json");
  FANFOLD_RETURN_IF_ERROR(read_output(environment, arguments, request, &options.keep));
  return options;
}

class Scatter {
 public:
  Scatter(const Environment& environment, const ScatterRequest& request,
          const ScatterOptions& options)
      : environment_(environment),
        request_(request),
        options_(options),
        display_(STDERR_FILENO, DisplayKind::kQuiet, false) {
    if (options_.keep.output.empty()) return;
    kept_.emplace(io::posix_file_system(), options_.keep, make_client_id());
  }

  int run() {
    std::vector<std::string> along;
    if (kept_) along.push_back(kept_->staging());
    if (Status status = directory_.create(environment_.temporary_directory, along); !status.ok()) {
      return report(status);
    }
    Result<ScatterJob> job =
        make_scatter_job(surroundings_of(environment_), request_, directory_.path());
    if (!job.ok()) return report(job.status());
    if (kept_) {
      if (Status status = kept_->prepare(); !status.ok()) return report(status);
    }
    if (Status status = interrupts_.start(); !status.ok()) return report(status);
    return options_.master.address.empty() ? on_private_cluster(*job) : on_master(*job);
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

  int on_master(const ScatterJob& job) {
    const auto client = connect_client(options_.master, steady_clock(), {interrupts_.descriptor()});
    if (!client.ok()) return conclude(failed(client.status()), job);
    Conclusion conclusion = Session(**client, session()).run(job.spec);
    ask_for_failures(**client, &conclusion);
    return conclude(conclusion, job);
  }

  int on_private_cluster(const ScatterJob& job) {
    PrivateCluster cluster(environment_.program_directory, directory_.path(), options_.shape,
                           directory_.guardian());
    const Conclusion conclusion = use(cluster, job.spec);
    // Whoever asked waits for the answer, not for what its targets left behind.
    const int code = conclude(conclusion, job);
    if (has_output(conclusion)) {
      cluster.stop_at_once();
    } else {
      // A second interrupt means: at once.
      cluster.stop(interrupts_.count() > 1);
    }
    return code;
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
    ask_for_failures(**client, &conclusion);
    if (conclusion.error.code() == StatusCode::kUnavailable) {
      // The master does not answer because it died: that is what to tell.
      Status status = cluster.check_children();
      if (!status.ok()) conclusion.error = std::move(status);
    } else if (!has_output(conclusion)) {
      stop_in_order(**client, interrupts_);
    }
    return conclusion;
  }

  /// Of all targets: whoever reads JSON wants more than the first cause.
  void ask_for_failures(Client& client, Conclusion* conclusion) const {
    if (!options_.json || !conclusion->status || has_output(*conclusion)) return;
    proto::GetLogs question;
    question.job = conclusion->status->job;
    Result<proto::Logs> logs = client.ask<proto::Logs>(question);
    if (logs.ok()) conclusion->attempts = std::move(logs->entries);
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
    if (!has_output(conclusion)) return tell_failure(conclusion);
    const Status told = tell(*conclusion.status, job);
    if (told.ok()) return exit_code_of(*conclusion.status);
    // Nothing was wrong with the command line: it comes this far.
    report(told);
    return kExitFailed;
  }

  int tell_failure(const Conclusion& conclusion) const {
    const proto::JobStatus& status = *conclusion.status;
    if (conclusion.interrupted && status.state == proto::JobState::kCancelled) {
      print_error("fanfold: interrupted.\n");
      return kExitInterrupted;
    }
    if (options_.json) {
      const Status told = write_whole(
          STDOUT_FILENO, formatted(failure_json_of(request_, status, conclusion.attempts)));
      if (!told.ok()) report(told);
    }
    const std::string why = failure_text_of(request_, status);
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
    if (kept_) FANFOLD_RETURN_IF_ERROR(kept_->keep(result, from));
    FANFOLD_RETURN_IF_ERROR(print_result(result, from));
    if (!result.missing.empty()) print_error("fanfold: " + missing_text(result));
    return {};
  }

  Status print_result(const ScatterResult& result, const std::string& from) const {
    io::FileSystem& files = io::posix_file_system();
    if (!kept_) {
      if (!options_.json) return print_output(files, from, {STDOUT_FILENO, false});
      return print_with_answers(files, result, from, request_.answers.json, STDOUT_FILENO);
    }
    const std::string& output = options_.keep.output;
    if (options_.json) {
      items::Json json = json_of(result);
      json["output"] = output;
      return write_whole(STDOUT_FILENO, formatted(json));
    }
    if (options_.quiet) return {};
    return write_whole(STDOUT_FILENO,
                       text_of(result) + "  output    " + printable(output, false) + "\n");
  }

  const Environment& environment_;
  const ScatterRequest& request_;
  const ScatterOptions& options_;
  Interrupts interrupts_;
  Display display_;
  PrivateDirectory directory_;
  std::optional<KeptAnswers> kept_;
  const Instant started_ = steady_clock().now();
};

int scatter_main(const Environment& environment, const Arguments& arguments) {
  const Result<ScatterRequest> request = read_scatter_flags(environment, arguments);
  if (!request.ok()) return report(request.status());
  const Result<ScatterOptions> options = read_options(environment, arguments, *request);
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
