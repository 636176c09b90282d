// fanfold-worker's command line.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/inputs/host_input.hpp"
#include "common/log/log.hpp"

namespace fanfold::worker {

struct WorkerOptions {
  std::string master;           // Address.
  std::string key;              // File; empty: none.
  std::string plugin_list;      // File; empty: any plugin.
  std::string scratch;          // Our own directory: made at the start, removed at the end.
  std::string data_address;     // Where other workers fetch from; empty: chosen by `master`,
  std::string data_advertised;  // and what they are told; empty: the same.
  std::string name;             // Shown to people.
  std::uint32_t slots = 1;
  std::uint64_t memory_bytes = 0;  // Per executor.
  std::uint32_t threads = 1;       // Per executor: its share of the cores.
  int lifetime_fd = -1;            // Its end of file ends the worker; -1: none.
  int ready_fd = -1;               // One byte is written when the master has welcomed us; -1: none.
  bool allow_unauthenticated_tcp = false;
  LogLevel log_level = LogLevel::kInfo;
  std::string log_file;  // Empty: standard error.
  /// Of 127.0.0.1, for /metrics; 0: any.  Nullopt: none.
  std::optional<std::uint16_t> http_port;
  std::vector<std::string> http_hosts;  // Values of the Host header beside those of the loopback.
  inputs::HostInputs host_inputs;
};

/// nullopt: --help or --version was asked for and is printed.  kInvalidArgument says what is wrong
/// and what to do.
Result<std::optional<WorkerOptions>> parse_options(int argc, const char* const* argv);

/// "512M", "2GiB", "1073741824" in bytes.
Result<std::uint64_t> parse_size(const std::string& text);

}  // namespace fanfold::worker
