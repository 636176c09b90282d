// `run`: on a private local cluster, on a cluster that is named, or inside this process.

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <memory>

#include "cli/client/client.hpp"
#include "cli/client/event_stream.hpp"
#include "cli/cluster/private_cluster.hpp"
#include "cli/commands/capsule_source.hpp"
#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/commands/event_file.hpp"
#include "cli/commands/job_flags.hpp"
#include "cli/commands/job_profile.hpp"
#include "cli/commands/replica_flags.hpp"
#include "cli/commands/run_items.hpp"
#include "cli/commands/session.hpp"
#include "cli/commands/trace_export.hpp"
#include "cli/local/in_process.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/process/private_directory.hpp"
#include "cli/profile/profile.hpp"
#include "cli/view/display.hpp"
#include "common/capsule/capsule.hpp"
#include "common/profile/sampler.hpp"
#include "common/profile/stack_profile.hpp"

namespace fanfold::cli {
namespace {

constexpr std::uint64_t kWorkersMax = 1000;
constexpr std::uint64_t kSlotsMax = 1000;
/// What one process does not do.
constexpr std::initializer_list<const char*> kOfClusters = {
    "shuffle-over-network", "completion",  "deadline",      "workers", "slots", "shuffle",
    "max-concurrency",      "on-deadline", "replicas",      "master",  "http",  "weight",
    "verify-sample",        "priority",    "events",        "accept",  "otlp",  "retry",
    "hedge-after",          "prefer",      "hot-partitions"};

struct RunOptions {
  JobRequest request;
  ClusterShape shape;
  bool in_process = false;
  bool quiet = false;
  bool json = false;
  std::string master;           // Empty: a private cluster.
  std::string key;              // For the master; may be empty.
  std::uint16_t http_port = 0;  // Of the pages of a private cluster; 0: none.
  std::string events;           // Where the event log goes; empty: nowhere.
  CollectorOptions collector;   // Of the trace; an empty URL: none.
  std::string profile;          // Where a flame graph goes; empty: nowhere.
};

Status refuse_together(const Arguments& arguments, const std::string& with,
                       std::initializer_list<const char*> flags) {
  for (const std::string flag : flags) {
    if (!arguments.has(flag)) continue;
    return Status(StatusCode::kInvalidArgument, "--" + flag + " makes no sense with " + with + ".");
  }
  return Status();
}

Result<RunOptions> read_options(const Environment& environment, const Arguments& arguments) {
  RunOptions options;
  FANFOLD_ASSIGN_OR_RETURN(options.request, make_job_request(arguments));
  FANFOLD_ASSIGN_OR_RETURN(auto workers, count_flag(arguments, "workers", 1, kWorkersMax));
  FANFOLD_ASSIGN_OR_RETURN(const auto slots, count_flag(arguments, "slots", 1, kSlotsMax));
  options.profile = arguments.value("profile").value_or("");
  options.in_process = arguments.has("in-process");
  options.quiet = arguments.has("quiet");
  options.json = arguments.has("json");
  options.events = arguments.value("events").value_or("");
  FANFOLD_ASSIGN_OR_RETURN(options.collector, otlp_flag_value(environment, arguments));
  if (options.in_process) {
    FANFOLD_RETURN_IF_ERROR(refuse_together(arguments, "--in-process", kOfClusters));
    return options;
  }
  options.master = arguments.value("master").value_or(environment.master.value_or(""));
  options.key = arguments.value("key").value_or(environment.key.value_or(""));
  if (!options.master.empty()) {
    FANFOLD_RETURN_IF_ERROR(refuse_together(arguments, "a master: the cluster has its own workers",
                                            {"workers", "slots", "http"}));
  }
  FANFOLD_ASSIGN_OR_RETURN(const auto http_port, http_flag_value(arguments));
  options.http_port = http_port.value_or(0);
  FANFOLD_ASSIGN_OR_RETURN(workers, workers_for(options.request.replicas, workers));
  options.shape = choose_shape(workers, slots, usable_cores());
  options.shape.memory_bytes = options.request.memory_bytes;
  return options;
}

// What all three ways of running need.
struct Run {
  Run(const Environment& environment_, const RunOptions& options_)
      : environment(environment_),
        options(options_),
        display(STDERR_FILENO, choose_display(STDERR_FILENO, options_.quiet, environment_.terminal),
                !environment_.no_colour),
        started(steady_clock().now()) {}

