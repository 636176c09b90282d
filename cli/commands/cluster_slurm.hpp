// What `cluster up` and `scale` do when the workers are Slurm jobs.

#pragma once

#include <string>

#include "cli/commands/command.hpp"
#include "cli/slurm/slurm_record.hpp"

namespace fanfold::cli {

int slurm_up_main(const Environment& environment, const Arguments& arguments,
                  const std::string& directory);
/// Prints how many nodes the cluster in `directory` has, when it is one of Slurm.
Status print_nodes(const std::string& directory);

}  // namespace fanfold::cli
