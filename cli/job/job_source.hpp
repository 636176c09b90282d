// Which plugin file and which of its jobs the word JOB means.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold::cli {

struct JobSource {
  std::string plugin;    // Path of the shared object.
  std::string job_name;  // Empty: the only job of the plugin.
  bool bundled = false;
};

/// Where bundled jobs lie for a program installed in `program_directory`.
std::string bundled_jobs_directory(const std::string& program_directory);

/// Names of the bundled jobs, sorted; empty when the directory is not there.
std::vector<std::string> bundled_jobs(const std::string& program_directory);

/// `job` is the name of a bundled job, "PATH.so" or "PATH.so:NAME"; with `plugin` it is the name of
/// a job in that file.  kNotFound: no such bundled job, with a did-you-mean.
Result<JobSource> find_job_source(const std::string& program_directory, const std::string& job,
                                  const std::optional<std::string>& plugin);

}  // namespace fanfold::cli
