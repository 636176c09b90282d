// Which master a command talks to.

#pragma once

#include <memory>
#include <string>

#include "cli/client/client.hpp"
#include "cli/commands/command.hpp"
#include "cli/process/interrupts.hpp"

namespace fanfold::cli {

/// Directory of the local cluster that `cluster up` starts when no other is named:
/// $XDG_RUNTIME_DIR/fanfold, or /tmp/fanfold-<uid>.
std::string default_cluster_directory(const Environment& environment);

/// --master, FANFOLD_MASTER, or the local cluster when one is up; --key or FANFOLD_KEY.
Result<MasterPlace> find_master(const Environment& environment, const Arguments& arguments);

/// find_master() and connect_client() in one.
Result<std::unique_ptr<Client>> connect_to_master(const Environment& environment,
                                                  const Arguments& arguments);

/// For a command that Ctrl-C ends in good order: `interrupts` are caught from here on, and every
/// wait of the client ends with the first.
Result<std::unique_ptr<Client>> connect_interruptibly(const MasterPlace& place,
                                                      Interrupts& interrupts);

/// The job called by a command's first positional, asked from the master.
Result<proto::JobStatus> get_job(Client& client, JobId job);

}  // namespace fanfold::cli
