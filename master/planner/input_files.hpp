// Inputs as the user gave them -> the files they mean.  Directories are walked, globs expanded,
// lists read; every file is looked at once and none is opened.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/proto/types.hpp"

namespace fanfold::master {

struct InputFile {
  std::string path;
  std::string tag;
  std::uint64_t size = 0;
  std::string version = {};  // As FileInfo has it.
};

/// In the order of the inputs; within a directory, glob or list line by path, bytewise.
/// Fails when a file is missing, unreadable or no file at all, when an input means no file, when
/// directories lead back into themselves, and when tags are missing or unknown.
Result<std::vector<InputFile>> expand_inputs(io::FileSystem& files, const proto::JobSpec& spec);

/// In directories, and where a wildcard would match them, such names are left out: "_SUCCESS",
/// ".hidden".
bool skipped_by_convention(const std::string& name);

/// Everything below one directory.  Knows the directories it is in, by device and inode, so that a
/// symbolic link to one of them is noticed.
class DirectoryTrail {
 public:
  /// kInvalidArgument when `directory` is already on the trail.
  Status enter(const std::string& directory, const io::FileInfo& info);
  void leave() { entered_.pop_back(); }

 private:
  struct Entered {
    std::string path;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
  };
  std::vector<Entered> entered_;
};

/// Collects what an input means.
class FileCollector {
 public:
  FileCollector(io::FileSystem& files, std::vector<InputFile>& found)
      : files_(files), found_(found) {}

  /// A file, or a directory to walk.
  Status add(const std::string& path, const io::FileInfo& info, const std::string& tag,
             DirectoryTrail& trail);

 private:
  Status add_directory(const std::string& path, const io::FileInfo& info, const std::string& tag,
                       DirectoryTrail& trail);

  io::FileSystem& files_;
  std::vector<InputFile>& found_;
};

}  // namespace fanfold::master
