#include "cli/slurm/slurm_cluster.hpp"

#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "cli/cluster/keyed_master.hpp"
#include "cli/cluster/processes.hpp"
#include "cli/hosts/host_keys.hpp"
#include "cli/process/run_programs.hpp"
#include "cli/process/spawn.hpp"
#include "cli/slurm/slurm_commands.hpp"
#include "cli/slurm/worker_script.hpp"
#include "common/core/clock.hpp"
#include "common/net/address.hpp"
#include "common/security/key_directory.hpp"
#include "common/security/private_file.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;

constexpr Duration kEndPatience = 60s;
constexpr int kLookEveryMs = 100;
/// Of a cluster whose keys are not made yet.
constexpr const char* kNewName = "fanfold-new";

/// Where the commands of `up` and `down` keep what goes to Slurm and comes from it: the scaler has
/// a place of its own.
std::string commands_directory(const std::string& directory) { return directory + "/commands"; }

/// Where the nodes reach this host: by the way that leads to one of them.
Result<std::string> own_endpoint(const SlurmClusterWish& wish, Interrupts& interrupts) {
  if (!wish.address.empty()) {
    auto endpoint = master_endpoint(wish.address);
    if (!endpoint.ok()) return endpoint.status().with_context("--address");
    return endpoint;
  }
  const ProgramEnd nodes =
      run_program({"sinfo", {"--noheader", "--Node", "--format=%o"}, ""}, interrupts);
  FANFOLD_RETURN_IF_ERROR(nodes.status);
  const std::string node = nodes.output.substr(0, nodes.output.find_first_of(" \n"));
  if (nodes.wait_status != 0 || node.empty()) {
    return Status(StatusCode::kUnavailable,
                  nodes.error.empty() ? "sinfo lists no nodes." : "sinfo: " + nodes.error);
  }
  const Result<std::string> own = net::own_host_towards("tcp://" + node + ":6818");
  if (own.ok()) return master_endpoint(own->front() == '[' ? *own + ":7077" : *own);
  return Status(StatusCode::kInvalidArgument,
                own.status().message() +
                    ".\nSay at which address of this host the nodes reach its master: --address "
                    "HOST[:PORT]");
}

/// The key of all workers: `host_keys.hpp` makes keys to be sent away; this one stays, where nodes
/// read it.
Status make_key(const std::string& directory) {
  const std::string path = worker_key(directory);
  if (std::filesystem::exists(path)) {
    FANFOLD_ASSIGN_OR_RETURN(const security::KeyDirectory keys,
                             security::KeyDirectory::open(key_directory(directory)));
    return security::tell_key_file(path, keys.master(), keys.other_master());
  }
  FANFOLD_ASSIGN_OR_RETURN(const std::string text, make_host_key(directory, kNodesKey));
  return security::write_private_file(path, text);
}

Status start_scaler(const std::string& program_directory, const std::string& directory,
                    SlurmRecord* record) {
  SpawnRequest request;
  request.program = program_directory + "/fanfold";
  request.arguments = {"cluster", "scale", "--dir", directory};
  request.output = directory + "/scaler.log";
  request.new_session = true;
  FANFOLD_ASSIGN_OR_RETURN(record->scaler, spawn(request));
  const Status written = write_slurm_record(directory, *record);
  if (!written.ok()) end_processes(directory, {record->scaler}, false);
  return written;
}

Status make_places(const std::string& directory) {
  for (const std::string& place : {commands_directory(directory), scaler_directory(directory),
                                   worker_log_directory(directory)}) {
    if (::mkdir(place.c_str(), 0700) != 0 && errno != EEXIST) {
      return io_error("cannot create " + place);
    }
  }
  return {};
}

/// The record is on disk already.
Status bring_up_scaler(const std::string& program_directory, const std::string& directory,
                       SlurmRecord* record, Interrupts& interrupts) {
  FANFOLD_RETURN_IF_ERROR(make_places(directory));
  FANFOLD_RETURN_IF_ERROR(make_key(directory));
  // It stays when the master has another key: Slurm knows the jobs of the nodes by it.
  if (record->name == kNewName) {
    FANFOLD_ASSIGN_OR_RETURN(const std::string cluster, cluster_name(directory));
    record->name = "fanfold-" + cluster;
  }
  // Whether there is a Slurm at all is said now, not in a log.
  const SlurmCommands slurm(commands_directory(directory), record->name);
  FANFOLD_RETURN_IF_ERROR(slurm.list(interrupts).status());
  FANFOLD_RETURN_IF_ERROR(write_slurm_record(directory, *record));
  // One that lives reads the new numbers at its next look.
  if (lives(record->scaler, directory)) return {};
  return start_scaler(program_directory, directory, record);
}

Result<SlurmUp> bring_up_there(const std::string& program_directory, const std::string& directory,
                               const std::optional<SlurmRecord>& before, bool has_master,
                               const SlurmClusterWish& wish, Interrupts& interrupts) {
  FANFOLD_ASSIGN_OR_RETURN(SlurmRecord record,
                           record_with(wish, before.value_or(SlurmRecord()), !before.has_value()));
  KeyedMasterWish master_wish;
  if (!has_master) {
    FANFOLD_ASSIGN_OR_RETURN(master_wish.address, own_endpoint(wish, interrupts));
  }
  master_wish.http_port = wish.http_port;
  if (!before) {
    // First of all: by it `down` knows what the rest is.  Its name comes with its keys.
    record.name = kNewName;
    FANFOLD_RETURN_IF_ERROR(write_slurm_record(directory, record));
  }
  FANFOLD_ASSIGN_OR_RETURN(
      const KeyedMaster master,
      ensure_keyed_master(program_directory, directory, master_wish, interrupts));
  FANFOLD_RETURN_IF_ERROR(bring_up_scaler(program_directory, directory, &record, interrupts));
  return SlurmUp{master.address, owner_key(directory), master.http_port, record.limits, has_master};
}

