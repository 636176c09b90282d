// A cluster whose master is here and whose workers are on hosts that ssh reaches.
//
// Each host gets a key of its own; the private half goes to it through ssh, into
// ~/.fanfold/CLUSTER/HOST/key (mode 0600), and is removed here.  Files are not carried: inputs,
// outputs, plugins and side files lie on storage that all hosts see under the same path.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/cluster/keyed_master.hpp"
#include "cli/hosts/hosts_file.hpp"
#include "cli/process/interrupts.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

struct HostClusterPlace {
  std::string program_directory;  // Of this host, and of the others unless they say otherwise.
  std::string version;            // Of this program: theirs must be the same.
  std::string directory;
};

struct HostClusterWish {
  std::vector<Host> hosts;
  std::string ssh_config;
  std::string address;  // HOST[:PORT] of this host as the others reach it; empty: found out.
  std::optional<std::uint16_t> http_port;
};

struct HostsUp {
  std::string address;
  std::string key;  // The owner's: file.
  std::uint16_t http_port = 0;
  std::uint32_t workers = 0;
  std::uint32_t started = 0;       // Of them, by this call.
  bool resumed = false;            // The cluster was there before.
  std::vector<std::string> notes;  // Worth telling, and no error.
};

/// Starts a master and a worker on each host, or what is missing of them, and returns when all
/// workers have been welcomed.  Hosts that were not there before are added; those that the wish
/// does not name stay.  After an error nothing is left of what it started, but on hosts that are
/// not reached any more: they are named, and remembered.
Result<HostsUp> bring_up_hosts(const HostClusterPlace& place, const HostClusterWish& wish,
                               Interrupts& interrupts);

/// Takes hosts out of a cluster that stays up: their workers finish what they run, their keys are
/// not accepted any more.  One that is not reached, or is not finished, stays for the next try, but
/// with `forget`: what runs there is left to itself then.
Status remove_hosts(const std::string& directory, const std::vector<std::string>& names,
                    bool forget, Interrupts& interrupts);

/// Ends the workers, removes their keys from their hosts, and the directory.  A host that is not
/// reached is named, and stays in the directory for the next try.
Status take_down_hosts(const std::string& directory, const AskToStop& ask, Interrupts& interrupts);

}  // namespace fanfold::cli
