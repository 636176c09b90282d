// What a Slurm job of a cluster runs, and where its files are.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/slurm/slurm_record.hpp"

namespace fanfold::cli {

/// The name of the key of all nodes.
inline constexpr const char* kNodesKey = "nodes";

std::string worker_key(const std::string& directory);
std::string scaler_directory(const std::string& directory);
std::string worker_log_directory(const std::string& directory);

struct WorkerScript {
  std::string program_directory;
  std::string directory;  // Of the cluster.
  std::string master;     // Address.
};

/// The batch script: it becomes the worker, so that Slurm's signals reach it.
std::string worker_script(const WorkerScript& wish, const SlurmRecord& record);

/// The words of sbatch that go with it.
std::vector<std::string> sbatch_words(const std::string& directory, const SlurmRecord& record);

/// The Slurm job of the worker of this name; nullopt: it is none of ours.
std::optional<std::uint64_t> job_of_worker(const std::string& name);

}  // namespace fanfold::cli
