// Keys for hosts: each has its own, and the private half is here only until it has been taken
// there.

#pragma once

#include <string>

#include "common/core/status.hpp"

namespace fanfold::cli {

/// What directories of this cluster on its hosts are called: the same as long as its master has the
/// same key.
Result<std::string> cluster_name(const std::string& directory);

/// Whether the master of the cluster accepts this public key (hexadecimal) of `host`.
Result<bool> accepts_key(const std::string& directory, const std::string& host,
                         const std::string& public_key);

/// A new key for the host, as the text of its key file; the one that it had is not accepted any
/// more.  Nothing of it stays here but the public half.
Result<std::string> make_host_key(const std::string& directory, const std::string& host);

/// The host's key is not accepted any more; nothing when it has none.
Status end_host_key(const std::string& directory, const std::string& host);

}  // namespace fanfold::cli
