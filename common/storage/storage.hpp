// All the places that a path can name: s3://bucket/key, and files of this host.

#pragma once

#include "common/io/file_system.hpp"

namespace fanfold {

/// Process-wide; never destroyed.
io::FileSystem& storage();

}  // namespace fanfold
