// What the sampler saw of a job, as a file.

#pragma once

#include <string>

#include "common/core/status.hpp"

namespace fanfold::cli {

/// Stops the sampler.  `plugin`: whose functions are the user's; it is still loaded.
Status write_profile(const std::string& path, const std::string& job, const std::string& plugin);

}  // namespace fanfold::cli
