// The part of a manifest that says what of its input an output holds, and what is missing and why.
// docs/disk_format.md explains every field.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold::io {

/// Bytes of an input file.
struct CoveragePiece {
  std::string path;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// A map task whose records are not in the output.
struct MissingTask {
  std::uint32_t task = 0;
  std::string why;    // "failed": for good; "stopped": not needed any more, or too late.
  std::string error;  // "failed": the first of its failures.
  std::uint64_t bytes = 0;
  std::vector<CoveragePiece> pieces;
};

/// What of its input an output holds.  Of jobs that may do without some of it.
struct Coverage {
  std::string policy;  // "min-successful=80%"
  std::string reason;  // "MIN_SUCCESSFUL_REACHED"
  std::uint64_t deadline_ms = 0;
  std::uint64_t map_tasks = 0;
  std::uint64_t covered = 0;
  std::uint64_t input_bytes = 0;
  std::uint64_t covered_bytes = 0;
  std::uint64_t attempts_stopped = 0;
  std::uint64_t stop_us = 0;  // Until the last of them was dead.
  std::uint64_t results_discarded = 0;
  std::vector<MissingTask> missing;  // Ascending.

  bool partial() const { return covered < map_tasks; }
};

/// "92.30" per cent of the input's bytes.  Rounded down: what is not all is never 100.00.
std::string covered_percent(const Coverage& coverage);

std::string to_json(const Coverage& coverage);

/// Total, as parse_manifest().
Result<Coverage> parse_coverage(std::string_view json);

}  // namespace fanfold::io
