#include "cli/profile/profile.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "cli/profile/flame_graph.hpp"
#include "cli/profile/stacks.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {

Status write_profile(const ProfileTarget& target, const StackProfile& profile) {
  const std::uint64_t samples = profile.samples();
  std::string title = target.job + ", " + plural(samples, "sample");
  if (profile.left_out > 0) {
    title += ", and no room for " + format_count(profile.left_out) + " more";
  }
  std::ofstream file(target.path, std::ios::binary | std::ios::trunc);
  file << flame_graph_svg(title, name_stacks(profile, target.plugin));
  file.close();
  if (!file) {
    return Status(StatusCode::kIoError,
                  "cannot write the profile to " + target.path + ": " + std::strerror(errno));
  }
  if (samples > 0) return {};
  return Status(StatusCode::kUnavailable,
                "the profile is empty: the job took too little processor time to be sampled");
}

}  // namespace fanfold::cli
