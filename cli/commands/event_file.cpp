#include "cli/commands/event_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "common/io/file_system.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kCopyBytes = 1u << 20;

Status failed(const std::string& path) {
  return {StatusCode::kIoError,
          "cannot write the event log to " + path + ": " + std::strerror(errno)};
}

}  // namespace

EventFile::~EventFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (made_ && written_ == 0) ::unlink(path_.c_str());
}

Status EventFile::open(const std::string& path) {
  if (path.empty()) return {};
  path_ = path;
  descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  made_ = descriptor_ >= 0;
  if (!made_) descriptor_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  return descriptor_ < 0 ? failed(path) : Status();
}

Status EventFile::write(std::string_view bytes) {
  // A pipe or a terminal has nothing to be cut off.
  if (written_ == 0 && ::ftruncate(descriptor_, 0) != 0 && errno != EINVAL) return failed(path_);
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed(path_);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    written_ += static_cast<std::uint64_t>(count);
  }
  return {};
}

Status EventFile::copy_log(const std::string& path) {
  if (!wanted()) return {};
  Result<std::unique_ptr<io::ReadableFile>> log = io::posix_file_system().open(path);
  if (!log.ok()) {
    // The job was refused, or its cluster never came up.
    return log.status().code() == StatusCode::kNotFound ? Status() : log.status();
  }
  std::vector<char> buffer(kCopyBytes);
  for (std::uint64_t offset = 0;;) {
    FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, (*log)->read_at(offset, buffer));
    if (count == 0) return {};
    FANFOLD_RETURN_IF_ERROR(write({buffer.data(), count}));
    offset += count;
  }
}

}  // namespace fanfold::cli
