// Files that people name on the command line, read whole.

#pragma once

#include <cstddef>
#include <string>

#include "common/core/status.hpp"

namespace fanfold::cli {

/// To the end: a pipe does not tell its size.  `name` is for messages.  kExhausted: there are more
/// than `bytes_max`.
Result<std::string> read_to_end(int descriptor, std::size_t bytes_max, const std::string& name);

/// The same of a file, or of a pipe that has a name.  kNotFound: there is none.
Result<std::string> read_whole_file(const std::string& path, std::size_t bytes_max);

}  // namespace fanfold::cli
