// The file that names the hosts of a cluster: a line for each,
//
//   # comment
//   here                          slots=2
//   alice@10.0.0.2                slots=8 memory=2G scratch=/data/scratch input=/var/log
//   node3.example.org             name=n3 port=2222 bin=/opt/fanfold/bin
//
// What it says ends up in command lines here and there, so every word is checked.  Knows nothing of
// ssh.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold::cli {

struct Host {
  std::string name;                // Of its worker and of its key; no two hosts share one.
  std::string destination;         // "host" or "user@host", as ssh takes it; empty: this host.
  std::uint16_t port = 0;          // Of its sshd; 0: what ssh thinks.
  std::uint32_t slots = 0;         // 0: one a core.
  std::uint64_t memory_bytes = 0;  // Of each executor; 0: the worker decides.
  std::string bin;                 // Where the programs are; empty: where they are here.
  std::string scratch;             // Empty: the worker's own choice.
  /// Directories that jobs may read by the name of the host, as those of --host-input.
  std::vector<std::string> inputs = {};

  bool here() const { return destination.empty(); }
};

/// kInvalidArgument names `file`, the line, and what is wrong with it.
Result<std::vector<Host>> parse_hosts(std::string_view text, const std::string& file);

/// "host" or "user@host" that ssh cannot take for an option, nor a shell for anything but a word.
bool is_destination(std::string_view text);

/// Absolute, without control characters and "..".
bool is_plain_path(std::string_view text);

}  // namespace fanfold::cli
