// The right to be the only master of a state directory, given back by the system when we die.
//
// The file <directory>/lock is locked and says who holds it: process and epoch.  A lock can be
// lost without a word (the file was removed, a network file system gave up on a paused process),
// so its holder looks at what the file says before it acts.

#pragma once

#include <cstdint>
#include <string>

#include "common/core/status.hpp"

namespace fanfold::master {

class DirectoryLock {
 public:
  /// kUnavailable, naming the directory and the process, when another master holds it and goes on
  /// doing so for two seconds.
  static Result<DirectoryLock> take(const std::string& directory);

  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&&) = delete;
  ~DirectoryLock();

  /// From here on check() expects the file to say this.
  Status claim(std::uint64_t epoch);
  /// kAborted when the file is another one, or says something else: somebody has taken over.
  Status check() const;

 private:
  DirectoryLock(std::string path, int descriptor)
      : path_(std::move(path)), descriptor_(descriptor) {}

  std::string path_;
  int descriptor_ = -1;
  std::string claim_;
};

}  // namespace fanfold::master
