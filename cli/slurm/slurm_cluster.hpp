// A cluster whose master is here and whose workers are Slurm jobs, one on each node, as many as its
// tasks need.
//
// A process of its own, the scaler (`fanfold cluster scale`), looks once a second at the master and
// at Slurm's queue, submits and releases.  All workers have one key; it lies in the cluster's
// directory, which the nodes see under the same path.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/cluster/keyed_master.hpp"
#include "cli/process/interrupts.hpp"
#include "cli/slurm/slurm_record.hpp"
#include "common/core/status.hpp"
#include "common/log/log.hpp"

namespace fanfold::cli {

/// What is not said is as it was, or as usual.
struct SlurmClusterWish {
  std::optional<std::uint32_t> nodes_min;
  std::optional<std::uint32_t> nodes_max;
  std::optional<std::uint32_t> slots;
  std::optional<Duration> idle_max;
  std::optional<std::uint64_t> memory_bytes;
  std::optional<std::string> scratch;
  std::optional<std::vector<std::string>> host_inputs;
  std::optional<std::vector<std::string>> sbatch_words;
  std::string address;  // HOST[:PORT] of this host as the nodes reach it; empty: its host name.
  std::optional<std::uint16_t> http_port;
};

struct SlurmUp {
  std::string address;
  std::string key;  // The owner's: file.
  std::uint16_t http_port = 0;
  ScaleLimits limits;
  bool resumed = false;
};

/// `before` with what is wished for.  `fresh`: there was no cluster.
Result<SlurmRecord> record_with(const SlurmClusterWish& wish, SlurmRecord before, bool fresh);

/// Starts a master and a scaler, or what is missing of them, and does not wait for nodes.  Of a
/// cluster that is up, the wish replaces how many nodes it may have and what new ones get.  After
/// an error nothing is left of a new one.
Result<SlurmUp> bring_up_slurm(const std::string& program_directory, const std::string& directory,
                               const SlurmClusterWish& wish, Interrupts& interrupts);

/// One line for people: how many nodes there may be, run and wait, and whether the scaler lives.
/// Empty: the cluster is none of Slurm.
Result<std::string> describe_nodes(const std::string& directory, Interrupts& interrupts);

/// Ends the scaler and the master, cancels the Slurm jobs, waits for their end, and removes the
/// directory.
Status take_down_slurm(const std::string& directory, const AskToStop& ask, Interrupts& interrupts);

/// The life of the scaler, until an interrupt or the directory's end.
Status run_scaler(const std::string& program_directory, const std::string& directory,
                  Interrupts& interrupts, Log& log);

}  // namespace fanfold::cli
