// What people and programs read of a pipeline that runs.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/commands/command.hpp"
#include "cli/pipeline/pipeline_run.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::cli {

/// "counts: finished in 0.42 s: 12 records, 1.0 KiB\n"
std::string line_of(const StageEvent& event);

/// What became of each stage, in the order of the file.
struct StageRow {
  std::string name;
  std::string state = "not_run";  // "ran", "reused", "partial", "failed"
  std::string output;             // Empty: it is gone.
  std::uint32_t rounds = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  std::uint64_t wall_ms = 0;  // Of all its jobs of this run.
};

/// Collects the rows from events.
class StageRows {
 public:
  explicit StageRows(const Pipeline& pipeline);
  void note(const StageEvent& event);
  /// What is in `directory` is gone.
  void forget_below(const std::string& directory);
  const std::vector<StageRow>& rows() const { return rows_; }

 private:
  std::vector<StageRow> rows_;
};

struct PipelineSummary {
  std::string name;
  std::string state;  // "succeeded", "partial", "failed", "interrupted"
  std::string failed_stage;
  std::string work;  // Empty: it is gone.
  std::uint64_t wall_ms = 0;
};

std::string text_of(const PipelineSummary& summary, const std::vector<StageRow>& rows);
std::string json_of(const PipelineSummary& summary, const std::vector<StageRow>& rows);

struct Incomplete {
  const PipelineOutcome& outcome;
  std::string stage;                      // What messages call the one that failed; empty: nothing.
  std::vector<proto::LogEntry> attempts;  // Of its job.
  std::string master;                     // Address; empty: a private cluster, which is gone.
  bool interrupted = false;
};

/// Says why a run has ended early; returns the exit code.
int report_incomplete(const Environment& environment, Incomplete run);

}  // namespace fanfold::cli
