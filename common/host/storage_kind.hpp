// What a path lies on, by statfs(2): a disk of this host, or something that other hosts see too.
// What cannot be done there is tried where it matters, never guessed from the kind.

#pragma once

#include <string>

namespace fanfold {

struct StorageKind {
  std::string name;     // "ext4", "nfs", "fuse.glusterfs", "type 0x1234"; "unknown".
  bool shared = false;  // Of a kind that hosts share.
};

/// Of the file or directory, which exists.
StorageKind storage_kind(const std::string& path);

}  // namespace fanfold
