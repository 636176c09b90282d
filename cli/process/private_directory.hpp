// A directory of mode 0700 for the sockets and scratch files of one command; gone when all
// processes that use it have ended, however they ended.

#pragma once

#include <string>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold::cli {

/// A process apart, the guardian, makes the directory, waits for the end of this process and of all
/// that inherited guardian(), and removes it.  Make it while there is one thread, before
/// adopt_orphans(), and only one at a time.
class PrivateDirectory {
 public:
  PrivateDirectory() = default;
  /// Has the directory removed and waits for that.
  ~PrivateDirectory();
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;

  /// Makes a new directory in `parent`; the directories `along` are removed with it, if they are
  /// there then.  kInvalidArgument when sockets in it would have names that are too long.
  Status create(const std::string& parent, const std::vector<std::string>& along = {});
  const std::string& path() const { return path_; }

  /// As long as a process holds it, the directory stays.  -1 before create().
  int guardian() const { return life_; }

  /// From now on SIGINT, SIGTERM and SIGHUP end this process with `exit_code`, after the
  /// directories are gone: for commands that run user code themselves.
  void exit_on_interrupt(int exit_code);

 private:
  std::string path_;
  int life_ = -1;  // Written to or closed by all: the guardian acts.
  int gone_ = -1;  // Ends with the guardian.
};

/// The longest name of a socket in a directory of ours, with its slash.
inline constexpr std::size_t kSocketNameBytes = 24;

}  // namespace fanfold::cli
