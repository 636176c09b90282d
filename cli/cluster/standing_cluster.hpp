// The local cluster that outlives the shell: `cluster up`, `down` and `status`.
//
// Its directory (mode 0700, ours) holds sockets, logs, scratch files, the master's state and
// cluster.json, which says which processes belong to it: `up` starts again what is missing of a
// cluster that died, and its jobs go on.  A process counts as one of them only while its command
// line names the directory, so a process id that was given to somebody else is never killed.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/cluster/programs.hpp"
#include "cli/process/interrupts.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

struct ClusterRecord {
  std::string address;
  ClusterShape shape;
  std::uint16_t http_port = 0;  // 0: its master shows no pages.
  pid_t master = 0;
  std::vector<pid_t> workers;
};

/// nullopt: there is none.
Result<std::optional<ClusterRecord>> read_cluster_record(const std::string& directory);

/// Processes of the record that live and are what they were.
std::vector<pid_t> living_processes(const std::string& directory, const ClusterRecord& record);

/// What is asked of `up`; what is not said is chosen, or is as it was.
struct ClusterWish {
  std::optional<std::uint32_t> workers;
  std::optional<std::uint32_t> slots;
  std::uint64_t memory_bytes = 0;
  std::optional<std::uint16_t> http_port;
};

struct BroughtUp {
  ClusterShape shape;
  std::uint16_t http_port = 0;  // 0: no pages.
  bool resumed = false;         // It was there before, and something of it was started again.
};

/// Starts a cluster in `directory` and returns when every worker that it started has been welcomed.
/// kAlreadyExists: a whole one is up there.  Of one that died, wholly or in part, what is missing
/// is started again.  After an error or an interrupt nothing is left of what it started.
Result<BroughtUp> bring_up(const std::string& program_directory, const std::string& directory,
                           const ClusterWish& wish, Interrupts& interrupts);

/// Ends the processes that are left, by request, by SIGTERM and by force, and removes the
/// directory.  `asked` says that the master was told to stop: it gets time to do so.  kNotFound: no
/// cluster there.
Status take_down(const std::string& directory, bool asked);

}  // namespace fanfold::cli
