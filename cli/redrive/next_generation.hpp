// An output and what a redrive made of its dead letters, as one output that replaces the earlier
// one in one step.

#pragma once

#include <cstdint>
#include <string>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/io/manifest.hpp"

namespace fanfold::cli {

struct NextGeneration {
  std::string output;
  const io::Manifest* earlier = nullptr;  // Of `output`, as the redrive found it.
  std::string made;                       // The output of the redrive's job.
  std::uint64_t records = 0;              // That it was to map.
  std::string staging;                    // On the file system of `output`.
  /// Where to the output of somebody else goes that was published in the same moment and could not
  /// be put back: nobody else may remove it.
  std::string displaced;
};

/// The manifest of the next generation, which is in its place then.  `output` is whole at every
/// moment, and what was there lies in `staging` afterwards.  kAborted: somebody has replaced the
/// output since, and it is left alone.  kCorruption: a file is not what was published.
Result<io::Manifest> publish_next_generation(io::FileSystem& files, const NextGeneration& next);

}  // namespace fanfold::cli
