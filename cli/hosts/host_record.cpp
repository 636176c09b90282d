#include "cli/hosts/host_record.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/cluster/private_record.hpp"
#include "common/security/key_file.hpp"

namespace fanfold::cli {
namespace {

std::string record_path(const std::string& directory) { return directory + "/" + kHostRecord; }

std::optional<Host> host_of(const nlohmann::json& json) {
  if (!json.is_object()) return std::nullopt;
  Host host;
  host.name = json.value("name", "");
  host.destination = json.value("destination", "");
  host.port = json.value("port", std::uint16_t{0});
  host.slots = json.value("slots", 0u);
  host.memory_bytes = json.value("memory", std::uint64_t{0});
  host.bin = json.value("bin", "");
  host.scratch = json.value("scratch", "");
  host.inputs = json.value("inputs", std::vector<std::string>());
  // It becomes part of command lines again.
  const bool sound = security::is_key_name(host.name) &&
                     (host.here() || is_destination(host.destination)) &&
                     (host.bin.empty() || is_plain_path(host.bin)) &&
                     (host.scratch.empty() || is_plain_path(host.scratch)) &&
                     std::all_of(host.inputs.begin(), host.inputs.end(), is_plain_path);
  return sound ? std::optional<Host>(host) : std::nullopt;
}

std::optional<HostRecord> record_of(const nlohmann::json& json) {
  if (!json.contains("hosts") || !json["hosts"].is_array()) return {};
  HostRecord record;
  record.cluster = json.value("cluster", "");
  record.ssh_config = json.value("ssh_config", "");
  for (const nlohmann::json& one : json["hosts"]) {
    const std::optional<Host> host = host_of(one);
    if (!host) return {};
    record.hosts.push_back(*host);
  }
  // It gets its name with its keys, and hosts after that.
  const bool nameless = record.cluster.empty() && record.hosts.empty();
  if (nameless || security::is_key_name(record.cluster)) return record;
  return {};
}

}  // namespace

Result<std::optional<HostRecord>> read_host_record(const std::string& directory) {
  return read_private_record<HostRecord>(
      record_path(directory),
      [](const std::string& text) { return record_of(nlohmann::json::parse(text)); },
      "Stop the processes fanfold-worker of its hosts by hand and remove " + directory + ".");
}

Status write_host_record(const std::string& directory, const HostRecord& record) {
  nlohmann::json hosts = nlohmann::json::array();
  for (const Host& host : record.hosts) {
    hosts.push_back({{"name", host.name},
                     {"destination", host.destination},
                     {"port", host.port},
                     {"slots", host.slots},
                     {"memory", host.memory_bytes},
                     {"bin", host.bin},
                     {"scratch", host.scratch},
                     {"inputs", host.inputs}});
  }
  const nlohmann::json json = {
      {"cluster", record.cluster}, {"ssh_config", record.ssh_config}, {"hosts", hosts}};
  return security::write_private_file(record_path(directory), json.dump(2) + "\n");
}

}  // namespace fanfold::cli
