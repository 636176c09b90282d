#include "master/store/directory_lock.hpp"

#include <fcntl.h>
#include <poll.h>
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
Result<std::string> read_claim(int descriptor, const std::string& path) {
  char text[64] = {};
  ssize_t size = -1;
  do {
    size = ::pread(descriptor, text, sizeof text - 1, 0);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return system_error("cannot read " + path);
  return std::string(text, static_cast<std::size_t>(size));
}

Status write_claim(int descriptor, const std::string& claim, const std::string& path) {
  if (::ftruncate(descriptor, 0) != 0) return system_error("cannot write " + path);
  for (std::size_t done = 0; done < claim.size();) {
    const ssize_t put =
        ::pwrite(descriptor, claim.data() + done, claim.size() - done, static_cast<off_t>(done));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return system_error("cannot write " + path);
    done += static_cast<std::size_t>(put);
  }
  return {};
}

/// " (process 123)" when the file says so.
std::string owner(int descriptor) {
  const auto text = read_claim(descriptor, "");
  if (!text.ok()) return "";
  const std::string digits = text->substr(0, text->find_first_not_of("0123456789"));
  return digits.empty() ? "" : " (process " + digits + ")";
}

/// Whether the lock is ours; else errno tells why not. A master that was killed holds its lock
/// until the last of its threads is gone, a moment after nothing else is to be seen of it.
bool lock_soon(int descriptor) {
  constexpr int kTries = 200;
  constexpr int kMillisecondsBetween = 10;
  for (int tries = 1;; ++tries) {
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return true;
    if ((errno != EWOULDBLOCK && errno != EINTR) || tries == kTries) return false;
    ::poll(nullptr, 0, kMillisecondsBetween);
  }
}

}  // namespace

Result<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  const std::string path = directory + "/lock";
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) return system_error("cannot open " + path);
  DirectoryLock lock(path, descriptor);
  if (lock_soon(descriptor)) return lock;
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
  return write_claim(descriptor_, claim_, path_);
}

Status DirectoryLock::check() const {
  struct stat ours {};
  struct stat there {};
  if (::fstat(descriptor_, &ours) != 0) return system_error("cannot look at " + path_);
  const bool found = ::stat(path_.c_str(), &there) == 0;
  if (!found && errno != ENOENT) return system_error("cannot look at " + path_);
  const bool same = found && ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
  if (same) {
    // A disk that fails is not another master.
    FANFOLD_ASSIGN_OR_RETURN(const std::string text, read_claim(descriptor_, path_));
    if (text == claim_) return {};
  }
  return Status(StatusCode::kAborted, "another master has taken over: " + path_ +
                                          " is not this master's any more; its jobs go on there");
}

}  // namespace fanfold::master
