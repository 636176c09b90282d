#include "worker/plugin/sealed_copy.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "worker/plugin/plugin.hpp"

namespace fanfold::worker {
namespace {

/// More is no plugin: a debug build of a large one has tens of MiB.
constexpr std::uint64_t kPluginBytesMax = 2ull << 30;

Status failed(StatusCode code, const std::string& what, const std::string& path) {
  return {code, "cannot " + what + " '" + path + "': " + std::strerror(errno)};
}

/// Up to where the file ends now: it may shrink or grow under our hands.
Status copy(int from, int to, const std::string& path) {
  for (std::uint64_t copied = 0; copied <= kPluginBytesMax;) {
    const ssize_t moved = ::sendfile(to, from, nullptr, 1u << 30);
    if (moved == 0) return {};
    if (moved > 0) {
      copied += static_cast<std::uint64_t>(moved);
    } else if (errno == ENOSPC || errno == ENOMEM) {
      return failed(StatusCode::kUnavailable, "copy to memory", path);
    } else if (errno != EINTR) {
      return failed(StatusCode::kIoError, "read", path);
    }
  }
  return {StatusCode::kInvalidArgument,
          "plugin '" + path + "' is larger than " + std::to_string(kPluginBytesMax >> 30) + " GiB"};
}

Result<std::string> digest_of(int memory, const std::string& path) {
  struct stat info {};
  if (::fstat(memory, &info) != 0) return failed(StatusCode::kUnavailable, "examine", path);
  const auto size = static_cast<std::size_t>(info.st_size);
  if (size == 0) return sha256_of_bytes({});
  void* const bytes = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, memory, 0);
  if (bytes == MAP_FAILED) return failed(StatusCode::kUnavailable, "map the copy of", path);
  std::string digest = sha256_of_bytes({static_cast<const char*>(bytes), size});
  ::munmap(bytes, size);
  return digest;
}

}  // namespace

Result<SealedCopy> SealedCopy::of(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.open()) {
    return failed(errno == ENOENT ? StatusCode::kNotFound : StatusCode::kIoError, "open", path);
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return failed(StatusCode::kIoError, "examine", path);
  if (!S_ISREG(info.st_mode)) {
    return Status(StatusCode::kInvalidArgument, "plugin '" + path + "' is no plain file");
  }
  UniqueFd memory(::memfd_create("fanfold-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!memory.open()) return failed(StatusCode::kUnavailable, "make memory for", path);
  FANFOLD_RETURN_IF_ERROR(copy(file.get(), memory.get(), path));
  if (::fcntl(memory.get(), F_ADD_SEALS,
              F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    return failed(StatusCode::kUnavailable, "seal the copy of", path);
  }
  // Of the sealed bytes: what was read before could have been changed since.
  FANFOLD_ASSIGN_OR_RETURN(std::string digest, digest_of(memory.get(), path));
  return SealedCopy(std::move(memory), std::move(digest));
}

}  // namespace fanfold::worker
