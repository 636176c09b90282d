#include "cli/profile/profile.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "cli/profile/flame_graph.hpp"
#include "cli/profile/stacks.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {

Result<std::string> profile_svg(const std::string& job, const std::string& plugin,
                                const StackProfile& profile) {
  const std::uint64_t samples = profile.samples();
  if (samples == 0) {
    return Status(StatusCode::kUnavailable,
                  "there is no profile: the job took too little processor time to be sampled");
  }
  std::string title = job + ", " + plural(samples, "sample");
  if (profile.left_out > 0) {
    title += ", and no room for " + format_count(profile.left_out) + " more";
  }
  return flame_graph_svg(title, name_stacks(profile, plugin));
}

Status write_profile(const ProfileTarget& target, const StackProfile& profile) {
  FANFOLD_ASSIGN_OR_RETURN(const std::string svg, profile_svg(target.job, target.plugin, profile));
  // Another picture may be there, of a run that went well.
  const std::string written = target.path + ".new-" + std::to_string(::getpid());
  std::ofstream file(written, std::ios::binary | std::ios::trunc);
  file << svg;
  file.close();
  if (file && ::rename(written.c_str(), target.path.c_str()) == 0) return {};
  const std::string why = std::strerror(errno);
  ::unlink(written.c_str());
  return {StatusCode::kIoError, "cannot write the profile to " + target.path + ": " + why};
}

}  // namespace fanfold::cli
