// SHA-256 of files by OpenSSL, which stays in this file.
//
// Its low-level interface, linked statically: loading libcrypto and setting up its providers would
// cost every process that starts more than a millisecond, and this is all that is wanted of it.

#define OPENSSL_API_COMPAT 0x10100000L  // Before the low-level interface was deprecated.

#include <fcntl.h>
#include <openssl/sha.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "common/core/check.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::worker {
namespace {

std::string hex(const std::array<unsigned char, SHA256_DIGEST_LENGTH>& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

/// These calls fail for no input; only hardware that is broken makes them.
class Digest {
 public:
  Digest() { FANFOLD_CHECK(SHA256_Init(&context_) == 1); }
  void add(std::string_view bytes) {
    FANFOLD_CHECK(SHA256_Update(&context_, bytes.data(), bytes.size()) == 1);
  }
  std::string finish() {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> bytes{};
    FANFOLD_CHECK(SHA256_Final(bytes.data(), &context_) == 1);
    return hex(bytes);
  }

 private:
  SHA256_CTX context_{};
};

/// Feeds the whole file; closes it.
Status digest_descriptor(Digest* digest, int descriptor, const std::string& path) {
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
  Digest digest;
  FANFOLD_RETURN_IF_ERROR(digest_descriptor(&digest, descriptor, path));
  return digest.finish();
}

std::string sha256_of_bytes(std::string_view bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.finish();
}

}  // namespace fanfold::worker
