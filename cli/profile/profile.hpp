// What samplers saw of a job, as a picture.

#pragma once

#include <string>

#include "common/core/status.hpp"
#include "common/profile/stack_profile.hpp"

namespace fanfold::cli {

/// An SVG.  kUnavailable: nothing was seen.
Result<std::string> profile_svg(const std::string& job, const std::string& plugin,
                                const StackProfile& profile);

struct ProfileTarget {
  std::string path;    // Of the SVG.
  std::string job;     // Its name.
  std::string plugin;  // Whose functions are the user's.
};

/// The file is whole, or what it was before.  kUnavailable: nothing was seen; it is what it was.
Status write_profile(const ProfileTarget& target, const StackProfile& profile);

}  // namespace fanfold::cli
