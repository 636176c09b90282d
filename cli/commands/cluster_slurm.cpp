#include "cli/commands/cluster_slurm.hpp"

#include "cli/cluster/processes.hpp"
#include "cli/cluster/programs.hpp"
#include "cli/commands/cluster_hosts.hpp"
#include "cli/commands/job_flags.hpp"
#include "cli/commands/session.hpp"
#include "cli/hosts/hosts_file.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/slurm/slurm_cluster.hpp"
#include "cli/slurm/slurm_commands.hpp"
#include "cli/view/json.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr std::uint64_t kNodesMost = 10'000;
constexpr std::uint64_t kSlotsMost = 1000;

Status wrong(const std::string& why) { return {StatusCode::kInvalidArgument, why}; }

Status read_limits(const Arguments& arguments, SlurmClusterWish* wish) {
  FANFOLD_ASSIGN_OR_RETURN(const auto nodes, count_flag(arguments, "nodes", 1, kNodesMost));
  FANFOLD_ASSIGN_OR_RETURN(wish->nodes_min, count_flag(arguments, "min", 0, kNodesMost));
  FANFOLD_ASSIGN_OR_RETURN(wish->nodes_max, count_flag(arguments, "max", 1, kNodesMost));
  FANFOLD_ASSIGN_OR_RETURN(wish->slots, count_flag(arguments, "slots", 1, kSlotsMost));
  if (nodes && (wish->nodes_min || wish->nodes_max)) {
    return wrong(
        "--nodes says how many nodes there are, --min and --max between how many: choose.");
  }
  if (nodes) wish->nodes_min = wish->nodes_max = nodes;
  if (const auto word = arguments.value("idle")) {
    const Result<Duration> idle = parse_duration(*word);
    if (!idle.ok()) return idle.status().with_context("--idle");
    wish->idle_max = *idle;
  }
  return {};
}

Status check_words(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (!word.starts_with("-")) {
      return wrong("--sbatch " + printable(word, false) +
                   " is no option of sbatch: write --sbatch=--NAME=VALUE.");
    }
    if (hides_jobs(word)) {
      return wrong("--sbatch " + printable(word, false) +
                   " would hide the cluster's Slurm jobs from it: leave out --job-name (-J), "
                   "--array (-a) and --clusters (-M).");
    }
  }
  return {};
}

Result<SlurmClusterWish> read_wish(const Environment& environment, const Arguments& arguments) {
  for (const char* flag : {"workers", "ssh-config"}) {
    if (arguments.has(flag)) return wrong(std::string("--") + flag + " is not for --slurm.");
  }
  SlurmClusterWish wish;
  FANFOLD_RETURN_IF_ERROR(read_limits(arguments, &wish));
  if (arguments.has("memory")) {
    FANFOLD_ASSIGN_OR_RETURN(wish.memory_bytes, memory_flag(arguments));
  }
  FANFOLD_ASSIGN_OR_RETURN(wish.http_port, http_flag_value(arguments));
  wish.address = arguments.value("address").value_or("");
  if (const auto scratch = arguments.value("scratch")) {
    wish.scratch = absolute_path(environment.working_directory, *scratch);
  }
  for (const std::string& word : arguments.values("host-input")) {
    if (!word.starts_with('/')) {
      return wrong("--host-input " + printable(word, false) +
                   " lies on the nodes: name it from the root on.");
    }
  }
  if (arguments.has("host-input")) wish.host_inputs = arguments.values("host-input");
  if (arguments.has("sbatch")) wish.sbatch_words = arguments.values("sbatch");
  FANFOLD_RETURN_IF_ERROR(check_words(arguments.values("sbatch")));
  // Whether they fit what is there is seen there.
  FANFOLD_RETURN_IF_ERROR(record_with(wish, SlurmRecord(), true).status());
  return wish;
}

/// Its name stands in a pattern of Slurm's for file names.
Status check_directory(const std::string& directory) {
  if (is_plain_path(directory) && directory.find_first_of("%\\") == std::string::npos) return {};
  return wrong(printable(directory, false) +
               " has characters in its name that mean something else to Slurm; name another "
               "directory with --dir.");
}

std::string nodes_text(const ScaleLimits& limits) {
  if (limits.nodes_min == limits.nodes_max) return plural(limits.nodes_max, "node");
  return std::to_string(limits.nodes_min) + " to " + plural(limits.nodes_max, "node");
}

int scale_main(const Environment& environment, const Arguments& arguments) {
  const std::string directory =
      absolute_path(environment.working_directory,
                    arguments.value("dir").value_or(default_cluster_directory(environment)));
  Interrupts interrupts;
  if (Status status = interrupts.start(); !status.ok()) return report(status);
  Result<Log> log = Log::open("", LogLevel::kInfo);
  if (!log.ok()) return report(log.status());
  return report(run_scaler(environment.program_directory, directory, interrupts, *log));
}

}  // namespace

int slurm_up_main(const Environment& environment, const Arguments& arguments,
                  const std::string& directory) {
  const Result<SlurmClusterWish> wish = read_wish(environment, arguments);
  if (!wish.ok()) return report(wish.status());
  if (Status status = check_directory(directory); !status.ok()) return report(status);
  Interrupts interrupts;
  if (Status status = interrupts.start(); !status.ok()) return report(status);
  const Result<SlurmUp> up =
      bring_up_slurm(environment.program_directory, directory, *wish, interrupts);
  if (interrupts.count() > 0 && !up.ok()) {
    print_error("fanfold: interrupted.\n");
    return kExitInterrupted;
  }
  if (!up.ok()) return report(up.status());
  if (arguments.has("json")) {
    const std::vector<std::pair<std::string, std::string>> facts = {
        {"address", up->address},
        {"directory", directory},
        {"key", up->key},
        {"nodes_min", std::to_string(up->limits.nodes_min)},
        {"nodes_max", std::to_string(up->limits.nodes_max)}};
    print(to_json(facts));
    return kExitDone;
  }
  print_error("a cluster of " + nodes_text(up->limits) + " of Slurm is up at " + up->address +
              "; nodes come when Slurm has them\n");
  if (up->http_port != 0) {
    print_error("its pages are at " + pages_address(up->http_port) + "\n");
  }
  print_way_in(up->address, up->key);
  return kExitDone;
}

Status print_nodes(const std::string& directory) {
  Interrupts interrupts;
  FANFOLD_RETURN_IF_ERROR(interrupts.start());
  FANFOLD_ASSIGN_OR_RETURN(const std::string line, describe_nodes(directory, interrupts));
  if (!line.empty()) print(line + "\n");
  return {};
}

Command cluster_scale_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "cluster scale";
  syntax.summary = "Adds and releases nodes of a Slurm cluster, until it is told to end.";
  syntax.description =
      "'cluster up --slurm' starts it in the background; its log is scaler.log in the directory.\n"
      "Another one in the foreground helps when something is wrong: end the first before.";
  syntax.flags = {{"dir", '\0', "DIR",
                   "Directory of the cluster. Default: $XDG_RUNTIME_DIR/fanfold or "
                   "/tmp/fanfold-UID.",
                   false}};
  command.run = scale_main;
  return command;
}

}  // namespace fanfold::cli
