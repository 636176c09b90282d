// hosts.json in the directory of a cluster: which hosts belong to it, for whoever comes next.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/hosts/hosts_file.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

struct HostRecord {
  std::string cluster;     // Names the directories of this cluster on its hosts.
  std::string ssh_config;  // File; empty: that of the user.
  std::vector<Host> hosts;
};

/// nullopt: the cluster is none of hosts, or there is none.
Result<std::optional<HostRecord>> read_host_record(const std::string& directory);

Status write_host_record(const std::string& directory, const HostRecord& record);

}  // namespace fanfold::cli
