// What a job came to, for people: a summary when it is done, causes when it failed.

#pragma once

#include <string>
#include <vector>

#include "common/proto/messages.hpp"
#include "common/proto/types.hpp"

namespace fanfold::cli {

/// Lines of a finished job: wall time, bytes and records in and out, stages, retries, slowest task,
/// notes, where the output is.
std::string summary_text(const proto::JobStatus& status, std::uint64_t wall_ms);

struct FailureContext {
  /// Attempts of the failed task, for the later causes and the log tail; may be empty.
  std::vector<proto::LogEntry> attempts;
  /// Address of the cluster that keeps the logs; empty: a private one, gone with the run.
  std::string master;
  /// What `fanfold replay` calls the job: its number, or the file of its event log as a shell takes
  /// it; empty: its attempts left no capsules.
  std::string capsules;
  /// The command that ran the job, for "run it again under gdb"; empty when it is not known.
  std::string command;
  /// What the record that failed looks like, when it can be read here; empty: not known.
  std::string record_excerpt;
};

/// Why a job failed or was cancelled: one line, later causes, then the first cause with all that is
/// known and what to do next.  A bad input or plugin takes one or two lines.
std::string failure_text(const proto::JobStatus& status, const FailureContext& context);

/// A line for each attempt of the context, then the first cause that a task answers for, as above.
std::string attempts_text(const FailureContext& context);

/// One line for a cause: "exception on worker-1: stoi".
std::string cause_line(const proto::FailureReport& failure);

/// Multi-line text of `status JOB`.
/// "at most 8 attempts at a time, priority 50, weight 1, paused".
std::string control_text(const proto::JobControl& control);

std::string status_text(const proto::JobStatus& status);

/// Exit code that belongs to a final state.
int exit_code_of(const proto::JobStatus& status);

}  // namespace fanfold::cli
