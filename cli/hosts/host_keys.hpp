// Keys for hosts: each has its own, and the private half is here only until it has been taken
// there.

#pragma once

#include <string>

#include "common/core/status.hpp"

namespace fanfold::cli {

/// What directories of a new cluster on its hosts are called, after the key that its master has.
Result<std::string> cluster_name(const std::string& directory);

/// Whether the master of the cluster accepts this public key (hexadecimal) of `host`.
Result<bool> accepts_key(const std::string& directory, const std::string& host,
                         const std::string& public_key);

/// By which keys those of the cluster know its master now.
struct MasterKeys {
  std::string in_use;  // Hexadecimal.
  std::string other;   // Empty: there is none.
};
Result<MasterKeys> master_keys(const std::string& directory);

/// A new key for the host, as the text of its key file; the one that it had is not accepted any
/// more.  Nothing of it stays here but the public half.
Result<std::string> make_host_key(const std::string& directory, const std::string& host);

/// The host's key is not accepted any more; nothing when it has none.
Status end_host_key(const std::string& directory, const std::string& host);

}  // namespace fanfold::cli