  SessionOptions session_options() {
    SessionOptions session;
    session.interrupts = &interrupts;
    session.display = &display;
    return session;
  }

  int conclude(const Conclusion& conclusion) {
    const int code = tell(conclusion);
    send_trace_of(conclusion);
    return code;
  }

  int tell(const Conclusion& conclusion) const {
    ReportOptions report;
    report.quiet = options.quiet;
    report.json = options.json;
    report.master = options.master;
    report.events = options.events;
    report.command = options.in_process ? "" : shell_command(environment.words);
    const Duration wall = steady_clock().now() - started;
    report.wall_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(wall).count());
    return report_conclusion(conclusion, report);
  }

  /// Whatever becomes of it, the job is over.
  void send_trace_of(const Conclusion& conclusion) {
    if (options.collector.url.empty() || !conclusion.status) return;
    CollectorOptions collector = options.collector;
    interrupts.drain();
    const int before = interrupts.count();
    collector.interrupted = [this, before] {
      interrupts.drain();
      return interrupts.count() > before;
    };
    const Status sent =
        trace_log.ok() ? send_trace(collector, *trace_log).status() : trace_log.status();
    if (!sent.ok()) print_error("WARNING: " + sent.message() + "\n");
  }

  Status take_standard_input(const std::string& directory, proto::JobSpec* spec) {
    if (!has_standard_input(*spec)) return Status();
    const InterruptCheck check = {interrupts.descriptor(), [this] {
                                    interrupts.drain();
                                    return interrupts.count() > 0;
                                  }};
    return copy_standard_input(STDIN_FILENO, directory + "/standard-input", check, spec);
  }

