// Patterns of a job's inputs -> files of this host that may be read.

#pragma once

#include <functional>
#include <string>

#include "common/inputs/host_input.hpp"
#include "common/io/file_system.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::worker {

/// What a pattern or a directory finds and cannot be read is counted and left out, as is a name
/// with control characters; what comes or goes meanwhile is in the list or not.  A file that is
/// named itself has to be readable, if it is there.  Finding nothing is no error.
/// `files` are those of this host by their paths, `by_host` the same by "host://NAME/path", opened
/// only where that is allowed.  `stopped` may be asked often.
proto::HostFilesListed list_host_files(io::FileSystem& files, io::FileSystem& by_host,
                                       const inputs::HostInputs& readable,
                                       const proto::ListHostFiles& question,
                                       const std::function<bool()>& stopped);

}  // namespace fanfold::worker
