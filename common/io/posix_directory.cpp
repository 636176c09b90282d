// Directories, and the words for what POSIX calls refuse.

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <system_error>
#include <thread>

#include "common/io/posix_calls.hpp"

namespace fanfold::io {
namespace {

/// So many files are worth a thread of their own...
constexpr std::size_t kEntriesPerThread = 2048;
/// ...but more threads than this only wait for each other in the kernel.
constexpr std::size_t kThreadsMax = 4;

/// Removing waits for the disk, which takes several requests at once.
constexpr std::size_t kRemovalThreadsMax = 8;
constexpr std::size_t kEntriesPerRemoval = 64;

struct Closer {
  void operator()(DIR* open) const { ::closedir(open); }
};
using Directory = std::unique_ptr<DIR, Closer>;

FileKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return FileKind::kFile;
  if (S_ISDIR(mode)) return FileKind::kDirectory;
  return FileKind::kOther;
}

Result<Directory> open_directory(const std::string& path) {
  Directory open(::opendir(path.c_str()));
  if (open == nullptr) return error_of(errno, "list directory", path);
  return open;
}

Result<std::vector<std::string>> names_in(DIR* open, const std::string& path) {
  std::vector<std::string> names;
  while (true) {
    errno = 0;  // readdir() tells the end from an error by errno alone.
    const dirent* entry = ::readdir(open);
    if (entry == nullptr && errno != 0) return error_of(errno, "list directory", path);
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Relative to the open directory: the kernel need not walk the whole path for every name.
void look_at(int directory, const std::string& path, std::span<FileSystem::Entry> entries) {
  for (FileSystem::Entry& entry : entries) {
    struct stat info;
    if (::fstatat(directory, entry.name.c_str(), &info, 0) == 0) {
      entry.info = info_of(info);
    } else {
      entry.info = error_of(errno, "find", path + "/" + entry.name);
    }
  }
}

/// Neither follows links nor says what it could not do.
void remove_entry(int directory, const char* name) {
  if (::unlinkat(directory, name, 0) == 0 || errno != EISDIR) return;
  const int file = ::openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return;
  const Directory open(::fdopendir(file));
  if (open == nullptr) {
    ::close(file);
    return;
  }
  const auto names = names_in(open.get(), name);
  for (std::size_t i = 0; names.ok() && i < names->size(); ++i) {
    remove_entry(file, (*names)[i].c_str());
  }
  ::unlinkat(directory, name, AT_REMOVEDIR);
}

}  // namespace

void remove_many_entries(const std::string& directory) {
  const int file = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0) return;
  const Directory open(::fdopendir(file));
  if (open == nullptr) {
    ::close(file);
    return;
  }
  const auto names = names_in(open.get(), directory);
  if (!names.ok() || names->size() < kEntriesPerRemoval) return;
  std::atomic<std::size_t> next{0};
  const auto remove = [&] {
    for (std::size_t i = next++; i < names->size(); i = next++) {
      remove_entry(file, (*names)[i].c_str());
    }
  };
  std::vector<std::jthread> others;
  try {
    while (others.size() + 1 < std::min(kRemovalThreadsMax, names->size() / kEntriesPerRemoval)) {
      others.emplace_back(remove);
    }
  } catch (const std::system_error&) {
    // No more threads for this process: fewer will do.
  }
  remove();
}

/// "cannot read /data/x: Permission denied"
Status error_of(int error, const char* action, const std::string& path) {
  StatusCode code = StatusCode::kIoError;
  std::string why = std::generic_category().message(error);
  if (error == ENOENT || error == ENOTDIR) code = StatusCode::kNotFound;
  if (error == EEXIST || error == ENOTEMPTY) code = StatusCode::kAlreadyExists;
  if (error == ENAMETOOLONG || error == EISDIR || path.find('\0') != std::string::npos) {
    code = StatusCode::kInvalidArgument;
  }
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) {
    code = StatusCode::kNoSpace;
    why += error == EFBIG ? "; raise the limit (ulimit -f), or use another disk"
                          : "; free some space, or use another disk";
  }
  if (error == ELOOP) why = "its symbolic links lead in a circle";
  return Status(code, std::string("cannot ") + action + " " + path + ": " + why);
}

FileInfo info_of(const struct stat& info) {
  return FileInfo{kind_of(info.st_mode),
                  static_cast<std::uint64_t>(info.st_size),
                  static_cast<std::uint64_t>(info.st_dev),
                  static_cast<std::uint64_t>(info.st_ino),
                  (info.st_mode & 0444) == 0444,
                  {},
                  static_cast<std::uint64_t>(info.st_mtim.tv_sec) * 1'000'000'000 +
                      static_cast<std::uint64_t>(info.st_mtim.tv_nsec)};
}

Result<std::vector<std::string>> list_directory(const std::string& directory) {
  FANFOLD_ASSIGN_OR_RETURN(const Directory open, open_directory(directory));
  return names_in(open.get(), directory);
}

Result<std::vector<FileSystem::Entry>> look_at_directory(const std::string& directory) {
  FANFOLD_ASSIGN_OR_RETURN(const Directory open, open_directory(directory));
  FANFOLD_ASSIGN_OR_RETURN(std::vector<std::string> names, names_in(open.get(), directory));
  std::vector<FileSystem::Entry> entries(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) entries[i].name = std::move(names[i]);
  const std::size_t threads =
      std::min({kThreadsMax, entries.size() / kEntriesPerThread + 1,
                std::max<std::size_t>(1, std::thread::hardware_concurrency())});
  const std::size_t share = entries.size() / threads;
  const int number = ::dirfd(open.get());
  std::vector<std::jthread> others;
  std::span<FileSystem::Entry> rest(entries);
  try {
    for (std::size_t i = 1; i < threads; ++i) {
      others.emplace_back([=, &directory] { look_at(number, directory, rest.first(share)); });
      rest = rest.subspan(share);
    }
  } catch (const std::system_error&) {
    // No more threads for this process: fewer will do.
  }
  look_at(number, directory, rest);
  others.clear();  // Joins them.
  return entries;
}

}  // namespace fanfold::io
