// A scatter as a job of the engine: a map over the file of its targets, one a task, and one reduce
// that merges (worker/items/scatter_job.cpp).

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/job/job_spec.hpp"
#include "common/core/status.hpp"
#include "common/items/answers.hpp"

namespace fanfold::cli {

struct ScatterRequest {
  std::vector<std::string> targets;
  /// What is asked: a program, or a job; with neither, each target is a command by itself.
  std::vector<std::string> program;  // Its words; "{}" stands for the target.
  std::string job;                   // As `run` takes it.  Each target is a file.
  std::vector<std::string> parameters;
  std::string request;               // On the standard input of programs.
  std::optional<items::Json> retry;  // Of the States Language.
  items::AnswerRules answers;
  JobRequest engine;  // Policy, deadline, priority, ...
};

struct ScatterJob {
  proto::JobSpec spec;           // Its output is `directory`/answers.
  std::uint64_t line_bytes = 0;  // Of each target in the input: where a piece begins says which.
};

/// Writes what the job reads into `directory`, which is there.  kInvalidArgument: no such program,
/// job, parameter, ...  Forks, as make_job_spec() does.
Result<ScatterJob> make_scatter_job(const Surroundings& surroundings, const ScatterRequest& request,
                                    const std::string& directory);

}  // namespace fanfold::cli
