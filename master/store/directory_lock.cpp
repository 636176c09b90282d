#include "master/store/directory_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace fanfold::master {
namespace {

Status system_error(const std::string& what) {
  const StatusCode code = errno == ENOSPC ? StatusCode::kNoSpace : StatusCode::kIoError;
  return Status(code, what + ": " + std::strerror(errno));
}

/// What the file says, as far as it is of interest.
std::string read_claim(int descriptor) {
  char text[64] = {};
  const ssize_t size = ::pread(descriptor, text, sizeof text - 1, 0);
  return size <= 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
}

/// " (process 123)" when the file says so.
std::string owner(int descriptor) {
  const std::string text = read_claim(descriptor);
  const std::string digits = text.substr(0, text.find_first_not_of("0123456789"));
  return digits.empty() ? "" : " (process " + digits + ")";
}

}  // namespace

Result<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  const std::string path = directory + "/lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return system_error("cannot open " + path);
  DirectoryLock lock(path, descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return system_error("cannot lock " + path);
  return Status(StatusCode::kUnavailable, "another master" + owner(descriptor) +
                                              " uses the state directory " + directory +
                                              "; stop it, or choose another directory");
}

DirectoryLock::DirectoryLock(DirectoryLock&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      claim_(std::move(other.claim_)) {}

DirectoryLock::~DirectoryLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status DirectoryLock::claim(std::uint64_t epoch) {
  claim_ = std::to_string(::getpid()) + " epoch " + std::to_string(epoch) + "\n";
  if (::ftruncate(descriptor_, 0) != 0 ||
      ::pwrite(descriptor_, claim_.data(), claim_.size(), 0) < 0) {
    return system_error("cannot write " + path_);
  }
  return {};
}

Status DirectoryLock::check() const {
  struct stat ours {};
  struct stat there {};
  const bool same = ::fstat(descriptor_, &ours) == 0 && ::stat(path_.c_str(), &there) == 0 &&
                    ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
  if (same && read_claim(descriptor_) == claim_) return {};
  return Status(StatusCode::kAborted, "another master has taken over: " + path_ +
                                          " is not this master's any more; its jobs go on there");
}

}  // namespace fanfold::master
