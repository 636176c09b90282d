// What is asked of Slurm, through its own commands: each is one program with an argument vector.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/process/interrupts.hpp"
#include "cli/process/run_programs.hpp"
#include "cli/slurm/scaler.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

struct Queue {
  std::vector<NodeJob> jobs;         // Those that wait or run.
  std::vector<std::uint64_t> ended;  // Or about to end; Slurm tells for a while.
};

class SlurmCommands {
 public:
  /// Inputs and outputs of the commands pass through `directory`, which is ours alone; Slurm jobs
  /// of this cluster are called `name`.
  SlurmCommands(std::string directory, std::string name);

  /// One job on one node; its id.  Errors hold what sbatch said.
  Result<std::uint64_t> submit(const std::vector<std::string>& options, const std::string& script,
                               Interrupts& interrupts) const;
  Result<Queue> list(Interrupts& interrupts) const;
  /// SIGTERM to the worker alone: it drains, and the node is free when it has gone.  `told` is
  /// given those that Slurm took the signal for.
  Status release(const std::vector<std::uint64_t>& jobs, Interrupts& interrupts,
                 std::vector<std::uint64_t>* told) const;
  Status cancel(const std::vector<std::uint64_t>& jobs, Interrupts& interrupts) const;
  Status cancel_all(Interrupts& interrupts) const;

 private:
  /// What it printed.
  Result<std::string> run(ProgramCall call, Interrupts& interrupts) const;

  const std::string directory_;
  const std::string name_;
};

/// What squeue is asked, for parse_queue().
ProgramCall queue_call(const std::string& name);
/// "17 RUNNING" lines of squeue.  kCorruption: it is something else.
Result<Queue> parse_queue(const std::string& text);

/// Of the line that sbatch prints, "17" or "17;cluster".  kCorruption: it is something else.
Result<std::uint64_t> parse_submitted(const std::string& text);

/// Whether a word for sbatch would take its jobs out of our sight: give them another name, make
/// many of one, or send them to another controller.
bool hides_jobs(std::string_view word);

}  // namespace fanfold::cli
