// `cluster up`, `down` and `status`: a local cluster that outlives the shell.

#include <algorithm>

#include "cli/cluster/keyed_master.hpp"
#include "cli/cluster/standing_cluster.hpp"
#include "cli/commands/cluster_hosts.hpp"
#include "cli/commands/cluster_slurm.hpp"
#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/commands/job_flags.hpp"
#include "cli/hosts/host_cluster.hpp"
#include "cli/hosts/host_record.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/slurm/slurm_cluster.hpp"
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
  const std::string directory = cluster_directory(environment, arguments);
  if (arguments.has("hosts")) return hosts_up_main(environment, arguments, directory);
  if (arguments.has("slurm")) return slurm_up_main(environment, arguments, directory);
  for (const char* flag : {"address", "ssh-config", "nodes", "min", "max", "idle", "scratch",
                           "host-input", "sbatch"}) {
    if (!arguments.has(flag)) continue;
    return report(Status(StatusCode::kInvalidArgument,
                         std::string("--") + flag + " is for clusters of --hosts or --slurm."));
  }
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
  return stop_master({record.address, ""});
}

int down_main(const Environment& environment, const Arguments& arguments) {
  const std::string directory = cluster_directory(environment, arguments);
  if (arguments.has("host")) {
    return hosts_leave_main(directory, arguments.values("host"), arguments.has("forget"));
  }
  if (arguments.has("forget")) {
    return report(Status(StatusCode::kInvalidArgument, "--forget needs --host NAME."));
  }
  const Result<std::optional<KeyedMaster>> keyed = read_keyed_master(directory);
  if (!keyed.ok()) return report(keyed.status());
  const Result<std::optional<SlurmRecord>> slurm = read_slurm_record(directory);
  if (!slurm.ok()) return report(slurm.status());
  if (slurm->has_value()) return keyed_down_main(directory, take_down_slurm);
  const Result<std::optional<HostRecord>> hosts = read_host_record(directory);
  if (!hosts.ok()) return report(hosts.status());
  if (keyed->has_value() || hosts->has_value()) return keyed_down_main(directory, take_down_hosts);
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

std::string free_of(std::uint64_t free, std::uint64_t all) {
  return all == 0 ? "-" : format_bytes(free) + " of " + format_bytes(all);
}

int status_main(const Environment& environment, const Arguments& arguments) {
  const std::string directory = cluster_directory(environment, arguments);
  const Result<MasterPlace> address =
      arguments.has("dir") ? place_of_cluster(directory) : find_master(environment, arguments);
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
  Table table({"WORKER", "PROCESS", "SLOTS", "BUSY", "MEMORY FREE", "SCRATCH FREE", "STATE"});
  for (const proto::WorkerStatus& worker : cluster->workers) {
    table.add({printable(worker.name, false), std::to_string(worker.process),
               std::to_string(worker.slots), std::to_string(worker.busy),
               free_of(worker.room.memory_bytes_free, worker.room.memory_bytes),
               free_of(worker.room.scratch_bytes_free, worker.room.scratch_bytes),
               state_of(worker)});
  }
  if (arguments.has("dir")) {
    Status told = add_absent_hosts(directory, *cluster, &table);
    if (told.ok()) told = print_nodes(directory);
    if (!told.ok()) return report(told);
  }
  print(table.text());
  return kExitDone;
}

Flag local_flag(const char* name, const char* value, const char* help) {
  return {name, '\0', value, help, false};
}

std::vector<Flag> slurm_flags() {
  return {
      local_flag("slurm", "", "Start workers as Slurm jobs, one on each node."),
      local_flag("nodes", "N", "Of --slurm: how many, now and always. Default: 1."),
      local_flag("min", "N", "Of --slurm: nodes when there is nothing to do. Default: 1."),
      local_flag("max", "N", "Of --slurm: nodes when there is much to do. Default: as --min."),
      local_flag("idle", "TIME",
                 "Of --slurm: a node idles as long before it may go. Default: 60s."),
      local_flag("scratch", "DIR",
                 "Of --slurm: intermediate files, on each node. Default: /var/tmp/fanfold-UID."),
      {"host-input", '\0', "DIR",
       "Of --slurm: jobs may read files of each node below it, as host://NODE/path; may be "
       "repeated.",
       true},
      {"sbatch", '\0', "WORD",
       "Of --slurm: a word more for sbatch, such as --partition=long; may be repeated.", true}};
}

}  // namespace

Command cluster_up_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "cluster up";
  syntax.summary =
      "Starts a cluster that outlives the shell: here, on other hosts, or under Slurm.";
  syntax.description =
      "Prints the line that makes other commands use it: eval \"$(fanfold cluster up)\".\n"
      "Of a cluster whose master or workers died, it starts what is missing: jobs go on.\n"
      "With --hosts the master runs here and a worker on each host, over TCP with keys, which are\n"
      "made and taken there through ssh. A line of the file: [USER@]HOST, or 'here', and then any\n"
      "of name= port= slots= memory= scratch= bin= input=. Hosts that are new in the file are "
      "added.\n"
      "With --slurm nodes come and go between --min and --max, as the tasks of all jobs need "
      "them;\n"
      "one that is lost or taken away is replaced. --dir is on storage that the nodes share.";
  syntax.flags = {
      local_flag("workers", "N", "Worker processes of a local cluster. Default: 2."),
      local_flag("slots", "N",
                 "Tasks at a time in each worker. Default: the cores, shared out; of "
                 "--slurm: 1."),
      local_flag("memory", "SIZE", "Memory of each executor. Default: a share of the machine's."),
      local_flag("hosts", "FILE", "Start workers on these hosts."),
      local_flag("ssh-config", "FILE", "Of --hosts: in place of your configuration."),
      local_flag("address", "HOST[:PORT]",
                 "Where other hosts reach this one. Default: its address on the way to "
                 "the first of them, and port 7077.")};
  const std::vector<Flag> of_slurm = slurm_flags();
  syntax.flags.insert(syntax.flags.end(), of_slurm.begin(), of_slurm.end());
  syntax.flags.insert(syntax.flags.end(), {http_flag(), directory_flag(), json_flag()});
  command.run = up_main;
  return command;
}

Command cluster_down_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "cluster down";
  syntax.summary =
      "Stops a cluster of 'cluster up' and leaves nothing of it; running jobs are cancelled.";
  syntax.flags = {{"host", '\0', "NAME",
                   "Take this host out of the cluster, which stays up: its worker finishes what it "
                   "runs. May be repeated.",
                   true},
                  local_flag("forget", "",
                             "Of --host: also when it is not reached, or does not end; what runs "
                             "there is left to itself, without a key."),
                  directory_flag()};
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
