#include "cli/hosts/host_cluster.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

#include "cli/cluster/keyed_master.hpp"
#include "cli/cluster/processes.hpp"
#include "cli/hosts/host_keys.hpp"
#include "cli/hosts/host_record.hpp"
#include "cli/hosts/host_workers.hpp"
#include "cli/process/run_programs.hpp"
#include "common/net/address.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

/// The address that ssh would go to: a host may be known by another name to ssh alone.
std::string address_of(const Host& host, const std::string& ssh_config, Interrupts& interrupts) {
  ProgramCall call{"ssh", {"-G"}, ""};
  if (!ssh_config.empty()) call.arguments.insert(call.arguments.end(), {"-F", ssh_config});
  call.arguments.insert(call.arguments.end(), {"--", host.destination});
  std::istringstream lines(run_program(call, interrupts).output);
  std::string address = host.destination.substr(host.destination.find('@') + 1);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("hostname ")) address = line.substr(line.find(' ') + 1);
  }
  return address.find(':') != address.npos ? "[" + address + "]" : address;
}

/// Where the others reach this host: by the way that leads to the first of them.
Result<std::string> own_endpoint(const HostClusterWish& wish, Interrupts& interrupts) {
  if (!wish.address.empty()) {
    auto endpoint = master_endpoint(wish.address);
    if (!endpoint.ok()) return endpoint.status().with_context("--address");
    return endpoint;
  }
  for (const Host& host : wish.hosts) {
    if (host.here()) continue;
    const std::string there = address_of(host, wish.ssh_config, interrupts);
    const Result<std::string> own = net::own_host_towards("tcp://" + there + ":22");
    if (own.ok()) return master_endpoint(own->front() == '[' ? *own + ":7077" : *own);
    return Status(StatusCode::kInvalidArgument,
                  own.status().message() +
                      ".\nSay at which address of this host the workers reach its master: "
                      "--address HOST[:PORT]");
  }
  return master_endpoint("127.0.0.1");
}

/// What was there, and what is wished for in addition.  A host that is there keeps its key, not its
/// number of slots: a worker that runs is not started anew for that.
Result<HostRecord> merged(std::optional<HostRecord> before, const HostClusterWish& wish) {
  HostRecord record = std::move(before).value_or(HostRecord());
  if (!wish.ssh_config.empty()) record.ssh_config = wish.ssh_config;
  for (const Host& host : wish.hosts) {
    bool known = false;
    for (Host& there : record.hosts) {
      if (there.name != host.name) continue;
      if (there.destination != host.destination) {
        return Status(StatusCode::kInvalidArgument,
                      "a worker of this cluster is named '" + host.name + "' already, at " +
                          (there.here() ? "this host" : there.destination) +
                          ": give the new one another with name=.");
      }
      there = host;
      known = true;
    }
    if (!known) record.hosts.push_back(host);
  }
  return record;
}

/// What the record is after a start that failed: hosts that could not be cleaned stay in it.
Status keep_what_is_left(const std::string& directory, HostRecord before,
                         const std::vector<Host>& left, Status failure) {
  std::string names;
  for (const Host& host : left) {
    names += (names.empty() ? "" : ", ") + host.name;
    const bool known = std::any_of(before.hosts.begin(), before.hosts.end(),
                                   [&](const Host& one) { return one.name == host.name; });
    if (!known) before.hosts.push_back(host);
  }
  const Status written = write_host_record(directory, before);
  if (left.empty()) return written.ok() ? failure : written;
  return Status(StatusCode::kUnavailable,
                failure.message() + "\nNot cleaned up: " + names +
                    ". Workers may still run there, and their keys lie there: 'fanfold cluster "
                    "down --dir " +
                    directory + "' tries again." + (written.ok() ? "" : "\n" + written.message()));
}

Result<HostsUp> bring_up_workers(const HostClusterPlace& place, const KeyedMaster& master,
                                 HostRecord before, const HostRecord& record,
                                 Interrupts& interrupts) {
  HostWorkers workers({place.directory, place.program_directory, place.version, master.address},
                      record);
  const Status looked = workers.look(interrupts);
  // One host that is away must not keep the others from what they have to know.
  Status status = workers.tell_master(interrupts);
  FANFOLD_RETURN_IF_ERROR(looked);
  // After the look: a host that is not there is not remembered.  Before anything runs there:
  // whatever happens, `down` finds all of it.
  FANFOLD_RETURN_IF_ERROR(write_host_record(place.directory, record));
  if (status.ok()) status = workers.start(interrupts);
  if (status.ok()) status = workers.wait_until_welcomed(interrupts);
  if (!status.ok()) {
    before.cluster = record.cluster;
    before.ssh_config = record.ssh_config;
    return keep_what_is_left(place.directory, std::move(before), workers.stop_started(interrupts),
                             std::move(status));
  }
  HostsUp up;
  up.address = master.address;
  up.key = owner_key(place.directory);
  up.http_port = master.http_port;
  up.workers = static_cast<std::uint32_t>(record.hosts.size());
  up.started = workers.started();
  up.notes = workers.notes();
  if (master.has_new_key) {
    up.notes.push_back("the master was started again and has its new key; its jobs go on");
  }
  return up;
}

/// Before the master is started with another key than it had: who knows both finds it under
/// either.
Status tell_hosts_first(const HostClusterPlace& place, const KeyedMaster& master,
                        const HostRecord& record, Interrupts& interrupts) {
  FANFOLD_ASSIGN_OR_RETURN(const bool other, needs_another_key(place.directory, master));
  if (!other) return {};
  HostWorkers workers({place.directory, place.program_directory, place.version, master.address},
                      record);
  const Status looked = workers.look(interrupts);
  const Status told = workers.tell_master(interrupts);
  Status failure = looked.ok() ? told : looked;
  if (failure.ok()) return {};
  return std::move(failure).with_context("the master goes on with the key that it has");
}