  const Environment& environment;
  const RunOptions& options;
  Interrupts interrupts;
  Display display;
  EventFile events;
  Result<std::string> trace_log = std::string();  // The event log, when a trace is made of it.
  const Instant started;
};

Conclusion failed(Run& run, Status error) {
  Conclusion conclusion;
  run.interrupts.drain();
  conclusion.error = std::move(error);
  conclusion.interrupted = run.interrupts.count() > 0;
  return conclusion;
}

bool succeeded(const Conclusion& conclusion) {
  return conclusion.status && (conclusion.status->state == proto::JobState::kSucceeded ||
                               conclusion.status->state == proto::JobState::kPartial);
}

Conclusion use_private_cluster(Run& run, PrivateCluster& cluster, const std::string& directory,
                               proto::JobSpec& spec) {
  if (Status status = cluster.start(); !status.ok()) return failed(run, status);
  if (Status status = run.take_standard_input(directory, &spec); !status.ok()) {
    return failed(run, status);
  }
  if (Status status = cluster.wait_until_ready(run.interrupts); !status.ok()) {
    return failed(run, status);
  }
  if (run.options.http_port != 0 && !run.options.quiet) {
    print_error("pages about this run: " + pages_address(run.options.http_port) + "\n");
  }
  Result<std::unique_ptr<Client>> client =
      connect_client({cluster.address(), ""}, steady_clock(), {run.interrupts.descriptor()});
  if (!client.ok()) return failed(run, client.status());
  SessionOptions options = run.session_options();
  options.check = [&cluster] { return cluster.check_children(); };
  options.abandon_submission = true;
  Conclusion conclusion = Session(**client, options).run(spec);
  if (conclusion.error.code() == StatusCode::kUnavailable) {
    // The master does not answer because it died: that is what to tell.
    Status status = cluster.check_children();
    if (!status.ok()) conclusion.error = std::move(status);
  } else if (!succeeded(conclusion)) {
    stop_in_order(**client, run.interrupts);
  }
  return conclusion;
}

Result<std::string> read_log(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (file) return std::string(std::istreambuf_iterator<char>(file), {});
  return Status(StatusCode::kNotFound, "no trace is sent: the job left no event log");
}

Status keep_events(Run& run, const std::string& log) {
  if (!run.options.collector.url.empty()) run.trace_log = read_log(log);
  if (!run.events.wanted()) return {};
  FANFOLD_RETURN_IF_ERROR(run.events.copy_log(log));
  return copy_capsules(capsule_directory(log), run.options.events);
}

Result<std::string> fetch_log(Client& client, JobId job) {
  std::string text;
  EventReader reader;
  reader.take = [&text](std::string_view bytes) {
    text += bytes;
    return Status();
  };
  FANFOLD_RETURN_IF_ERROR(read_events(client, job, reader));
  return text;
}

/// Of a cluster, which keeps its own.
Status fetch_events(Run& run, Client& client, JobId job) {
  EventReader reader;
  reader.take = [&run](std::string_view bytes) { return run.events.write(bytes); };
  FANFOLD_RETURN_IF_ERROR(read_events(client, job, reader));
  remove_capsules(run.options.events);
  proto::GetLogs question;
  question.job = job;
  FANFOLD_ASSIGN_OR_RETURN(const proto::Logs logs, client.ask<proto::Logs>(question));
  for (const proto::LogEntry& entry : logs.entries) {
    if (!leaves_capsule(entry.failure.kind)) continue;
    const Result<std::string> capsule = read_capsule(client, entry.task, entry.attempt_number);
    // Of very many failures not all are kept.
    if (!capsule.ok() && capsule.status().code() == StatusCode::kNotFound) continue;
    FANFOLD_RETURN_IF_ERROR(capsule.status());
    FANFOLD_RETURN_IF_ERROR(write_capsule(
        run.options.events, capsule_name(entry.task, entry.attempt_number), *capsule));
  }
  return {};
}

Status ask_for_samples(const Run& run, proto::JobSpec* spec) {
  if (run.options.profile.empty()) return {};
  FANFOLD_ASSIGN_OR_RETURN(spec->profile, make_sample_directory(run.options.profile));
  return {};
}

/// Samples go with it, whatever becomes of this process.
Status make_private(const Run& run, const proto::JobSpec& spec, PrivateDirectory* directory) {
  std::vector<std::string> along;
  if (!spec.profile.empty()) along.push_back(spec.profile);
  const Status made = directory->create(run.environment.temporary_directory, along);
  // Nobody else removes them then.
  if (!made.ok() && !spec.profile.empty()) ::rmdir(spec.profile.c_str());
  return made;
}

/// Whatever became of the job.
void keep_profile(const Run& run, const proto::JobSpec& spec, const Conclusion& conclusion) {
  if (spec.profile.empty()) return;
  tell_of_profile(write_job_profile(run.options.profile, spec), conclusion.status.has_value());
}

Conclusion run_on_private_cluster(Run& run, proto::JobSpec& spec) {
  if (Status status = ask_for_samples(run, &spec); !status.ok()) return failed(run, status);
  PrivateDirectory directory;
  if (Status status = make_private(run, spec, &directory); !status.ok()) {
    return failed(run, status);
  }
  PrivateCluster cluster(run.environment.program_directory, directory.path(), run.options.shape,
                         directory.guardian());
  cluster.serve_pages(run.options.http_port);
  Conclusion conclusion = use_private_cluster(run, cluster, directory.path(), spec);
  // A second interrupt means: at once.
  cluster.stop(run.interrupts.count() > 1);
  keep_profile(run, spec, conclusion);
  // Of a cluster that died as well; its master writes nothing any more.
  conclusion.events_kept = keep_events(run, event_directory(directory.path()) + "/job-1.jsonl");
  return conclusion;
}

Conclusion run_on_master(Run& run, proto::JobSpec& spec) {
  Result<std::unique_ptr<Client>> client = connect_client(
      {run.options.master, run.options.key}, steady_clock(), {run.interrupts.descriptor()});
  if (!client.ok()) return failed(run, client.status());
  if (Status status = ask_for_samples(run, &spec); !status.ok()) return failed(run, status);
  PrivateDirectory directory;
  if (has_standard_input(spec) || !spec.profile.empty()) {
    Status status = make_private(run, spec, &directory);
    if (status.ok()) status = run.take_standard_input(directory.path(), &spec);
    if (!status.ok()) return failed(run, status);
  }
  Conclusion conclusion = Session(**client, run.session_options()).run(spec);
  keep_profile(run, spec, conclusion);
  if (!run.options.collector.url.empty() && conclusion.status) {
    run.trace_log = fetch_log(**client, conclusion.status->job);
  }
  if (run.events.wanted() && conclusion.status) {
    conclusion.events_kept = fetch_events(run, **client, conclusion.status->job);
  }
  return conclusion;
}

Conclusion run_here(Run& run, const proto::JobSpec& spec) {
  InProcessOptions options;
  options.temporary_directory = run.environment.temporary_directory;
  options.on_status = [&run](const proto::JobStatus& status) {
    run.display.show(steady_clock().now(), status);
  };
  Conclusion conclusion;
  const bool profiled = !run.options.profile.empty();
  if (profiled) {
    options.on_stage = [](Stage stage) { Sampler::enter(stage); };
    if (Status started = Sampler::start(); !started.ok()) return failed(run, started);
  }
  Result<proto::JobStatus> status = run_in_process(spec, options);
  run.display.finish();
  if (profiled) {
    Sampler::stop();
    tell_of_profile(
        write_profile(
            {.path = run.options.profile, .job = spec.job_name, .plugin = spec.plugin.path},
            locate(Sampler::take(), Sampler::take_left_out())),
        status.ok());
  }
  if (status.ok()) {
    conclusion.status = *std::move(status);
  } else {
    conclusion.error = status.status();
  }
  return conclusion;
}

int run_main(const Environment& environment, const Arguments& arguments) {
  if (is_item_job(arguments)) return run_items(environment, arguments);
  if (Status status = check_job_words(arguments); !status.ok()) return report(status);
  const Result<RunOptions> options = read_options(environment, arguments);
  if (!options.ok()) return report(options.status());
  Result<proto::JobSpec> spec = make_job_spec(surroundings_of(environment), options->request);
  if (!spec.ok()) return report(spec.status());
  Run run(environment, *options);
  if (Status status = run.events.open(options->events); !status.ok()) return report(status);
  if (options->in_process) return run.conclude(run_here(run, *spec));
  if (Status status = run.interrupts.start(); !status.ok()) return report(status);
  if (!options->master.empty()) return run.conclude(run_on_master(run, *spec));
  return run.conclude(run_on_private_cluster(run, *spec));
}

}  // namespace

