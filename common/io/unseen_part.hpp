// Part files that nobody sees before they are published.

#pragma once

#include <memory>
#include <string>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/io/part_file.hpp"

namespace fanfold::io {

/// create_part(), of what will be revealed as `target` (FileSystem::create_unseen).
Result<std::unique_ptr<PartWriter>> create_unseen_part(FileSystem& files, const std::string& path,
                                                       const std::string& target,
                                                       const std::string& name,
                                                       PartCompression compression);

}  // namespace fanfold::io
