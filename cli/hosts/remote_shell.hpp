// Runs a script on many hosts at once: through ssh, or by a shell of this host.
//
// What a host is told to run is always the same constant words, a shell that reads its script; the
// script comes through standard input with its arguments in front, each quoted, and so do secrets:
// nothing that a file or a person says is ever part of a command line that a shell reads.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/hosts/hosts_file.hpp"
#include "cli/process/interrupts.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

struct RemoteScript {
  std::string text;                    // Of a POSIX shell.
  std::vector<std::string> arguments;  // Its "$1", "$2", ...
};

struct RemoteCall {
  Host host;
  RemoteScript script;
};

struct RemoteAnswer {
  Status status;       // kUnavailable: the host was not reached; kAborted: the script failed.
  std::string output;  // What the script printed, of that the first 64 KiB.
};

struct RemoteShell {
  std::string directory;   // Ours alone: what goes to hosts and comes from them passes through it.
  std::string ssh_config;  // File; empty: that of the user.

  /// One answer for each call, in their order.  Errors name the host and hold what ssh or the
  /// script said.  After an interrupt all that is not done fails.
  std::vector<RemoteAnswer> run(const std::vector<RemoteCall>& calls, Interrupts& interrupts) const;
};

/// The script with its arguments in front, as a shell reads it.
std::string shell_text(const RemoteScript& script);

/// One word of a shell, whatever it holds (no NUL).
std::string shell_word(std::string_view text);

}  // namespace fanfold::cli