Command run_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "run";
  syntax.positionals = "JOB INPUT... -o DIR";
  syntax.summary = "Runs a job to its end.";
  syntax.description =
      "JOB is a bundled job ('fanfold jobs') or one of your own: path/plugin.so[:NAME].\n"
      "INPUT is a file, a directory, a pattern, @FILE (a list of inputs) or - (standard input);\n"
      "jobs with several inputs take TAG=INPUT.\n"
      "MAP.json [INPUT.json] instead runs a Map state of the States Language: a program or a job\n"
      "for each item of a list (docs/patterns/item_jobs.md).\n\n"
      "Without --master or FANFOLD_MASTER the job gets a private local cluster that leaves "
      "nothing\n"
      "behind. Exit code: 0 done, 1 failed, 2 wrong usage or input, 3 partial, 4 cancelled,\n"
      "130 interrupted.";
  syntax.flags = job_flags();
  const std::vector<Flag> more = {
      {"workers", '\0', "N", "Worker processes of the private cluster. Default: 2.", false},
      {"slots", '\0', "N", "Tasks at a time in each worker. Default: the cores, shared out.",
       false},
      {"master", '\0', "ADDR", "Run it on this cluster. Default: FANFOLD_MASTER.", false},
      key_flag(),
      {"events", '\0', "FILE", "Keep the event log of the job here (docs/operating/events.md).",
       false},
      otlp_flag(),
      http_flag(),
      {"profile", '\0', "FILE.svg",
       "Write a flame graph of each stage here (docs/operating/profiles.md).", false},
      {"in-process", '\0', "", "Run all tasks inside this process, for debuggers.", false},
      {"quiet", 'q', "", "Print nothing but errors.", false},
      {"json", '\0', "", "Print the final status as JSON to standard output.", false}};
  syntax.flags.insert(syntax.flags.end(), more.begin(), more.end());
  const std::vector<Flag> of_items = item_flags();
  syntax.flags.insert(syntax.flags.end(), of_items.begin(), of_items.end());
  syntax.positionals_min = 1;
  syntax.positionals_max = static_cast<std::size_t>(-1);
  command.run = run_main;
  return command;
}

}  // namespace fanfold::cli
