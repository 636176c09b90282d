// hosts.json in the directory of a cluster: which hosts belong to it, for whoever comes next.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/hosts/hosts_file.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

struct HostRecord {
  std::string cluster;     // Names its directories on hosts; empty while there are none.
  std::string ssh_config;  // File; empty: that of the user.
  std::vector<Host> hosts;
};

inline constexpr const char* kHostRecord = "hosts.json";

/// nullopt: the cluster is none of hosts, or there is none.
Result<std::optional<HostRecord>> read_host_record(const std::string& directory);

Status write_host_record(const std::string& directory, const HostRecord& record);

}  // namespace fanfold::cli
