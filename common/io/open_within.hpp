// Opens files below certain directories, whatever links lie on the way.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/io/file_system.hpp"

namespace fanfold::io {

/// A regular file that is, at the moment it is open, in one of `directories` or below one: they are
/// real paths.  Errors, then and later, call it `shown`.  kInvalidArgument: it lies elsewhere, or
/// is no file.
Result<std::unique_ptr<ReadableFile>> open_within(const std::string& path,
                                                  const std::vector<std::string>& directories,
                                                  const std::string& shown);

}  // namespace fanfold::io
