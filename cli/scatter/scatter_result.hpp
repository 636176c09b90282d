// What came of a scatter: which targets are in its answers and which are missing, and why.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/scatter/scatter_job.hpp"
#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::cli {

struct MissingTarget {
  std::string target;
  /// "failed"; "late": not there at the deadline; "stopped": enough had answered.
  std::string why;
  std::string error;  // "failed".
};

struct ScatterResult {
  std::string state;  // "succeeded", "partial"
  std::string reason;
  std::uint64_t job = 0;
  std::uint64_t targets = 0;
  std::vector<MissingTarget> missing;  // In the order of targets.
  std::uint64_t answers = 0;
  std::uint64_t duplicates = 0;    // Left out of them.
  std::uint64_t late_answers = 0;  // Came after the end, and were dropped.
  std::uint64_t retries = 0;
  std::uint64_t wall_ms = 0;

  std::uint64_t answered() const { return targets - missing.size(); }
};

/// Of a job that has ended with an output, at `directory`.
Result<ScatterResult> read_result(io::FileSystem& files, const std::string& directory,
                                  const ScatterRequest& request, std::uint64_t line_bytes,
                                  const proto::JobStatus& status);

/// Why a job without an output has none.
std::string failure_text_of(const ScatterRequest& request, const proto::JobStatus& status);
/// `attempts`: what the master knows of them, for the targets that failed.
items::Json failure_json_of(const ScatterRequest& request, const proto::JobStatus& status,
                            const std::vector<proto::LogEntry>& attempts);

/// "12 of 16 targets answered: ..." and a line for each that is missing, of very many the first.
std::string missing_text(const ScatterResult& result);
std::string text_of(const ScatterResult& result);
items::Json json_of(const ScatterResult& result);
std::string formatted(const items::Json& json);

/// A message of the engine, whose map tasks are targets here.
std::string in_terms_of_targets(std::string text);

}  // namespace fanfold::cli
