// The production side of the door to files: POSIX calls, and words for what they refuse.
// Keeps nothing open, caches nothing, retries nothing but EINTR.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "common/core/check.hpp"
#include "common/core/unique_fd.hpp"
#include "common/io/file_system.hpp"
#include "common/io/open_within.hpp"
#include "common/io/posix_calls.hpp"
#include "common/io/writing_speed.hpp"

namespace fanfold::io {
namespace {

constexpr std::size_t kCopyBytes = 1u << 20;
constexpr std::size_t kLargeRead = 64u << 10;
/// Each fails only when an entry was made or removed since the one before.
constexpr int kRemovalTries = 1000;

/// A slow device or a file system in user space may let a signal come in between.
template <class SystemCall>
auto uninterrupted(SystemCall call) {
  for (;;) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

class PosixReadableFile final : public ReadableFile {
 public:
  PosixReadableFile(UniqueFd file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override {
    // A second large read means that the file is worth reading ahead.
    if (buffer.size() >= kLargeRead && ++large_reads_ == 2)
      ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    std::size_t done = 0;
    while (done < buffer.size()) {
      const ssize_t count = ::pread(file_.get(), buffer.data() + done, buffer.size() - done,
                                    static_cast<off_t>(offset + done));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return error_of(errno, "read", path_);
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  Result<std::uint64_t> size() override {
    struct stat info;
    if (::fstat(file_.get(), &info) != 0) return error_of(errno, "look at", path_);
    return static_cast<std::uint64_t>(info.st_size);
  }

 private:
  UniqueFd file_;
  std::string path_;
  std::uint64_t large_reads_ = 0;
};

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(UniqueFd file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  Status append(std::string_view bytes) override { return append_all({&bytes, 1}); }

  Status append_all(std::span<const std::string_view> pieces) override {
    FANFOLD_CHECK(file_.open());
    std::array<iovec, kPiecesMax> vector;
    while (!pieces.empty()) {
      std::size_t count = 0;
      for (; count < pieces.size() && count < kPiecesMax; ++count) {
        vector[count] = {const_cast<char*>(pieces[count].data()), pieces[count].size()};
      }
      pieces = pieces.subspan(count);
      const std::uint64_t before = size_;
      const std::uint64_t start = WritingSpeed::now_ns();
      FANFOLD_RETURN_IF_ERROR(write({vector.data(), count}));
      speed_.note(start, size_ - before);
    }
    return Status();
  }

  bool slow() const override { return speed_.slow(); }

  void start_sync() override {
    const std::uint64_t from = std::exchange(sync_started_, size_);
    // A hint: what it cannot begin, sync() does.
    static_cast<void>(::sync_file_range(file_.get(), static_cast<off64_t>(from),
                                        static_cast<off64_t>(size_ - from), SYNC_FILE_RANGE_WRITE));
  }

  Status sync() override {
    FANFOLD_CHECK(file_.open());
    // Never tried again: after a failure Linux takes the lost pages for clean.
    if (::fsync(file_.get()) != 0) return error_of(errno, "make durable", path_);
    return Status();
  }

  Status close() override {
    FANFOLD_CHECK(file_.open());
    // The descriptor is gone even when close() fails, EINTR included.
    if (::close(file_.release()) != 0 && errno != EINTR) return error_of(errno, "close", path_);
    return Status();
  }

 private:
  static constexpr std::size_t kPiecesMax = 16;

  Status write(std::span<iovec> left) {
    while (!left.empty()) {
      if (left.front().iov_len == 0) {
        left = left.subspan(1);
        continue;
      }
      ssize_t count = ::writev(file_.get(), left.data(), static_cast<int>(left.size()));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return error_of(errno, "write", path_);
      size_ += static_cast<std::uint64_t>(count);
      while (count > 0) {
        const std::size_t part = std::min(left.front().iov_len, static_cast<std::size_t>(count));
        left.front().iov_base = static_cast<char*>(left.front().iov_base) + part;
        left.front().iov_len -= part;
        count -= static_cast<ssize_t>(part);
        if (left.front().iov_len == 0) left = left.subspan(1);
      }
    }
    return Status();
  }

  UniqueFd file_;
  std::string path_;
  std::uint64_t size_ = 0;
  std::uint64_t sync_started_ = 0;  // Up to here.
  WritingSpeed speed_;
};

bool rename_flags_unsupported(int error) { return error == ENOSYS || error == EINVAL; }

/// For file systems that do not know RENAME_NOREPLACE.  rename() of a directory replaces nothing
/// but an empty directory, so the worst that a race can do is to replace that.
Status publish_plainly(const std::string& from, const std::string& to) {
  struct stat info;
  if (::lstat(to.c_str(), &info) == 0) return error_of(EEXIST, "create", to);
  if (errno != ENOENT) return error_of(errno, "create", to);
  if (::lstat(from.c_str(), &info) != 0) return error_of(errno, "rename", from);
  if (S_ISDIR(info.st_mode)) {
    if (::rename(from.c_str(), to.c_str()) != 0) return error_of(errno, "create", to);
    return Status();
  }
  // link() never replaces anything.
  if (::link(from.c_str(), to.c_str()) != 0) return error_of(errno, "create", to);
  if (::unlink(from.c_str()) != 0) return error_of(errno, "remove", from);
  return Status();
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<ReadableFile>> open(const std::string& path) override {
    UniqueFd file(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
    if (!file.open()) return error_of(errno, "open", path);
    return std::unique_ptr<ReadableFile>(new PosixReadableFile(std::move(file), path));
  }

  Result<std::unique_ptr<WritableFile>> create(const std::string& path) override {
    UniqueFd file(uninterrupted(
        [&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); }));
    if (!file.open()) return error_of(errno, "create", path);
    return std::unique_ptr<WritableFile>(new PosixWritableFile(std::move(file), path));
  }

  Result<FileInfo> stat(const std::string& path) override {
    struct stat info;
    if (::stat(path.c_str(), &info) != 0) return error_of(errno, "find", path);
    return info_of(info);
  }

  Status check_readable(const std::string& path) override {
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0) {
      return error_of(errno, "read", path);
    }
    return Status();
  }

  Result<std::vector<std::string>> list(const std::string& directory) override {
    return list_directory(directory);
  }
  Result<std::vector<Entry>> list_with_info(const std::string& directory) override {
    return look_at_directory(directory);
  }

  Status make_directories(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return error_of(error.value(), "create directory", path);
    return Status();
  }

  Status make_directory(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directory(path, error);
    if (error) return error_of(error.value(), "create directory", path);
    return Status();
  }

  Status rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      return error_of(errno, "rename", from + " to " + to);
    }
    return Status();
  }

  Status publish(const std::string& from, const std::string& to, Replace replace) override;
  Status hard_link_or_copy(const std::string& from, const std::string& to) override;

  Status remove_file(const std::string& path) override {
    if (::unlink(path.c_str()) != 0) return error_of(errno, "remove", path);
    return Status();
  }

  Status remove_tree(const std::string& path) override {
    std::error_code error;
    remove_many_entries(path);
    // Somebody who is about to be stopped may put one more file into it, or clean up after himself.
    for (int tries = 0; tries < kRemovalTries; ++tries) {
      std::filesystem::remove_all(path, error);
      const bool again = error.value() == EINTR || error.value() == ENOTEMPTY ||
                         error.value() == EEXIST || error.value() == ENOENT;
      if (!again) break;
    }
    if (error) return error_of(error.value(), "remove", path);
    return Status();
  }

  Status sync_directory(const std::string& path) override {
    UniqueFd directory(
        uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (!directory.open()) return error_of(errno, "open", path);
    if (::fsync(directory.get()) != 0) return error_of(errno, "make durable", path);
    return Status();
  }

  Result<std::uint64_t> free_bytes(const std::string& path) override {
    struct statvfs info;
    if (::statvfs(path.c_str(), &info) != 0) return error_of(errno, "look at", path);
    return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  }

 private:
  Status copy(const std::string& from, const std::string& to);
};

Status PosixFileSystem::publish(const std::string& from, const std::string& to, Replace replace) {
  // The target may come and go between the two calls, so try a few times before giving up.
  for (int round = 0; round < 8; ++round) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
      return Status();
    }
    const bool in_the_way = errno == EEXIST || errno == ENOTEMPTY;
    if (rename_flags_unsupported(errno)) {
      const Status published = publish_plainly(from, to);
      if (replace == Replace::kNever || published.code() != StatusCode::kAlreadyExists) {
        return published;
      }
    } else if (!in_the_way || replace == Replace::kNever) {
      return error_of(errno, "create", to);
    }
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) {
      return Status();
    }
    if (rename_flags_unsupported(errno)) {
      return Status(StatusCode::kIoError,
                    "cannot replace " + to +
                        " in one step: this file system cannot exchange two directories; remove "
                        "the old one first, or choose a new output directory");
    }
    if (errno != ENOENT) return error_of(errno, "replace", to);
  }
  return Status(StatusCode::kUnavailable,
                "cannot replace " + to + ": something else keeps creating and removing it");
}

Status PosixFileSystem::hard_link_or_copy(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return Status();
  const int error = errno;
  if (error == EXDEV || error == EPERM || error == EMLINK || error == EOPNOTSUPP ||
      error == ENOSYS) {
    return copy(from, to);
  }
  return error_of(error, "link", error == EEXIST ? to : from);
}

Status PosixFileSystem::copy(const std::string& from, const std::string& to) {
  FANFOLD_ASSIGN_OR_RETURN(const auto source, open(from));
  FANFOLD_ASSIGN_OR_RETURN(const auto target, create(to));
  const auto buffer = std::make_unique_for_overwrite<char[]>(kCopyBytes);
  for (std::uint64_t offset = 0;;) {
    FANFOLD_ASSIGN_OR_RETURN(const std::size_t count,
                             source->read_at(offset, {buffer.get(), kCopyBytes}));
    FANFOLD_RETURN_IF_ERROR(target->append({buffer.get(), count}));
    offset += count;
    if (count < kCopyBytes) break;
  }
  FANFOLD_RETURN_IF_ERROR(target->sync());
  return target->close();
}

bool is_below(const std::string& path, const std::string& directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) && path.compare(directory.size(), 1, "/") == 0;
}

}  // namespace

