// Runs programs to their end, many at once, and keeps what they say.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/process/interrupts.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

struct ProgramCall {
  std::string program;  // Path, or a name that is looked up in PATH.
  std::vector<std::string> arguments;
  std::string input;  // Of its standard input; it may be secret.
  /// Beginnings of names of environment variables that the program does not get.
  std::vector<std::string> without = {};
  std::size_t output_bytes_max = 64u << 10;
};

struct ProgramEnd {
  Status status;        // kAborted: interrupted; kUnavailable: not started, or ended for its delay.
  int wait_status = 0;  // When the status is OK.
  std::string output;   // Of that, the first `output_bytes_max`.
  bool cut = false;     // There was more output.
  std::string error;    // The last lines, without control characters.

  bool succeeded() const { return status.ok() && wait_status == 0; }
};

/// One end for each call, in their order.  What they say passes through files in `directory`, which
/// is ours alone and used by one call of this function at a time.  What runs longer than a minute
/// is killed; at an interrupt, all of it.
std::vector<ProgramEnd> run_programs(const std::vector<ProgramCall>& calls,
                                     const std::string& directory, Interrupts& interrupts);

/// The same for one, with a directory of its own.
ProgramEnd run_program(const ProgramCall& call, Interrupts& interrupts);

}  // namespace fanfold::cli
