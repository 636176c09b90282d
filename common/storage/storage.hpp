// All the places that a path can name: s3://bucket/key, files of this host, and host://NAME/path,
// which is a file of this host when NAME is its name.

#pragma once

#include <memory>

#include "common/inputs/host_input.hpp"
#include "common/io/file_system.hpp"

namespace fanfold {

/// Process-wide; never destroyed.  Nothing can be read by the name of a host.
io::FileSystem& storage();

/// The same, in which `readable` can.
std::unique_ptr<io::FileSystem> storage_on_host(inputs::HostInputs readable);

}  // namespace fanfold
