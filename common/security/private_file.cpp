#include "common/security/private_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common/core/unique_fd.hpp"

namespace fanfold::security {
namespace {

Status failed(const std::string& what, const std::string& path) {
  const StatusCode code = errno == ENOENT   ? StatusCode::kNotFound
                          : errno == ENOSPC ? StatusCode::kNoSpace
                                            : StatusCode::kIoError;
  char buffer[128];
  return {code, "cannot " + what + " " + path + ": " + ::strerror_r(errno, buffer, sizeof buffer)};
}

std::string octal(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

Status check_owner(const struct stat& info, const std::string& path) {
  if (info.st_uid == ::geteuid()) return {};
  return {StatusCode::kInvalidArgument, path + " belongs to user " + std::to_string(info.st_uid) +
                                            ", not to " + std::to_string(::geteuid()) +
                                            " who starts this: use a copy of your own"};
}

Status write_all(int descriptor, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("write", path);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  if (::fsync(descriptor) != 0) return failed("write", path);
  return {};
}

/// Opens, lets `check` look at what was opened, not at what the name means by now, and reads.
template <class Check>
Result<std::string> read_checked(const std::string& path, std::size_t bytes_max, Check check) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.open()) return failed("open", path);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return failed("examine", path);
  if (!S_ISREG(info.st_mode)) return Status(StatusCode::kCorruption, path + " is no plain file");
  FANFOLD_RETURN_IF_ERROR(check(info));
  if (static_cast<std::size_t>(info.st_size) > bytes_max) {
    return Status(StatusCode::kCorruption, path + " has " + std::to_string(info.st_size) +
                                               " bytes, more than any such file");
  }
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t got = 0;
  while (got < text.size()) {
    const ssize_t count = ::read(file.get(), text.data() + got, text.size() - got);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("read", path);
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  text.resize(got);
  return text;
}

}  // namespace

Result<std::string> read_private_file(const std::string& path, std::size_t bytes_max) {
  return read_checked(path, bytes_max, [&path](const struct stat& info) -> Status {
    FANFOLD_RETURN_IF_ERROR(check_owner(info, path));
    if ((info.st_mode & 077) == 0) return {};
    return {StatusCode::kInvalidArgument,
            path + " has mode " + octal(info.st_mode) +
                ": other users can reach what is to be secret.\nIf nobody has read it, "
                "'chmod 600 " +
                path + "'; otherwise revoke the key and make another"};
  });
}

Result<std::string> read_trusted_file(const std::string& path, std::size_t bytes_max) {
  return read_checked(path, bytes_max, [&path](const struct stat& info) -> Status {
    if (info.st_uid != 0) FANFOLD_RETURN_IF_ERROR(check_owner(info, path));
    if ((info.st_mode & 022) == 0) return {};
    return {StatusCode::kInvalidArgument, path + " has mode " + octal(info.st_mode) +
                                              ": other users can change it; 'chmod 644 " + path +
                                              "' once you have looked at what is in it"};
  });
}

Status write_private_file(const std::string& path, const std::string& text) {
  // Of nobody else: two who write at once must not share it, and not all file systems have locks.
  std::string fresh = path + ".new-XXXXXX";
  UniqueFd file(::mkostemp(fresh.data(), O_CLOEXEC));
  if (!file.open()) return failed("create", fresh);
  Status written = write_all(file.get(), text, fresh);
  file.reset();
  if (written.ok() && ::rename(fresh.c_str(), path.c_str()) != 0) written = failed("create", path);
  if (!written.ok()) {
    ::unlink(fresh.c_str());
    return written;
  }
  const std::size_t slash = path.rfind('/');
  const std::string parent = slash == path.npos ? "." : path.substr(0, slash + 1);
  const UniqueFd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.open() || ::fsync(directory.get()) != 0) return failed("make durable", path);
  return {};
}

Status check_private_directory(const std::string& path) {
  struct stat info {};
  // Not following a link: the directory that was checked must be the one that is used.
  if (::lstat(path.c_str(), &info) != 0) return failed("use", path);
  if (!S_ISDIR(info.st_mode)) {
    return {StatusCode::kInvalidArgument, path + " is not a directory (or is a symbolic link)"};
  }
  FANFOLD_RETURN_IF_ERROR(check_owner(info, path));
  if ((info.st_mode & 077) != 0) {
    return {StatusCode::kInvalidArgument, path + " has mode " + octal(info.st_mode) +
                                              ": it is open to other users; 'chmod 700 " + path +
                                              "'"};
  }
  return {};
}

}  // namespace fanfold::security
