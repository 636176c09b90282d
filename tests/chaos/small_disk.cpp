#include "tests/chaos/small_disk.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <stdexcept>

namespace fanfold::chaos {

SmallDisk::SmallDisk(const std::string& directory, std::uint64_t bytes)
    : directory_(directory), filler_(directory + "/.filler") {
  const std::string size = "mode=0700,size=" + std::to_string(bytes);
  if (::mount("none", directory.c_str(), "tmpfs", 0, size.c_str()) != 0) {
    throw std::runtime_error("cannot mount a small disk at " + directory + ": " +
                             std::strerror(errno));
  }
}

SmallDisk::~SmallDisk() { ::umount2(directory_.c_str(), MNT_DETACH); }

void SmallDisk::fill() {
  const int file = ::open(filler_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return;
  // Others write meanwhile: first what is free now, then the rest in small pieces.
  std::error_code error;
  off_t at = 0;
  for (off_t piece = static_cast<off_t>(std::filesystem::space(directory_, error).available);
       piece >= 4096; piece /= 2) {
    while (::posix_fallocate(file, at, piece) == 0) at += piece;
  }
  ::close(file);
}

void SmallDisk::clear() { ::unlink(filler_.c_str()); }

}  // namespace fanfold::chaos
