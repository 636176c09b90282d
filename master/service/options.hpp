// The command line of fanfold-master.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/limits.hpp"
#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "common/log/log.hpp"

namespace fanfold::master {

struct MasterOptions {
  std::string address;
  std::string state_directory;  // Empty: --ephemeral.
  std::string event_directory;  // Empty: in the state directory, if there is one.
  int ready_fd = -1;            // -1: none.
  int lifetime_fd = -1;
  Duration worker_silence = limits::kWorkerSilence;
  Duration host_absence = limits::kHostAbsence;
  Duration heartbeat = limits::kHeartbeatInterval;
  std::string key_directory;               // Empty: no keys, no TCP.
  std::string plugin_list;                 // Empty: any plugin.
  std::string audit_file;                  // Empty: in the state directory, if there is one.
  bool allow_unauthenticated_tcp = false;  // For tests alone.
  std::string log_file;                    // Empty: standard error.
  std::optional<std::uint16_t> http_port;  // None: no pages, no metrics.
  std::vector<std::string> http_hosts;
  LogLevel log_level = LogLevel::kInfo;
};

struct ParsedOptions {
  MasterOptions options;
  std::string answer;  // Not empty: print it and end (--help, --version).
};

/// kInvalidArgument: what is wrong with the command line.
Result<ParsedOptions> parse_options(int argc, const char* const* argv);

}  // namespace fanfold::master
