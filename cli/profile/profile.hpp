// What samplers saw of a job, as a file.

#pragma once

#include <string>

#include "common/core/status.hpp"
#include "common/profile/stack_profile.hpp"

namespace fanfold::cli {

struct ProfileTarget {
  std::string path;    // Of the SVG.
  std::string job;     // Its name.
  std::string plugin;  // Whose functions are the user's.
};

/// kUnavailable: nothing was seen; the file is there, and empty of bars.
Status write_profile(const ProfileTarget& target, const StackProfile& profile);

}  // namespace fanfold::cli
