// SHA-256 by OpenSSL, which stays in this file.
//
// Its low-level interface, linked statically: loading libcrypto and setting up its providers would
// cost every process that starts more than a millisecond, and this is all that is wanted of it.

#define OPENSSL_API_COMPAT 0x10100000L  // Before the low-level interface was deprecated.

#include "common/digest/sha256.hpp"

#include <openssl/sha.h>

#include <array>

#include "common/core/check.hpp"

namespace fanfold {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

}  // namespace

struct Sha256::Context {
  SHA256_CTX sha{};
};

// These calls fail for no input; only hardware that is broken makes them.
Sha256::Sha256() : context_(std::make_unique<Context>()) {
  FANFOLD_CHECK(SHA256_Init(&context_->sha) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::add(std::string_view bytes) {
  FANFOLD_CHECK(SHA256_Update(&context_->sha, bytes.data(), bytes.size()) == 1);
}

std::string Sha256::finish() {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> bytes{};
  FANFOLD_CHECK(SHA256_Final(bytes.data(), &context_->sha) == 1);
  std::string text;
  text.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

bool is_sha256(std::string_view text) {
  return text.size() == 2 * SHA256_DIGEST_LENGTH &&
         text.find_first_not_of(kDigits) == std::string_view::npos;
}

}  // namespace fanfold
