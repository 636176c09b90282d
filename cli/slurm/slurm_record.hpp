// slurm.json in the directory of a cluster: how many nodes it may have, and what each gets.

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "cli/slurm/scaler.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

struct SlurmRecord {
  std::string name;  // Of the Slurm jobs.
  ScaleLimits limits;
  std::uint64_t memory_bytes = 0;         // Of each executor; 0: the worker decides.
  std::string scratch;                    // Empty: the worker's own choice.
  std::vector<std::string> host_inputs;   // Directories of the nodes that jobs may read.
  std::vector<std::string> sbatch_words;  // More of them, such as --partition=long.
  pid_t scaler = 0;                       // Process.
};

inline constexpr const char* kSlurmRecord = "slurm.json";

/// nullopt: the cluster is none of Slurm, or there is none.
Result<std::optional<SlurmRecord>> read_slurm_record(const std::string& directory);

Status write_slurm_record(const std::string& directory, const SlurmRecord& record);

}  // namespace fanfold::cli
