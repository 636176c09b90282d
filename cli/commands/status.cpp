// `status` and `list`: what jobs a master knows, and how far they are.

#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/text/table.hpp"
#include "cli/view/json.hpp"
#include "cli/view/names.hpp"
#include "cli/view/progress.hpp"
#include "cli/view/summary.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

std::string progress_of(const proto::JobStatus& status) {
  std::string text;
  for (const proto::StageStatus& stage : status.stages) {
    text += (text.empty() ? "" : " ") + std::string(name_of(stage.stage)) + " " +
            std::to_string(stage.done) + "/" + std::to_string(stage.tasks) +
            (is_open(status, stage) ? " so far" : "");
  }
  return text;
}

int show_list(Client& client, bool json) {
  const Result<proto::JobList> list = client.ask<proto::JobList>(proto::ListJobs{});
  if (!list.ok()) return report(list.status());
  if (json) {
    print(to_json(list->jobs));
    return kExitDone;
  }
  if (list->jobs.empty()) {
    print("no jobs\n");
    return kExitDone;
  }
  Table table({"JOB", "NAME", "STATE", "TASKS", "TIME", "USER", "OUTPUT"});
  for (const proto::JobStatus& status : list->jobs) {
    const bool paused = status.state == proto::JobState::kRunning && status.control.paused;
    table.add({std::to_string(status.job.value), status.job_name,
               paused ? "paused" : proto::name_of(status.state), progress_of(status),
               format_milliseconds(status.elapsed_ms), printable(status.submitted_by, false),
               printable(status.output, false)});
  }
  print(table.text());
  return kExitDone;
}

int list_main(const Environment& environment, const Arguments& arguments) {
  const Result<std::unique_ptr<Client>> client = connect_to_master(environment, arguments);
  if (!client.ok()) return report(client.status());
  return show_list(**client, arguments.has("json"));
}

int status_main(const Environment& environment, const Arguments& arguments) {
  if (arguments.positionals().empty()) return list_main(environment, arguments);
  const Result<JobId> job = parse_job(arguments.positionals().front());
  if (!job.ok()) return report(job.status());
  const Result<std::unique_ptr<Client>> client = connect_to_master(environment, arguments);
  if (!client.ok()) return report(client.status());
  const Result<proto::JobStatus> status = get_job(**client, *job);
  if (!status.ok()) return report(status.status());
  print(arguments.has("json") ? to_json(*status) : status_text(*status));
  return kExitDone;
}

}  // namespace

Command status_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "status";
  syntax.positionals = "[JOB_ID]";
  syntax.summary = "Shows how far a job is; without JOB_ID, all jobs.";
  syntax.flags = {master_flag(), key_flag(), json_flag()};
  syntax.positionals_max = 1;
  command.run = status_main;
  return command;
}

Command list_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "list";
  syntax.summary = "Lists the jobs of a cluster.";
  syntax.flags = {master_flag(), key_flag(), json_flag()};
  command.run = list_main;
  return command;
}

}  // namespace fanfold::cli