/// After a start that failed, of a cluster that was not there before.
Status undo(const std::string& directory) {
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<KeyedMaster> master, read_keyed_master(directory));
  if (master) end_keyed_master(directory, *master, false);
  return remove_cluster(directory, kSlurmRecord);
}

Status wait_until_gone(const SlurmCommands& slurm, Interrupts& interrupts) {
  const Instant deadline = steady_clock().now() + kEndPatience;
  while (true) {
    FANFOLD_ASSIGN_OR_RETURN(const Queue queue, slurm.list(interrupts));
    const std::vector<NodeJob>& left = queue.jobs;
    if (left.empty()) return {};
    if (steady_clock().now() >= deadline) {
      return Status(StatusCode::kUnavailable, std::to_string(left.size()) +
                                                  " Slurm jobs of the cluster do not end; 'squeue "
                                                  "--me' shows them.");
    }
    pollfd wait = {interrupts.descriptor(), POLLIN, 0};
    ::poll(&wait, 1, kLookEveryMs);
    interrupts.drain();
  }
}

}  // namespace

Result<SlurmRecord> record_with(const SlurmClusterWish& wish, SlurmRecord before, bool fresh) {
  ScaleLimits& limits = before.limits;
  if (fresh) {
    limits.nodes_max = wish.nodes_max.value_or(std::max(wish.nodes_min.value_or(1), 1u));
    limits.nodes_min = wish.nodes_min.value_or(1);
  }
  limits.nodes_max = wish.nodes_max.value_or(limits.nodes_max);
  limits.nodes_min = wish.nodes_min.value_or(limits.nodes_min);
  limits.slots = wish.slots.value_or(limits.slots);
  limits.idle_max = wish.idle_max.value_or(limits.idle_max);
  before.memory_bytes = wish.memory_bytes.value_or(before.memory_bytes);
  before.scratch = wish.scratch.value_or(before.scratch);
  before.host_inputs = wish.host_inputs.value_or(before.host_inputs);
  before.sbatch_words = wish.sbatch_words.value_or(before.sbatch_words);
  if (limits.nodes_min <= limits.nodes_max) return before;
  return Status(StatusCode::kInvalidArgument,
                "--min is more than --max: " + std::to_string(limits.nodes_min) + " and " +
                    std::to_string(limits.nodes_max) + ".");
}

Result<SlurmUp> bring_up_slurm(const std::string& program_directory, const std::string& directory,
                               const SlurmClusterWish& wish, Interrupts& interrupts) {
  // Before anything is read: another command may be about to make it, or to remove it.
  FANFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, open_cluster(directory));
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<SlurmRecord> before, read_slurm_record(directory));
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<KeyedMaster> earlier, read_keyed_master(directory));
  if (earlier && !before) {
    return Status(StatusCode::kAlreadyExists, "the cluster in " + directory +
                                                  " is none of Slurm; name another directory with "
                                                  "--dir.");
  }
  if (!before) FANFOLD_RETURN_IF_ERROR(check_unused(directory));
  Result<SlurmUp> up =
      bring_up_there(program_directory, directory, before, earlier.has_value(), wish, interrupts);
  // Its own error says more than that of cleaning up.
  if (!up.ok() && !before) static_cast<void>(undo(directory));
  return up;
}

Result<std::string> describe_nodes(const std::string& directory, Interrupts& interrupts) {
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<SlurmRecord> record, read_slurm_record(directory));
  if (!record) return std::string();
  const ScaleLimits& limits = record->limits;
  std::string text = "slurm: " + std::to_string(limits.nodes_min) + " to " +
                     plural(limits.nodes_max, "node") + ", ";
  const ProgramEnd end = run_program(queue_call(record->name), interrupts);
  const Result<Queue> queue = parse_queue(end.output);
  if (end.succeeded() && !end.cut && queue.ok()) {
    const auto running = std::count_if(queue->jobs.begin(), queue->jobs.end(),
                                       [](const NodeJob& job) { return job.runs; });
    text += std::to_string(running) + " running, " +
            std::to_string(static_cast<std::ptrdiff_t>(queue->jobs.size()) - running) + " waiting";
  } else {
    text += "squeue does not say what runs";
  }
  if (lives(record->scaler, directory)) {
    return text + "; scaler process " + std::to_string(record->scaler);
  }
  return text + "; its scaler is gone: 'fanfold cluster up --slurm' as before starts it again";
}

Status take_down_slurm(const std::string& directory, const AskToStop& ask, Interrupts& interrupts) {
  FANFOLD_RETURN_IF_ERROR(check_owner(directory));
  FANFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, lock_cluster(directory));
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<SlurmRecord> record, read_slurm_record(directory));
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<KeyedMaster> master, read_keyed_master(directory));
  if (!record) return Status(StatusCode::kNotFound, "no cluster is up in " + directory + ".");
  // First of all, or it would replace what goes.
  end_processes(directory, {record->scaler}, false);
  if (master) {
    const bool asked = lives(master->process, directory) && ask(*master);
    end_keyed_master(directory, *master, asked);
  }
  FANFOLD_RETURN_IF_ERROR(make_places(directory));
  const SlurmCommands slurm(commands_directory(directory), record->name);
  FANFOLD_RETURN_IF_ERROR(slurm.cancel_all(interrupts));
  FANFOLD_RETURN_IF_ERROR(wait_until_gone(slurm, interrupts));
  return remove_cluster(directory, kSlurmRecord);
}

}  // namespace fanfold::cli
