// Directories, and the words for what POSIX calls refuse.

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "common/io/posix_calls.hpp"

namespace fanfold::io {
namespace {

/// So many files are worth a thread of their own...
constexpr std::size_t kEntriesPerThread = 2048;
constexpr std::size_t kEntriesPerBatch = 256;
/// ...but more threads than this only wait for each other in the kernel.
constexpr std::size_t kThreadsMax = 4;

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

/// Calls add(name) for each entry, in the order of the disk.
template <class Add>
Status read_names(DIR* open, const std::string& path, Add add) {
  while (true) {
    errno = 0;  // readdir() tells the end from an error by errno alone.
    const dirent* entry = ::readdir(open);
    if (entry == nullptr && errno != 0) return error_of(errno, "list directory", path);
    if (entry == nullptr) return Status();
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") add(name);
  }
}

/// Asks for kind and size of each entry of one directory, in several threads, while further
/// entries are added.
class Lookers {
 public:
  Lookers(int directory, const std::string& path) : directory_(directory), path_(path) {}
  ~Lookers() { finish(); }

  void add(std::string_view name) {
    const std::lock_guard lock(mutex_);
    entries_.emplace_back().name = name;
    if (entries_.size() % kEntriesPerBatch != 0) return;
    more_.notify_one();
    if (entries_.size() % kEntriesPerThread == 0 && threads_.size() < threads_max_) start_thread();
  }

  /// Sorted by name.
  std::vector<FileSystem::Entry> take() {
    finish();
    look();
    threads_.clear();  // Joins them.
    return sorted();
  }

 private:
  using Entry = FileSystem::Entry;

  void start_thread() {
    try {
      threads_.emplace_back([this] { look(); });
    } catch (const std::system_error&) {
      threads_max_ = 0;  // No more threads for this process: fewer will do.
    }
  }

  void finish() {
    const std::lock_guard lock(mutex_);
    complete_ = true;
    more_.notify_all();
  }

  void look() {
    std::vector<Entry*> batch;
    while (take_batch(batch)) {
      for (Entry* const entry : batch) look_at(*entry);
    }
  }

  /// False when there is nothing left, and nothing will come.
  bool take_batch(std::vector<Entry*>& batch) {
    batch.clear();
    std::unique_lock lock(mutex_);
    more_.wait(lock, [this] { return complete_ || entries_.size() - next_ >= kEntriesPerBatch; });
    const std::size_t end = std::min(entries_.size(), next_ + kEntriesPerBatch);
    for (; next_ < end; ++next_) batch.push_back(&entries_[next_]);
    return !batch.empty();
  }

  /// Relative to the open directory: the kernel need not walk the whole path for every name.
  void look_at(Entry& entry) const {
    struct stat info;
    if (::fstatat(directory_, entry.name.c_str(), &info, 0) == 0) {
      entry.info = info_of(info);
    } else {
      entry.info = error_of(errno, "find", path_ + "/" + entry.name);
    }
  }

  std::vector<Entry> sorted() {
    // Pointers are moved, as entries are large.
    std::vector<Entry*> order;
    order.reserve(entries_.size());
    for (Entry& entry : entries_) order.push_back(&entry);
    std::sort(order.begin(), order.end(),
              [](const Entry* a, const Entry* b) { return a->name < b->name; });
    std::vector<Entry> result;
    result.reserve(order.size());
    for (Entry* const entry : order) result.push_back(std::move(*entry));
    return result;
  }

  const int directory_;
  const std::string& path_;
  /// Of helpers: the caller looks too, when it has read all names.
  std::size_t threads_max_ =
      std::min<std::size_t>(kThreadsMax, std::max(1u, std::thread::hardware_concurrency())) - 1;

  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<Entry> entries_;  // Stay where they are while others are added.
  std::size_t next_ = 0;       // The first that nobody has taken.
  bool complete_ = false;
  std::vector<std::jthread> threads_;  // Last: joined before the rest goes.
};

}  // namespace

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
  return FileInfo{kind_of(info.st_mode), static_cast<std::uint64_t>(info.st_size),
                  static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino),
                  (info.st_mode & 0444) == 0444};
}

Result<std::vector<std::string>> list_directory(const std::string& directory) {
  FANFOLD_ASSIGN_OR_RETURN(const Directory open, open_directory(directory));
  std::vector<std::string> names;
  FANFOLD_RETURN_IF_ERROR(
      read_names(open.get(), directory, [&](std::string_view name) { names.emplace_back(name); }));
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::vector<FileSystem::Entry>> look_at_directory(const std::string& directory) {
  FANFOLD_ASSIGN_OR_RETURN(const Directory open, open_directory(directory));
  Lookers lookers(::dirfd(open.get()), directory);
  FANFOLD_RETURN_IF_ERROR(
      read_names(open.get(), directory, [&](std::string_view name) { lookers.add(name); }));
  return lookers.take();
}

}  // namespace fanfold::io