Result<HostsUp> bring_up_there(const HostClusterPlace& place,
                               const std::optional<HostRecord>& before,
                               const std::optional<KeyedMaster>& earlier,
                               const HostClusterWish& wish, Interrupts& interrupts) {
  KeyedMasterWish master_wish;
  if (earlier && before) {
    FANFOLD_RETURN_IF_ERROR(tell_hosts_first(place, *earlier, *before, interrupts));
  }
  if (!earlier) {
    FANFOLD_ASSIGN_OR_RETURN(master_wish.address, own_endpoint(wish, interrupts));
  }
  master_wish.http_port = wish.http_port;
  // First of all: by it `down` knows what the rest is.
  if (!before) FANFOLD_RETURN_IF_ERROR(write_host_record(place.directory, HostRecord()));
  FANFOLD_ASSIGN_OR_RETURN(
      const KeyedMaster master,
      ensure_keyed_master(place.program_directory, place.directory, master_wish, interrupts));
  FANFOLD_ASSIGN_OR_RETURN(HostRecord record, merged(before, wish));
  // It stays when the master has another key.
  if (record.cluster.empty()) {
    FANFOLD_ASSIGN_OR_RETURN(record.cluster, cluster_name(place.directory));
  }
  return bring_up_workers(place, master, before.value_or(HostRecord()), record, interrupts);
}

/// After a start that failed, of a cluster that was not there before.
Status undo(const std::string& directory) {
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<KeyedMaster> master, read_keyed_master(directory));
  if (master) end_keyed_master(directory, *master, false);
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<HostRecord> record, read_host_record(directory));
  if (record && !record->hosts.empty()) return {};
  return remove_cluster(directory, kHostRecord);
}

}  // namespace

Result<HostsUp> bring_up_hosts(const HostClusterPlace& place, const HostClusterWish& wish,
                               Interrupts& interrupts) {
  // Before anything is read: another command may be about to make it, or to remove it.
  FANFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, open_cluster(place.directory));
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<HostRecord> before,
                           read_host_record(place.directory));
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<KeyedMaster> earlier,
                           read_keyed_master(place.directory));
  if (earlier && !before) {
    return Status(StatusCode::kAlreadyExists,
                  "the cluster in " + place.directory +
                      " has no file of hosts; name another directory with --dir.");
  }
  if (!before) FANFOLD_RETURN_IF_ERROR(check_unused(place.directory));
  Result<HostsUp> up = bring_up_there(place, before, earlier, wish, interrupts);
  if (up.ok()) up->resumed = earlier.has_value();
  // Its own error says more than that of cleaning up.
  if (!up.ok() && !earlier) static_cast<void>(undo(place.directory));
  return up;
}

Status remove_hosts(const std::string& directory, const std::vector<std::string>& names,
                    bool forget, Interrupts& interrupts) {
  FANFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, lock_cluster(directory));
  FANFOLD_ASSIGN_OR_RETURN(std::optional<HostRecord> record, read_host_record(directory));
  if (!record) {
    return Status(StatusCode::kNotFound, "no cluster of hosts is up in " + directory + ".");
  }
  HostRecord leaving = *record;
  leaving.hosts.clear();
  for (const std::string& name : names) {
    const auto host = std::find_if(record->hosts.begin(), record->hosts.end(),
                                   [&](const Host& one) { return one.name == name; });
    if (host == record->hosts.end()) {
      return Status(StatusCode::kNotFound, "no host of the cluster in " + directory +
                                               " is named '" + printable(name, false) + "'.");
    }
    leaving.hosts.push_back(*host);
    record->hosts.erase(host);
  }
  HostWorkers workers({directory, "", "", ""}, leaving);
  std::vector<Host> left;
  const Status gone = workers.let_go(interrupts, &left);
  if (forget) left.clear();
  for (const Host& host : leaving.hosts) {
    const bool stays = std::any_of(left.begin(), left.end(),
                                   [&](const Host& one) { return one.name == host.name; });
    if (!stays) FANFOLD_RETURN_IF_ERROR(end_host_key(directory, host.name));
  }
  record->hosts.insert(record->hosts.end(), left.begin(), left.end());
  FANFOLD_RETURN_IF_ERROR(write_host_record(directory, *record));
  return forget ? Status() : gone;
}

Status take_down_hosts(const std::string& directory, const AskToStop& ask, Interrupts& interrupts) {
  FANFOLD_RETURN_IF_ERROR(check_owner(directory));
  FANFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, lock_cluster(directory));
  FANFOLD_ASSIGN_OR_RETURN(std::optional<HostRecord> record, read_host_record(directory));
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<KeyedMaster> master, read_keyed_master(directory));
  if (!record && !master) {
    return Status(StatusCode::kNotFound, "no cluster is up in " + directory + ".");
  }
  if (master) {
    const bool asked = lives(master->process, directory) && ask(*master);
    end_keyed_master(directory, *master, asked);
  }
  if (!record) return remove_cluster(directory, kHostRecord);
  HostWorkers workers({directory, "", "", ""}, *record);
  const Status stopped = workers.stop_all(interrupts, &record->hosts);
  if (record->hosts.empty()) return remove_cluster(directory, kHostRecord);
  FANFOLD_RETURN_IF_ERROR(write_host_record(directory, *record));
  return Status(stopped.code(), stopped.message() +
                                    "\nThe master is down. Their workers may still run, and their "
                                    "keys lie there: 'fanfold cluster down --dir " +
                                    directory + "' tries again.");
}

}  // namespace fanfold::cli
