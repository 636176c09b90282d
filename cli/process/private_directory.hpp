// A directory of mode 0700 for the sockets and scratch files of one command; gone with its owner.

#pragma once

#include <string>

#include "common/core/status.hpp"

namespace fanfold::cli {

class PrivateDirectory {
 public:
  PrivateDirectory() = default;
  /// Removes the directory and everything in it.
  ~PrivateDirectory();
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;

  /// Makes a new directory in `parent`.  kInvalidArgument when sockets in it would have names that
  /// are too long.
  Status create(const std::string& parent);
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// The longest name of a socket in a directory of ours, with its slash.
inline constexpr std::size_t kSocketNameBytes = 24;

}  // namespace fanfold::cli
