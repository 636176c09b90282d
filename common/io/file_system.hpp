// The door to files.  Two production sides (posix_file_system.cpp, common/s3), one simulated twin
// (sim/).
//
// Paths are plain strings as the user or the engine named them.  Every error names the path and
// says why in words.  Thread-safe; a file belongs to one thread.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold::io {

class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  /// Fills `buffer` from `offset`; fewer bytes than asked only at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) = 0;
  virtual Result<std::uint64_t> size() = 0;
  /// A hint: these bytes will be read, in order, in pieces.  What lies far away is fetched ahead.
  virtual void will_read(std::uint64_t /*begin*/, std::uint64_t /*end*/) {}
};

/// Forward-only input: a pipe, or a file read through a decompressor.
class ReadableStream {
 public:
  virtual ~ReadableStream() = default;
  /// 0 means the end.
  virtual Result<std::size_t> read(std::span<char> buffer) = 0;
};

class WritableFile {
 public:
  virtual ~WritableFile() = default;
  /// Unbuffered: callers hand over large blocks.  kNoSpace when the disk is full.
  virtual Status append(std::string_view bytes) = 0;
  /// The same for several pieces, one after the other.
  virtual Status append_all(std::span<const std::string_view> pieces) {
    for (const std::string_view piece : pieces) FANFOLD_RETURN_IF_ERROR(append(piece));
    return Status();
  }
  /// Whether it takes bytes so slowly that fewer would have been better: the disk sets the pace.
  virtual bool slow() const { return false; }
  /// Asks the system to begin with what was appended, so that sync() waits for less.
  virtual void start_sync() {}
  /// Durable when it returns OK.  After an error the contents are unknown: start over.
  virtual Status sync() = 0;
  virtual Status close() = 0;
};

enum class FileKind : std::uint8_t { kFile, kDirectory, kOther };

struct FileInfo {
  FileKind kind = FileKind::kFile;
  std::uint64_t size = 0;
  std::uint64_t device = 0;  // device and inode identify a directory: how link loops are noticed.
  std::uint64_t inode = 0;
  bool open_to_all = false;       // Its mode lets everybody read it, so there is no need to ask.
  std::string version = {};       // Of the contents, in a file system that knows such a thing.
  std::uint64_t modified_ns = 0;  // Since 1970; 0: nobody knows.
};

enum class Replace : std::uint8_t {
  kNever,     // kAlreadyExists when the target exists.
  kExchange,  // Atomically swaps the two when the target exists.
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual Result<std::unique_ptr<ReadableFile>> open(const std::string& path) = 0;
  /// Of a file that was looked at before: when it has another version now, reading gives
  /// kCorruption.  That it is gone may be said by the first read.
  virtual Result<std::unique_ptr<ReadableFile>> open_version(const std::string& path,
                                                             const std::string& /*version*/) {
    return open(path);
  }
  /// kAlreadyExists when the file is there.
  virtual Result<std::unique_ptr<WritableFile>> create(const std::string& path) = 0;

  /// Follows symbolic links.
  virtual Result<FileInfo> stat(const std::string& path) = 0;
  /// OK when this process may open the file for reading; cheaper than opening it.
  virtual Status check_readable(const std::string& path) = 0;
  /// Names in byte order, without "." and "..".
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  struct Entry {
    std::string name;
    Result<FileInfo> info = FileInfo();
  };
  /// list(), and stat() of each: for many files much cheaper than one after the other.
  virtual Result<std::vector<Entry>> list_with_info(const std::string& directory);
  struct NameFilter {
    std::string prefix;  // Of all names that are wanted: others need not be looked at.
    std::function<bool(const std::string& name)> wanted;
  };
  /// The same, but only those that `filter` lets through.
  virtual Result<std::vector<Entry>> list_matching(const std::string& directory,
                                                   const NameFilter& filter);

  /// Creates parents as well; fine when it is already a directory.  New ones get mode 0777 &
  /// ~umask.
  virtual Status make_directories(const std::string& path) = 0;
  /// Fine when it is already a directory; kNotFound when its parent is not there.
  virtual Status make_directory(const std::string& path) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  /// One renameat2: the target is the old or the new, at every instant.  After an exchange `from`
  /// is what `to` was.
  virtual Status publish(const std::string& from, const std::string& to, Replace replace) = 0;
  /// `to` is as durable as `from` was.  kAlreadyExists when it is there.
  virtual Status hard_link_or_copy(const std::string& from, const std::string& to) = 0;
  /// Whether what lies here can be renamed and linked.  Where it cannot, in an object store, an
  /// output becomes visible file by file, and its manifest last.
  virtual bool renames(const std::string& /*path*/) { return true; }
  /// create(), of what will be visible as `target` when somebody reveals it, and nowhere before.
  /// Where files can be renamed: create().  `path` says afterwards how to reveal() it.
  virtual Result<std::unique_ptr<WritableFile>> create_unseen(const std::string& path,
                                                              const std::string& /*target*/) {
    return create(path);
  }
  /// Whether reveal(path, target) has what it needs, as far as can be told before.
  virtual Status check_unseen(const std::string& path, const std::string& /*target*/) {
    return stat(path).status();
  }
  /// What was written by create_unseen(path, target) and closed is to be seen as `target`; fine
  /// when it is already.
  virtual Status reveal(const std::string& path, const std::string& target) {
    return hard_link_or_copy(path, target);
  }
  virtual Status remove_file(const std::string& path) = 0;
  /// Everything below it too, also what somebody else is just putting there or removing; fine when
  /// it is not there.  Never follows links.
  virtual Status remove_tree(const std::string& path) = 0;
  virtual Status sync_directory(const std::string& path) = 0;
  virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;
};

inline Result<std::vector<FileSystem::Entry>> FileSystem::list_with_info(
    const std::string& directory) {
  FANFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> names, list(directory));
  std::vector<Entry> entries;
  for (const std::string& name : names) entries.push_back({name, stat(directory + "/" + name)});
  return entries;
}

inline Result<std::vector<FileSystem::Entry>> FileSystem::list_matching(
    const std::string& directory, const NameFilter& filter) {
  FANFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> names, list(directory));
  std::vector<Entry> entries;
  for (const std::string& name : names) {
    if (!name.starts_with(filter.prefix) || !filter.wanted(name)) continue;
    entries.push_back({name, stat(directory + "/" + name)});
  }
  return entries;
}

/// Process-wide; never destroyed.
FileSystem& posix_file_system();

}  // namespace fanfold::io
