// `doctor`: whether this host can run jobs, and what to fix.

#include "cli/cluster/keyed_master.hpp"
#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/doctor/examination.hpp"
#include "cli/job/job_spec.hpp"
#include "cli/options/exit_codes.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

Result<std::vector<std::uint16_t>> ports_of(const Arguments& arguments) {
  std::vector<std::uint16_t> ports;
  for (const std::string& word : arguments.values("port")) {
    const Result<std::uint64_t> port = parse_count(word, 1, 65535);
    if (!port.ok()) return port.status().with_context("--port");
    ports.push_back(static_cast<std::uint16_t>(*port));
  }
  if (ports.empty()) ports.push_back(kUsualMasterPort);
  return ports;
}

int doctor_main(const Environment& environment, const Arguments& arguments) {
  HostQuestions questions;
  Result<std::vector<std::uint16_t>> ports = ports_of(arguments);
  if (!ports.ok()) return report(ports.status());
  questions.ports = *std::move(ports);
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
      "Looks at programs, scratch space, limits, control groups, memory, ports, clock. Needs no\n"
      "rights and no user namespaces. Exit code: 0 jobs can run here (warnings are printed); 1 "
      "they cannot.";
  syntax.flags = {
      {"scratch", '\0', "DIR", "Directory of intermediate data. Default: TMPDIR, or /tmp.", false},
      {"port", '\0', "N",
       "Look whether something can listen at this port; may be repeated. Default: 7077, of a "
       "master "
       "for other hosts.",
       true},
      json_flag()};
  command.run = doctor_main;
  return command;
}

}  // namespace fanfold::cli
