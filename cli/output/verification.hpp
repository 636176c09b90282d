// Looks at a finished output and at the ledger in its manifest: what holds and what does not.

#pragma once

#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/io/manifest.hpp"
#include "common/proto/types.hpp"

namespace fanfold::cli {

struct Check {
  std::string name;  // Permanent, for programs.
  std::string what;  // For people: with the numbers.
  bool holds = false;
};

struct Verification {
  std::string directory;
  std::vector<Check> checks;  // Of records only when the run kept a ledger: not with --in-process.
  io::Manifest manifest;

  bool holds() const;
  void add(std::string name, bool holds, std::string what);
  /// Whether the master remembers the same run.
  void compare_with(const proto::JobStatus& status);
};

/// Whether the output is of this job, or a later generation of what it wrote.
bool is_output_of(const io::Manifest& manifest, const proto::JobStatus& status);

/// An error when there is no output that could be looked at; what is wrong with one that is there
/// is in its checks.
Result<Verification> verify_output(io::FileSystem& files, const std::string& directory);

}  // namespace fanfold::cli
