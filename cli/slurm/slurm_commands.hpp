// What is asked of Slurm, through its own commands: each is one program with an argument vector.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/process/interrupts.hpp"
#include "cli/slurm/scaler.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

class SlurmCommands {
 public:
  /// Inputs and outputs of the commands pass through `directory`, which is ours alone; Slurm jobs
  /// of this cluster are called `name`.
  SlurmCommands(std::string directory, std::string name);

  /// One job on one node.  Errors hold what sbatch said.
  Status submit(const std::vector<std::string>& options, const std::string& script,
                Interrupts& interrupts) const;
  /// Those that wait or run; one that is about to end is neither.
  Result<std::vector<NodeJob>> list(Interrupts& interrupts) const;
  /// SIGTERM to the worker alone: it drains, and the node is free when it has gone.
  Status release(const std::vector<std::uint64_t>& jobs, Interrupts& interrupts) const;
  Status cancel(const std::vector<std::uint64_t>& jobs, Interrupts& interrupts) const;
  Status cancel_all(Interrupts& interrupts) const;

 private:
  Result<std::string> run(const std::string& program, std::vector<std::string> arguments,
                          const std::string& input, Interrupts& interrupts) const;

  const std::string directory_;
  const std::string name_;
};

/// "17 RUNNING" lines of squeue.  kCorruption: it is something else.
Result<std::vector<NodeJob>> parse_queue(const std::string& text);

}  // namespace fanfold::cli
