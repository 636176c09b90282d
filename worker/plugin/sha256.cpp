// SHA-256 of files by OpenSSL's EVP interface; OpenSSL stays in this file.

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "worker/plugin/plugin.hpp"

namespace fanfold::worker {
namespace {

using DigestContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

std::string hex(const unsigned char* bytes, unsigned size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * size);
  for (unsigned i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string finish(EVP_MD_CTX* context) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_DigestFinal_ex(context, digest.data(), &size) != 1) return {};
  return hex(digest.data(), size);
}

Status library_failure() { return {StatusCode::kIoError, "OpenSSL cannot compute SHA-256 here"}; }

/// Feeds the whole file; closes it.
Status digest_descriptor(EVP_MD_CTX* context, int descriptor, const std::string& path) {
  std::vector<char> buffer(256u << 10);
  Status status;
  while (status.ok()) {
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got == 0) break;
    if (got < 0) {
      if (errno == EINTR) continue;
      status = {StatusCode::kIoError, "cannot read '" + path + "': " + std::strerror(errno)};
    } else if (EVP_DigestUpdate(context, buffer.data(), static_cast<std::size_t>(got)) != 1) {
      status = library_failure();
    }
  }
  ::close(descriptor);
  return status;
}

}  // namespace

Result<std::string> sha256_of(const std::string& path) {
  DigestContext context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    return library_failure();
  }
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const StatusCode code = errno == ENOENT ? StatusCode::kNotFound : StatusCode::kIoError;
    return Status(code, "cannot open '" + path + "': " + std::strerror(errno));
  }
  FANFOLD_RETURN_IF_ERROR(digest_descriptor(context.get(), descriptor, path));
  std::string text = finish(context.get());
  if (text.empty()) return library_failure();
  return text;
}

std::string sha256_of_bytes(std::string_view bytes) {
  DigestContext context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) return {};
  if (EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) != 1) return {};
  return finish(context.get());
}

}  // namespace fanfold::worker
