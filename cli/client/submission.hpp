// Hands a job to a master, with the files that it needs.

#pragma once

#include <functional>
#include <string>

#include "cli/client/client.hpp"
#include "common/core/status.hpp"
#include "common/proto/types.hpp"

namespace fanfold::cli {

/// Over TCP its plugin and side files go to the master first, as far as the master lacks them:
/// workers need not see their paths then.  A master on this host, reached by its socket, has
/// workers that see what this process sees.
///
/// `tell`: of a file that the master has no room for, or that is too large (proto::kBlobBytes).  It
/// stays where it is, and the job goes on with what workers find at its path.
/// kInvalidArgument: a file is not any more what the spec says.
Result<JobId> submit_job(Client& client, const proto::JobSpec& spec, const FollowHooks& hooks,
                         const std::function<void(const std::string&)>& tell);

}  // namespace fanfold::cli
