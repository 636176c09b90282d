#include "cli/profile/profile.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "cli/profile/flame_graph.hpp"
#include "cli/profile/sampler.hpp"
#include "cli/profile/stacks.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {

Status write_profile(const std::string& path, const std::string& job, const std::string& plugin) {
  Sampler::stop();
  const std::vector<Sample> samples = Sampler::samples();
  const std::string title = job + ", " + plural(samples.size(), "sample") +
                            (Sampler::dropped() > 0 ? ", and no room for more" : "");
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << flame_graph_svg(title, name_stacks(samples, plugin));
  file.close();
  if (!file) {
    return Status(StatusCode::kIoError,
                  "cannot write the profile to " + path + ": " + std::strerror(errno));
  }
  if (!samples.empty()) return {};
  return Status(StatusCode::kUnavailable,
                "the profile is empty: the job took too little processor time to be sampled");
}

}  // namespace fanfold::cli
