// What the maps of a redrive read: a split for each file of kept pairs, then the records that dead
// letters tell of.

#pragma once

#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/proto/types.hpp"
#include "master/planner/planner.hpp"

namespace fanfold::master {

/// `directory` as in proto::redriven_directory().  kNotFound, kInvalidArgument, kCorruption: which
/// file, and why.
Result<Plan> plan_redrive(io::FileSystem& files, const proto::JobSpec& spec,
                          const std::string& directory, const HostListing* hosts);
/// The files on hosts among those that have such records.
Result<std::vector<std::string>> redriven_on_hosts(io::FileSystem& files,
                                                   const std::string& directory);

}  // namespace fanfold::master
