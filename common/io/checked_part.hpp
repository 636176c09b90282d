// A part file that is read front to back once, and must be what its attempt wrote.

#pragma once

#include <memory>
#include <string>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/io/part_file.hpp"

namespace fanfold::io {

/// The file at `path`, which `info` describes.  Reading its last byte gives kCorruption when its
/// bytes are not those; so does opening it when their number is another.  Read it in order.
Result<std::unique_ptr<ReadableFile>> open_checked_part(FileSystem& files, const std::string& path,
                                                        const PartInfo& info);

}  // namespace fanfold::io
