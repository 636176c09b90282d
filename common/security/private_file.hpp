// Small files that nobody but their owner may read, or change.

#pragma once

#include <string>

#include "common/core/status.hpp"

namespace fanfold::security {

/// All of it.  kInvalidArgument: it belongs to somebody else, or others may read or write it;
/// kNotFound: it is not there; kCorruption: it is no plain file, or larger than `bytes_max`.
Result<std::string> read_private_file(const std::string& path, std::size_t bytes_max);

/// All of it.  kInvalidArgument: it is neither ours nor root's, or others may write it; the rest as
/// above.
Result<std::string> read_trusted_file(const std::string& path, std::size_t bytes_max);

/// Mode 0600, whole or not at all: what was there is replaced in one step.
Status write_private_file(const std::string& path, const std::string& text);

/// kInvalidArgument: it is no directory of ours that is closed to others (mode 0700).
Status check_private_directory(const std::string& path);

}  // namespace fanfold::security