Result<std::unique_ptr<ReadableFile>> open_within(const std::string& path,
                                                  const std::vector<std::string>& directories,
                                                  const std::string& shown) {
  // A pipe that took its name must not let us wait.
  UniqueFd file(uninterrupted(
      [&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); }));
  if (!file.open()) return error_of(errno, "open", shown);
  struct stat info;
  if (::fstat(file.get(), &info) != 0) return error_of(errno, "look at", shown);
  if (!S_ISREG(info.st_mode)) {
    return Status(StatusCode::kInvalidArgument, shown + " is no file (any more)");
  }
  // What is open cannot be exchanged any more, so this is asked of it and not of the path.
  std::error_code error;
  const std::string real =
      std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(file.get()), error).string();
  if (error) return error_of(error.value(), "look at", shown);
  for (const std::string& directory : directories) {
    if (is_below(real, directory)) {
      return std::unique_ptr<ReadableFile>(new PosixReadableFile(std::move(file), shown));
    }
  }
  return Status(StatusCode::kInvalidArgument,
                shown +
                    " is not in a directory that workers of its host let jobs read "
                    "(--host-input)");
}

FileSystem& posix_file_system() {
  // Never destroyed: threads may still be reading when statics go.
  static PosixFileSystem& instance = *new PosixFileSystem;
  return instance;
}

}  // namespace fanfold::io
