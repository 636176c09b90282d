// `profile`: where a job that was submitted with --profile has spent its processor time.

#include "cli/profile/profile.hpp"

#include "cli/commands/command.hpp"
#include "cli/commands/history_source.hpp"
#include "cli/commands/job_profile.hpp"
#include "cli/options/exit_codes.hpp"

namespace fanfold::cli {
namespace {

Result<StackProfile> samples_of(const JobHistory& history) {
  const std::string job = "job " + std::to_string(history.job);
  if (history.profile.empty()) {
    return Status(StatusCode::kNotFound,
                  job +
                      " was not sampled: that is asked for when it is submitted ('fanfold submit "
                      "... --profile DIR', or 'fanfold run ... --profile FILE.svg')");
  }
  Result<StackProfile> samples = read_job_samples(history.profile);
  if (samples.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kNotFound,
                  job + ": " + samples.status().message() +
                      ".\nIt was removed, or is on another host: then ask there.");
  }
  return samples;
}

int profile_main(const Environment& environment, const Arguments& arguments) {
  const Result<JobHistory> history = load_history(environment, arguments);
  if (!history.ok()) return report(history.status());
  const Result<StackProfile> samples = samples_of(*history);
  if (!samples.ok()) return report(samples.status());
  const Result<std::string> svg = profile_svg(history->name, history->plugin, *samples);
  if (!svg.ok()) return report(svg.status());
  if (history->state == "running") {
    print_error("The job is not over: this is what was seen so far.\n");
  }
  const Status written = write_result(arguments, *svg);
  return written.ok() ? kExitDone : report(written);
}

}  // namespace

Command profile_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "profile";
  syntax.positionals = "JOB_ID|EVENTS.jsonl";
  syntax.summary = "Draws where a job has spent its processor time: a flame graph of each stage.";
  syntax.description =
      "The picture is one SVG that needs nothing else. It is made of the samples of a job that "
      "was\n"
      "submitted with --profile DIR, on a host that sees that directory (docs/operating/"
      "profiles.md).";
  syntax.flags = {result_flag("Where the picture goes. Default: standard output."), master_flag(),
                  key_flag()};
  syntax.positionals_min = syntax.positionals_max = 1;
  command.run = profile_main;
  return command;
}

}  // namespace fanfold::cli
