// `cluster up`, `down` and `status`: a local cluster that outlives the shell.

#include <algorithm>

#include "cli/cluster/standing_cluster.hpp"
#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/commands/job_flags.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/text/table.hpp"
#include "cli/view/json.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr std::uint64_t kWorkersMax = 1000;
constexpr std::uint64_t kSlotsMax = 1000;

std::string cluster_directory(const Environment& environment, const Arguments& arguments) {
  const std::string word = arguments.value("dir").value_or(default_cluster_directory(environment));
  return absolute_path(environment.working_directory, word);
}

Flag directory_flag() {
  return {"dir", '\0', "DIR",
          "Directory of the cluster. Default: $XDG_RUNTIME_DIR/fanfold or /tmp/fanfold-UID.",
          false};
}

int up_main(const Environment& environment, const Arguments& arguments) {
  const auto workers = count_flag(arguments, "workers", 1, kWorkersMax);
  if (!workers.ok()) return report(workers.status());
  const auto slots = count_flag(arguments, "slots", 1, kSlotsMax);
  if (!slots.ok()) return report(slots.status());
  const auto memory = memory_flag(arguments);
  if (!memory.ok()) return report(memory.status());
  ClusterWish wish;
  wish.workers = *workers;
  wish.slots = *slots;
  wish.memory_bytes = *memory;
  const auto http = http_flag_value(arguments);
  if (!http.ok()) return report(http.status());
  wish.http_port = *http;

  const std::string directory = cluster_directory(environment, arguments);
  Interrupts interrupts;
  if (Status status = interrupts.start(); !status.ok()) return report(status);
  const Result<BroughtUp> up = bring_up(environment.program_directory, directory, wish, interrupts);
  if (interrupts.count() > 0 && !up.ok()) {
    print_error("fanfold: interrupted.\n");
    return kExitInterrupted;
  }
  if (!up.ok()) return report(up.status());
  if (arguments.has("json")) {
    print(to_json(
        ClusterUp{master_address(directory), directory, up->shape.workers, up->shape.slots}));
    return kExitDone;
  }
  print_error("a cluster of " + plural(up->shape.workers, "worker") + " with " +
              plural(up->shape.slots, "slot") + " each is up at " + master_address(directory) +
              (up->resumed ? "; jobs that it had not finished go on\n" : "\n"));
  if (up->http_port != 0) {
    print_error("its pages are at " + pages_address(up->http_port) + "\n");
  }
  // Alone on standard output: eval "$(fanfold cluster up)" works.
  print("export FANFOLD_MASTER=" + master_address(directory) + "\n");
  return kExitDone;
}

// Whether the master took it; a dead or deaf one is ended otherwise.
bool ask_to_stop(const std::string& directory, const ClusterRecord& record) {
  const std::vector<pid_t> living = living_processes(directory, record);
  if (std::find(living.begin(), living.end(), record.master) == living.end()) return false;
  const Result<std::unique_ptr<Client>> client =
      connect_client({record.address, ""}, steady_clock(), {});
  return client.ok() && (*client)->ask<proto::Answer>(proto::StopCluster{}).ok();
}

int down_main(const Environment& environment, const Arguments& arguments) {
  const std::string directory = cluster_directory(environment, arguments);
  const Result<std::optional<ClusterRecord>> record = read_cluster_record(directory);
  if (!record.ok()) return report(record.status());
  const bool asked = record->has_value() && ask_to_stop(directory, **record);
  const Status status = take_down(directory, asked);
  if (!status.ok()) return report(status);
  print_error("the cluster in " + directory + " is down\n");
  return kExitDone;
}

std::string state_of(const proto::WorkerStatus& worker) {
  if (worker.draining) return "draining";
  switch (worker.standing) {
    case proto::WorkerStanding::kProbation:
      return "probation";
    case proto::WorkerStanding::kExcluded:
      return "excluded, " + format_milliseconds(worker.excluded_ms) + " left";
    case proto::WorkerStanding::kGood:
      break;
  }
  return "up";
}

int status_main(const Environment& environment, const Arguments& arguments) {
  const Result<MasterPlace> address =
      arguments.has("dir")
          ? Result<MasterPlace>({master_address(cluster_directory(environment, arguments)), ""})
          : find_master(environment, arguments);
  if (!address.ok()) return report(address.status());
  const Result<std::unique_ptr<Client>> client = connect_client(*address, steady_clock(), {});
  if (!client.ok()) return report(client.status());
  const Result<proto::ClusterReply> cluster =
      (*client)->ask<proto::ClusterReply>(proto::GetCluster{});
  if (!cluster.ok()) return report(cluster.status());
  if (arguments.has("json")) {
    print(to_json(*cluster));
    return kExitDone;
  }
  print("master " + cluster->address + ", process " + std::to_string(cluster->process) + ", up " +
        format_milliseconds(cluster->uptime_ms) + ", " +
        plural(cluster->jobs_running, "running job") + "\n");
  Table table({"WORKER", "PROCESS", "SLOTS", "BUSY", "STATE"});
  for (const proto::WorkerStatus& worker : cluster->workers) {
    table.add({printable(worker.name, false), std::to_string(worker.process),
               std::to_string(worker.slots), std::to_string(worker.busy), state_of(worker)});
  }
  print(table.text());
  return kExitDone;
}

}  // namespace

Command cluster_up_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "cluster up";
  syntax.summary = "Starts a local cluster that outlives the shell.";
  syntax.description =
      "Prints the line that makes other commands use it: eval \"$(fanfold cluster up)\".\n"
      "Of a cluster whose master or workers died, it starts what is missing: jobs go on.";
  syntax.flags = {{"workers", '\0', "N", "Worker processes. Default: 2.", false},
                  {"slots", '\0', "N",
                   "Tasks at a time in each worker. Default: the cores, shared out.", false},
                  {"memory", '\0', "SIZE",
                   "Memory of each executor. Default: a share of the machine's.", false},
                  http_flag(),
                  directory_flag(),
                  json_flag()};
  command.run = up_main;
  return command;
}

Command cluster_down_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "cluster down";
  syntax.summary = "Stops the local cluster and leaves nothing of it; running jobs are cancelled.";
  syntax.flags = {directory_flag()};
  command.run = down_main;
  return command;
}

Command cluster_status_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "cluster status";
  syntax.summary = "Shows the workers of a cluster and what they do.";
  syntax.flags = {directory_flag(), master_flag(), key_flag(), json_flag()};
  command.run = status_main;
  return command;
}

}  // namespace fanfold::cli
