// How the programs of a cluster are called: the one place that knows their flags.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/process/spawn.hpp"

namespace fanfold::cli {

struct ClusterShape {
  std::uint32_t workers = 1;
  std::uint32_t slots = 1;         // Of each worker.
  std::uint64_t memory_bytes = 0;  // Of each executor; 0: the worker decides.
};

/// What was not asked for is chosen from the number of cores: two workers (one on a single core)
/// with the cores shared out among their slots.
ClusterShape choose_shape(std::optional<std::uint32_t> workers, std::optional<std::uint32_t> slots,
                          std::uint32_t cores);

/// Cores that this process may use.
std::uint32_t usable_cores();

/// Where a cluster in `directory` listens.
std::string master_address(const std::string& directory);
/// Where its master shows its pages.
std::string pages_address(std::uint16_t http_port);
std::string master_log(const std::string& directory);
/// Of a master that keeps no state: one that does keeps event logs with it.
std::string event_directory(const std::string& directory);
std::string worker_log(const std::string& directory, std::uint32_t number);

struct ProgramOptions {
  std::string program_directory;
  std::string directory;  // Of the cluster: sockets, scratch and logs.
  int lifetime_fd = -1;   // Its end of file ends the program; -1: it lives until it is told to end.
  int ready_fd = -1;      // A byte is written to it when the program is up; -1: nobody waits.
  int guardian = -1;      // The program holds it to its end; -1: none.
  bool new_session = false;
  /// The master keeps its state in the directory, for a next master.
  bool keeps_state = false;
  std::uint16_t http_port = 0;  // Of the master's pages; 0: none.
  std::string listen;           // Of the master; empty: a socket in the directory.
  std::string key_directory;    // Of the master; empty: none.
};

/// A worker that is told who it is and where its master listens, as a program of another host: all
/// of its arguments but --key and its files.
struct DistantWorker {
  std::string master;
  std::string name;                           // Empty: its own choice.
  std::uint32_t slots = 0;                    // 0: one a core.
  std::uint64_t memory_bytes = 0;             // Of each executor; 0: the worker decides.
  std::string scratch;                        // Empty: the worker's own choice.
  std::string host = {};                      // In inputs on hosts; empty: its own choice.
  std::vector<std::string> host_inputs = {};  // Directories of its host that jobs may read.
};
std::vector<std::string> distant_worker_arguments(const DistantWorker& worker);

SpawnRequest master_program(const ProgramOptions& options);
SpawnRequest worker_program(const ProgramOptions& options, const ClusterShape& shape,
                            std::uint32_t number);

}  // namespace fanfold::cli
