// By which keys the holder of a key file knows the master, as the file says now: it may be told
// others while its holder runs.

#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "common/security/key_file.hpp"

namespace fanfold::security {

/// Belongs to one thread.
class KnownMaster {
 public:
  /// `file` was read from `path`.
  KnownMaster(std::string path, const KeyFile& file);

  /// One or two, the one in use first.  What the file said last, when it cannot be read.  Costs
  /// little while the file is the same.
  const std::vector<PublicKey>& keys();

 private:
  const std::string path_;
  struct stat seen_ {};  // When the file was read.
  std::vector<PublicKey> keys_;
};

}  // namespace fanfold::security
