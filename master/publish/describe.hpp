// What a job's output is, as its manifest says it.

#pragma once

#include <vector>

#include "common/io/manifest.hpp"
#include "master/publish/publish.hpp"

namespace fanfold::master {

/// Of these files, in any order.
io::Manifest describe_output(const PublishRequest& request, std::vector<io::PartInfo> files);

Published summary_of(const io::Manifest& manifest);

/// Whether the output is this very submission's: a crash came after it was finished.
bool is_output_of(const io::Manifest& manifest, const PublishRequest& request);

/// A file that is not what its attempt committed: kCorruption, with what it is instead.
Status changed_file(const std::string& path, AttemptId attempt, const std::string& difference);

}  // namespace fanfold::master
