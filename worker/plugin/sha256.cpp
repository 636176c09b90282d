// SHA-256 of files and of bytes at hand.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "common/digest/sha256.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::worker {
namespace {

/// Feeds the whole file; closes it.
Status digest_descriptor(Sha256* digest, int descriptor, const std::string& path) {
  std::vector<char> buffer(256u << 10);
  Status status;
  while (status.ok()) {
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got == 0) break;
    if (got > 0) {
      digest->add({buffer.data(), static_cast<std::size_t>(got)});
    } else if (errno != EINTR) {
      status = {StatusCode::kIoError, "cannot read '" + path + "': " + std::strerror(errno)};
    }
  }
  ::close(descriptor);
  return status;
}

}  // namespace

Result<std::string> sha256_of(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const StatusCode code = errno == ENOENT ? StatusCode::kNotFound : StatusCode::kIoError;
    return Status(code, "cannot open '" + path + "': " + std::strerror(errno));
  }
  Sha256 digest;
  FANFOLD_RETURN_IF_ERROR(digest_descriptor(&digest, descriptor, path));
  return digest.finish();
}

std::string sha256_of_bytes(std::string_view bytes) {
  Sha256 digest;
  digest.add(bytes);
  return digest.finish();
}

}  // namespace fanfold::worker
