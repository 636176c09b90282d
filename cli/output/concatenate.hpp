// `fanfold cat`: the records of a finished output, in key order, on a descriptor.

#pragma once

#include <string>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {

struct PrintOptions {
  int descriptor = 1;
  /// Text records as JSON Lines: {"key":...,"value":...}, or {"line":...} where there is no TAB.
  bool json = false;
};

/// Parts that are sorted by key are merged; range-partitioned ones, and those whose key order this
/// program does not know, follow one another.  A reader that goes away ends it, as OK.
Status print_output(io::FileSystem& files, const std::string& directory,
                    const PrintOptions& options);

}  // namespace fanfold::cli
