// Small files of a work directory: read whole, replaced whole.

#pragma once

#include <string>
#include <string_view>

#include "common/core/status.hpp"

namespace fanfold::cli {

/// kNotFound: there is none.  kExhausted: it has more than 256 MiB.
Result<std::string> read_small_file(const std::string& path);

/// The file has the old or the new contents, whatever happens, and the new ones when it returns.
Status write_small_file(const std::string& path, std::string_view text);

}  // namespace fanfold::cli
