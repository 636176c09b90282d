// What a path lies on, by statfs(2): a disk of this host, or something that other hosts see too.
// What cannot be done there is tried where it matters, never guessed from the kind.

#pragma once

#include <cstdint>
#include <string>

namespace fanfold {

struct StorageKind {
  std::string name;     // "ext4", "nfs", "fuse.glusterfs", "type 0x1234"; "unknown".
  bool shared = false;  // Of a kind that hosts share.  What only may be shared (9p) is not.
};

/// Of a number of statfs(2) and, for FUSE, the type that the mount has ("fuse.glusterfs", or "").
StorageKind storage_kind_of(std::uint64_t magic, const std::string& mounted_type);

/// Of the file or directory, which exists.
StorageKind storage_kind(const std::string& path);

}  // namespace fanfold
