// The files that an input means: directories are walked, every file is looked at once and none is
// opened.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/io/piece_reader.hpp"

namespace fanfold::inputs {

struct InputFile {
  std::string path;
  std::string tag;
  std::uint64_t size = 0;
  std::string version = {};  // As FileInfo has it.
  /// Of a file that nobody here can open: what whoever looked at it says.
  io::Compression compression = io::Compression::kNone;
  std::uint64_t modified_ns = 0;  // As FileInfo has it.
};

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

/// What was found and cannot be read, or is no file.
struct LeftOut {
  std::uint64_t count = 0;
  std::string first;  // Which and why.
  std::string last;   // Several steps of a search may meet it one after the other.
};

struct CollectRules {
  std::size_t files_max = SIZE_MAX;
  std::size_t path_bytes_max = SIZE_MAX;
  /// Where files come and go, and belong to many, one that cannot be had does not stop the search:
  /// it is counted here.  Null: it does.
  LeftOut* left_out = nullptr;
  /// Asked now and then: whether nobody wants to know any more.  May be empty.
  std::function<bool()> stopped = {};
  /// Asked of each directory before anything in it is looked at.  May be empty.
  std::function<Status(const std::string& directory)> may_enter = {};
};

/// Collects what an input means.
class FileCollector {
 public:
  FileCollector(io::FileSystem& files, std::vector<InputFile>& found, CollectRules rules = {})
      : files_(files), found_(found), rules_(std::move(rules)) {}

  /// A file, or a directory to walk.  kExhausted: beyond the rules.
  Status add(const std::string& path, const io::FileInfo& info, const std::string& tag,
             DirectoryTrail& trail);
  /// OK when the search may go on without `path`; else `why` itself.
  Status leave_out(const std::string& path, const Status& why) const;
  /// kAborted: nobody wants to know any more.
  Status go_on() const;
  /// Why nothing in the directory may be looked at.
  Status may_enter(const std::string& directory) const;

 private:
  Status add_file(const std::string& path, const io::FileInfo& info, const std::string& tag);
  Status add_directory(const std::string& path, const io::FileInfo& info, const std::string& tag,
                       DirectoryTrail& trail);
  Status add_entries(const std::string& path, const std::string& tag, DirectoryTrail& trail);

  io::FileSystem& files_;
  std::vector<InputFile>& found_;
  const CollectRules rules_;
  std::size_t path_bytes_ = 0;
};

/// By path from `first` on, each once: a pattern may find a file by its name, and in a directory
/// that matches.
void sort_by_path(std::vector<InputFile>& found, std::size_t first);

}  // namespace fanfold::inputs
