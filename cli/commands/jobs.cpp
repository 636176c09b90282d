// `jobs`: which jobs are bundled, and what one of them takes.

#include "cli/commands/command.hpp"
#include "cli/commands/job_flags.hpp"
#include "cli/job/job_source.hpp"
#include "cli/job/parameters.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/text/suggest.hpp"
#include "cli/text/table.hpp"
#include "cli/view/json.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::cli {
namespace {

std::string parameter_names(const abi::JobInfo& job) {
  std::string text;
  for (const abi::Parameter& parameter : job.parameters) {
    text += (text.empty() ? "" : ", ") + parameter.name + (parameter.required ? " (required)" : "");
  }
  return text;
}

/// A TAB looks like nothing; the shell's way to write one can be copied.
std::string quoted(const std::string& value) {
  std::string text;
  bool escaped = false;
  for (const char c : value) {
    const bool tab = c == '\t';
    const bool newline = c == '\n';
    escaped = escaped || tab || newline;
    text += tab ? std::string("\\t") : newline ? std::string("\\n") : std::string(1, c);
  }
  return (escaped ? "$'" : "'") + text + "'";
}

const char* records_of(abi::RecordFormat format) {
  switch (format) {
    case abi::RecordFormat::kLines:
      return "lines of text";
    case abi::RecordFormat::kKeyValue:
      return "lines of key TAB value";
    case abi::RecordFormat::kCsv:
      return "CSV records";
    case abi::RecordFormat::kJsonLines:
      return "JSON Lines";
    case abi::RecordFormat::kFixed:
      return "records of a fixed length";
    case abi::RecordFormat::kWholeFile:
      return "whole files";
  }
  return "records";
}

std::string explain(const abi::JobInfo& job, const std::string& word) {
  std::string text = job.name + ": " + job.summary + "\n\n";
  text += "Reads " + std::string(records_of(job.format));
  if (!job.inputs.empty()) text += ", inputs " + join_words(job.inputs, " and ");
  text += ".\n\n";
  for (const abi::Parameter& parameter : job.parameters) {
    text += "  --param " + parameter.name + "=...  (" + name_of(parameter.type);
    text +=
        parameter.required ? ", required)" : ", default " + quoted(parameter.default_value) + ")";
    text += "\n      " + parameter.help + "\n";
    if (!parameter.choices.empty()) {
      text += "      One of: " + join_words(parameter.choices, ", ") + ".\n";
    }
  }
  if (!job.parameters.empty()) text += "\n";
  text += "  fanfold run " + word;
  for (const abi::Parameter& parameter : job.parameters) {
    if (parameter.required) text += " --param " + parameter.name + "=VALUE";
  }
  if (job.inputs.empty()) text += " INPUT...";
  for (const std::string& tag : job.inputs) text += " " + tag + "=INPUT";
  return text + " -o DIR\n";
}

Result<std::vector<abi::JobInfo>> describe(const Environment& environment,
                                           const std::string& word) {
  FANFOLD_ASSIGN_OR_RETURN(const JobSource source,
                           find_job_source(environment.program_directory, word, std::nullopt));
  const std::string path = absolute_path(environment.working_directory, source.plugin);
  FANFOLD_ASSIGN_OR_RETURN(const abi::Plugin plugin, worker::describe_plugin(path));
  if (source.job_name.empty()) return plugin.jobs;
  FANFOLD_ASSIGN_OR_RETURN(const abi::JobInfo* job,
                           worker::find_job(plugin, source.job_name, path));
  return std::vector<abi::JobInfo>{*job};
}

int list_jobs(const Environment& environment, bool json) {
  std::vector<abi::JobInfo> jobs;
  int exit_code = kExitDone;
  for (const std::string& name : bundled_jobs(environment.program_directory)) {
    Result<std::vector<abi::JobInfo>> described = describe(environment, name);
    if (!described.ok()) {
      exit_code = report(described.status());
      continue;
    }
    jobs.insert(jobs.end(), described->begin(), described->end());
  }
  if (jobs.empty() && exit_code == kExitDone) {
    return report(
        Status(StatusCode::kNotFound, "there are no bundled jobs in " +
                                          bundled_jobs_directory(environment.program_directory) +
                                          ": the installation is incomplete."));
  }
  if (json) {
    print(to_json(jobs));
    return exit_code;
  }
  Table table({"JOB", "WHAT IT DOES", "PARAMETERS"});
  for (const abi::JobInfo& job : jobs) table.add({job.name, job.summary, parameter_names(job)});
  print(table.text());
  return exit_code;
}

int jobs_main(const Environment& environment, const Arguments& arguments) {
  const bool json = arguments.has("json");
  if (arguments.positionals().empty()) return list_jobs(environment, json);
  const std::string& word = arguments.positionals().front();
  const Result<std::vector<abi::JobInfo>> jobs = describe(environment, word);
  if (!jobs.ok()) return report(jobs.status());
  if (json) {
    print(to_json(*jobs));
    return kExitDone;
  }
  for (std::size_t i = 0; i < jobs->size(); ++i) {
    const abi::JobInfo& job = (*jobs)[i];
    // One of several jobs of a file is called by file and name.
    const bool named = jobs->size() > 1 && word.find(".so:") == std::string::npos;
    print((i == 0 ? "" : "\n") + explain(job, named ? word + ":" + job.name : word));
  }
  return kExitDone;
}

}  // namespace

Command jobs_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "jobs";
  syntax.positionals = "[JOB]";
  syntax.summary = "Lists the bundled jobs, or explains one: what it reads and its parameters.";
  syntax.description = "JOB may also be a file of your own: path/plugin.so[:NAME].";
  syntax.flags = {json_flag()};
  syntax.positionals_max = 1;
  command.run = jobs_main;
  return command;
}

}  // namespace fanfold::cli
