// What inputs mean that lie on the hosts of workers: asked of the master, which asks there.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/client/client.hpp"
#include "common/core/status.hpp"
#include "master/planner/input_files.hpp"

namespace fanfold::cli {

/// `inputs`, `look_above`: as the planner's find_host_inputs() and look_above() say.
Result<master::HostListing> list_on_hosts(Client& client, const std::vector<std::string>& inputs,
                                          std::uint64_t look_above, FollowHooks hooks = {});

}  // namespace fanfold::cli
