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

/// The file is whole, or what it was before.  kUnavailable: nothing was seen; it is what it was.
Status write_profile(const ProfileTarget& target, const StackProfile& profile);

}  // namespace fanfold::cli
