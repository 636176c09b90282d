// `replay`: exactly the attempt that failed, once more, here.

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "cli/commands/capsule_source.hpp"
#include "cli/commands/command.hpp"
#include "cli/commands/record_excerpt.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/process/private_directory.hpp"
#include "cli/replay/apart.hpp"
#include "cli/replay/plugin_runtime.hpp"
#include "cli/replay/replay.hpp"
#include "cli/view/summary.hpp"
#include "common/capsule/capsule.hpp"
#include "common/inputs/host_input.hpp"
#include "common/storage/storage.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

std::string name_of(const proto::TaskAssignment& assignment) {
  return fanfold::name_of(assignment.task) + ", attempt " +
         std::to_string(assignment.attempt_number);
}

/// What is about to happen, before anything of it does.
std::string introduction(const proto::Capsule& capsule) {
  const proto::TaskAssignment& assignment = capsule.assignment;
  const proto::FailureReport& failure = capsule.failure;
  std::string text = "replaying " + name_of(assignment) + ", of job " +
                     std::to_string(assignment.task.job.value) + " (" +
                     printable(assignment.spec.job_name, false) + ")\n  failed    " +
                     cause_line(failure) + "\n";
  if (!failure.record_file.empty()) {
    text += "  record    " + printable(failure.record_file, false) + ", byte " +
            std::to_string(failure.record_offset);
    constexpr std::size_t kShown = 80;
    const std::string record = capsule.record.substr(0, kShown);
    if (!record.empty()) {
      text +=
          ": \"" + printable(record, false) + (capsule.record.size() > kShown ? "..." : "") + "\"";
    }
    text += "\n";
  }
  if (!failure.key.empty()) text += "  key       " + printable(failure.key, false) + "\n";
  return text;
}

/// Replaces this process; returns when there is no gdb.
Status start_gdb(const Environment& environment) {
  std::vector<std::string> words = {
      "gdb",
      "-q",
      "-iex",
      "set breakpoint pending on",
      "-ex",
      "tbreak fanfold_replay_stop",
      "-ex",
      "run",
      "-ex",
      "catch throw",
      "-ex",
      "echo \\nStopped before the record that failed. 'continue' goes on into it: gdb stops again "
      "where it throws or crashes.\\n",
      "--args",
      environment.program_directory + "/fanfold"};
  // What is run is this very command line, but for what made it come here.
  for (std::size_t i = 1; i < environment.words.size(); ++i) {
    words.push_back(environment.words[i] == "--gdb" ? "--in-process" : environment.words[i]);
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execvp("gdb", arguments.data());
  return Status(StatusCode::kUnavailable,
                std::string("cannot start gdb: ") + std::strerror(errno) +
                    ".\nInstall it, or name the debugger of your choice yourself: DEBUGGER fanfold "
                    "replay ... --in-process");
}

int tell(const worker::RunOutcome& outcome, const proto::TaskAssignment& assignment) {
  if (outcome.succeeded) {
    print(name_of(assignment) + ", goes well here: " + plural(outcome.report.records_in, "record") +
          " in, " + format_bytes(outcome.report.bytes_out) + " out, which are thrown away\n");
    return kExitDone;
  }
  proto::LogEntry entry;
  entry.task = assignment.task;
  entry.attempt_number = assignment.attempt_number;
  entry.failure = outcome.failure;
  FailureContext context;
  context.attempts = {entry};
  context.record_excerpt = record_excerpt(outcome.failure);
  print_error(attempts_text(context));
  return kExitFailed;
}

/// Input on a host is read here, which is for the user to say: only workers know its name.
inputs::HostInputs claimed_host(const proto::Capsule& capsule) {
  for (const io::Piece& piece : capsule.assignment.split.pieces) {
    if (!inputs::is_host_input(piece.path)) continue;
    const std::string host(inputs::split_host_input(piece.path).host);
    print_error("WARNING: the input lay on host " + host +
                ". It is read here, and nobody knows whether it is what it was\n");
    return {host, {"/"}};
  }
  return {};
}

Result<worker::RunOutcome> run_it(const Environment& environment, const Arguments& arguments,
                                  proto::Capsule* capsule) {
  PrivateDirectory directory;
  FANFOLD_RETURN_IF_ERROR(directory.create(environment.temporary_directory));
  directory.exit_on_interrupt(kExitInterrupted);
  const std::unique_ptr<io::FileSystem> files = storage_on_host(claimed_host(*capsule));
  FANFOLD_ASSIGN_OR_RETURN(const Replay replay,
                           Replay::prepare(*files, *capsule,
                                           {.plugin = arguments.value("plugin").value_or(""),
                                            .scratch = directory.path()}));
  if (replay.plugin_differs()) {
    print_error("WARNING: " + replay.plugin() +
                " is not the plugin that failed; what happens here need not be what happened "
                "there\n");
  }
  capsule->assignment = replay.assignment();
  // A sanitizer tells of a crash itself.
  const bool here = arguments.has("in-process") || needs_sanitizer(replay.plugin());
  if (here) return replay.run({.progress = nullptr, .stop_at_record = true});
  return run_apart(
      {.assignment = &replay.assignment(), .run = [&replay](abi::ProgressSlot* progress) {
         return replay.run({.progress = progress});
       }});
}

int replay_main(const Environment& environment, const Arguments& arguments) {
  const Result<ReplayTarget> target = parse_replay_target(arguments.positionals().front());
  if (!target.ok()) return report(target.status());
  const Result<std::string> bytes = find_capsule(environment, arguments, *target);
  if (!bytes.ok()) return report(bytes.status());
  Result<proto::Capsule> capsule = open_capsule(*bytes);
  if (!capsule.ok()) return report(capsule.status());
  if (arguments.has("gdb")) return report(start_gdb(environment));
  const std::string plugin =
      arguments.value("plugin").value_or(capsule->assignment.spec.plugin.path);
  if (needs_sanitizer(plugin) && !has_sanitizer()) {
    return report(restart_with_runtime(plugin, environment.program_directory + "/fanfold",
                                       environment.words));
  }
  print_error(introduction(*capsule));
  const Result<worker::RunOutcome> outcome = run_it(environment, arguments, &*capsule);
  return outcome.ok() ? tell(*outcome, capsule->assignment) : report(outcome.status());
}

}  // namespace

Command replay_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "replay";
  syntax.positionals = "JOB_ID/TASK.ATTEMPT|EVENTS.jsonl/TASK.ATTEMPT";
  syntax.summary = "Runs a failed attempt once more, here: the same split, options and plugin.";
  syntax.description =
      "'fanfold why' names the attempt: 'fanfold replay 3/map-7.1'. Its output is thrown away. A\n"
      "plugin or an input that is not what it was is refused. Exit code: 0 it goes well here,\n"
      "1 it fails again, 2 it cannot be replayed.";
  syntax.flags = {
      {"gdb", '\0', "", "Under gdb, stopped before the record that failed.", false},
      {"plugin", '\0', "FILE",
       "Another build of the plugin, such as one with -fsanitize=address, or a mended one.", false},
      {"in-process", '\0', "",
       "In this very process, for debuggers and profilers: a crash is not explained.", false},
      {"events", '\0', "DIR", "The event directory of the master, when it is gone.", false},
      master_flag(),
      key_flag()};
  syntax.positionals_min = syntax.positionals_max = 1;
  command.run = replay_main;
  return command;
}

}  // namespace fanfold::cli
