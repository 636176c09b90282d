#include "cli/commands/cluster_hosts.hpp"

#include <algorithm>

#include "cli/cluster/processes.hpp"
#include "cli/cluster/programs.hpp"
#include "cli/commands/job_flags.hpp"
#include "cli/commands/session.hpp"
#include "cli/hosts/host_cluster.hpp"
#include "cli/hosts/host_record.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/text/suggest.hpp"
#include "cli/view/json.hpp"
#include "common/io/file_system.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kHostsFileBytesMax = 1u << 20;

Result<std::string> read_hosts_file(const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(const auto file, io::posix_file_system().open(path));
  std::string text(kHostsFileBytesMax + 1, '\0');
  FANFOLD_ASSIGN_OR_RETURN(const std::size_t size, file->read_at(0, text));
  text.resize(size);
  if (size <= kHostsFileBytesMax) return text;
  return Status(StatusCode::kInvalidArgument, path + " is too large to be a file of hosts.");
}

Result<HostClusterWish> read_wish(const Environment& environment, const Arguments& arguments) {
  for (const char* flag : {"workers", "slots", "memory", "host-input"}) {
    if (!arguments.has(flag)) continue;
    return Status(StatusCode::kInvalidArgument,
                  std::string("--") + flag +
                      " is for a local cluster; with --hosts the file says it for each host "
                      "(slots=, memory=, input=).");
  }
  const std::string file = absolute_path(environment.working_directory, *arguments.value("hosts"));
  FANFOLD_ASSIGN_OR_RETURN(const std::string text, read_hosts_file(file));
  HostClusterWish wish;
  FANFOLD_ASSIGN_OR_RETURN(wish.hosts, parse_hosts(text, file));
  FANFOLD_ASSIGN_OR_RETURN(wish.http_port, http_flag_value(arguments));
  wish.address = arguments.value("address").value_or("");
  if (const auto config = arguments.value("ssh-config")) {
    wish.ssh_config = absolute_path(environment.working_directory, *config);
  }
  return wish;
}

void tell(const HostsUp& up) {
  for (const std::string& note : up.notes) print_error("fanfold: " + note + "\n");
  print_error("a cluster of " + plural(up.workers, "host") + " is up at " + up.address +
              (up.resumed ? "; " + plural(up.started, "worker") + " started now\n" : "\n"));
  if (up.http_port != 0) {
    print_error("its pages are at " + pages_address(up.http_port) + "\n");
  }
}

}  // namespace

int hosts_up_main(const Environment& environment, const Arguments& arguments,
                  const std::string& directory) {
  const Result<HostClusterWish> wish = read_wish(environment, arguments);
  if (!wish.ok()) return report(wish.status());
  Interrupts interrupts;
  if (Status status = interrupts.start(); !status.ok()) return report(status);
  const Result<HostsUp> up = bring_up_hosts(
      {environment.program_directory, FANFOLD_VERSION, directory}, *wish, interrupts);
  if (interrupts.count() > 0 && !up.ok()) {
    print_error("fanfold: interrupted.\n");
    // More than that: what could not be cleaned up.
    if (up.status().code() != StatusCode::kAborted) report(up.status());
    return kExitInterrupted;
  }
  if (!up.ok()) return report(up.status());
  if (arguments.has("json")) {
    const std::vector<std::pair<std::string, std::string>> facts = {
        {"address", up->address},
        {"directory", directory},
        {"key", up->key},
        {"workers", std::to_string(up->workers)},
        {"started", std::to_string(up->started)}};
    print(to_json(facts));
    return kExitDone;
  }
  tell(*up);
  print_way_in(up->address, up->key);
  return kExitDone;
}

bool stop_master(const MasterPlace& place) {
  const Result<std::unique_ptr<Client>> client = connect_client(place, steady_clock(), {});
  return client.ok() && (*client)->ask<proto::Answer>(proto::StopCluster{}).ok();
}

int hosts_leave_main(const std::string& directory, const std::vector<std::string>& names,
                     bool forget) {
  Interrupts interrupts;
  if (Status status = interrupts.start(); !status.ok()) return report(status);
  const Status status = remove_hosts(directory, names, forget, interrupts);
  if (!status.ok()) return report(status);
  print_error("gone from the cluster in " + directory + ": " + join_words(names, " and ") + "\n");
  return kExitDone;
}

int keyed_down_main(const std::string& directory, TakeDown take_down) {
  Interrupts interrupts;
  if (Status status = interrupts.start(); !status.ok()) return report(status);
  const Status status = take_down(
      directory,
      [&](const KeyedMaster& master) {
        return stop_master({master.address, owner_key(directory)});
      },
      interrupts);
  if (!status.ok()) return report(status);
  print_error("the cluster in " + directory + " is down\n");
  return kExitDone;
}

void print_way_in(const std::string& address, const std::string& key) {
  print("export FANFOLD_MASTER=" + shell_command({address}) +
        " FANFOLD_KEY=" + shell_command({key}) + "\n");
}

Result<MasterPlace> place_of_cluster(const std::string& directory) {
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<KeyedMaster> keyed, read_keyed_master(directory));
  if (keyed) return MasterPlace{keyed->address, owner_key(directory)};
  return MasterPlace{master_address(directory), ""};
}

Status add_absent_hosts(const std::string& directory, const proto::ClusterReply& cluster,
                        Table* table) {
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<HostRecord> record, read_host_record(directory));
  if (!record) return {};
  for (const Host& host : record->hosts) {
    const bool known =
        std::any_of(cluster.workers.begin(), cluster.workers.end(),
                    [&](const proto::WorkerStatus& worker) { return worker.name == host.name; });
    if (!known) table->add({host.name, "-", "-", "-", "-", "-", "down"});
  }
  return {};
}

}  // namespace fanfold::cli
