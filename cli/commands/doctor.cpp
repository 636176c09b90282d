// `doctor`: whether this host can run jobs, and what to fix.

#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/doctor/examination.hpp"
#include "cli/job/job_spec.hpp"
#include "cli/options/exit_codes.hpp"

namespace fanfold::cli {
namespace {

int doctor_main(const Environment& environment, const Arguments& arguments) {
  HostQuestions questions;
  questions.program_directory = environment.program_directory;
  questions.scratch =
      absolute_path(environment.working_directory,
                    arguments.value("scratch").value_or(environment.temporary_directory));
  questions.cluster_directory = default_cluster_directory(environment);
  const std::vector<Finding> findings = examine(look_at_host(questions));
  print(arguments.has("json") ? to_json(findings) : text_of(findings));
  return worst_of(findings) == Verdict::kBroken ? kExitFailed : kExitDone;
}

}  // namespace

Command doctor_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "doctor";
  syntax.summary = "Checks whether this host can run jobs, and says what to fix.";
  syntax.description =
      "Looks at programs, scratch space, limits, control groups, memory, clock. Needs no rights "
      "and no\n"
      "user namespaces. Exit code: 0 jobs can run here (warnings are printed); 1 they cannot.";
  syntax.flags = {
      {"scratch", '\0', "DIR", "Directory of intermediate data. Default: TMPDIR, or /tmp.", false},
      json_flag()};
  command.run = doctor_main;
  return command;
}

}  // namespace fanfold::cli
