// What `cluster up`, `down` and `status` do when the workers are on other hosts.

#pragma once

#include <string>
#include <vector>

#include "cli/cluster/keyed_master.hpp"
#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/text/table.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::cli {

int hosts_up_main(const Environment& environment, const Arguments& arguments,
                  const std::string& directory);
int hosts_leave_main(const std::string& directory, const std::vector<std::string>& names,
                     bool forget);

/// The master of the cluster in `directory`, whichever kind it is.
Result<MasterPlace> place_of_cluster(const std::string& directory);

/// Whether the master there took the request to stop.
bool stop_master(const MasterPlace& place);

/// How the clusters whose masters have keys are taken down: by their hosts, by Slurm.
using TakeDown = Status (*)(const std::string& directory, const AskToStop& ask,
                            Interrupts& interrupts);
int keyed_down_main(const std::string& directory, TakeDown take_down);

/// Alone on standard output: eval "$(fanfold cluster up ...)" works.
void print_way_in(const std::string& address, const std::string& key);

/// A row for each host of the cluster in `directory` whose worker the master does not know.
Status add_absent_hosts(const std::string& directory, const proto::ClusterReply& cluster,
                        Table* table);

}  // namespace fanfold::cli
