// A small file system in memory that can be filled up, mounted for as long as this lives.  Needs
// the right to mount: a mount namespace of one's own (unshare --map-root-user --mount).

#pragma once

#include <cstdint>
#include <string>

namespace fanfold::chaos {

class SmallDisk {
 public:
  /// `directory` exists.  Throws std::runtime_error when nothing can be mounted.
  SmallDisk(const std::string& directory, std::uint64_t bytes);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  /// Until clear() nothing more can be written, whatever becomes free meanwhile excepted.
  void fill();
  void clear();

 private:
  const std::string directory_;
  const std::string filler_;
};

}  // namespace fanfold::chaos
