// The processes of a cluster that outlives the shell, known by their ids and by the directory that
// their command lines name: an id that was given to somebody else is never killed.

#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/core/unique_fd.hpp"

namespace fanfold::cli {

/// "<what>: <the reason in errno>."
Status io_error(const std::string& what);

/// kInvalidArgument: the directory is not ours, or open to others.
Status check_owner(const std::string& directory);

/// Of one command at a time: held until it goes.  kUnavailable: another one is at work there.
Result<UniqueFd> lock_cluster(const std::string& directory);

/// The same, of a directory that is made where there is none, and ours alone.
Result<UniqueFd> open_cluster(const std::string& directory);

/// Under its lock: removes the directory, the file `record` in it last, so that whatever happens a
/// next command knows what the rest is.
Status remove_cluster(const std::string& directory, const std::string& record);

/// Whether the process is there and its command line names the directory.
bool lives(pid_t pid, const std::string& directory);

std::vector<pid_t> living_among(const std::string& directory, const std::vector<pid_t>& processes);

/// By request, by SIGTERM and by force.  `asked` says that they were told to stop: they get time to
/// do so.
void end_processes(const std::string& directory, const std::vector<pid_t>& processes, bool asked);

/// kUnavailable: what happened, and the last lines of its log.
Status did_not_start(const std::string& what, const std::string& log);

}  // namespace fanfold::cli
