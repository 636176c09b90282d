#include "common/s3/signature.hpp"

#define OPENSSL_API_COMPAT 0x10100000L  // Before the low-level interface was deprecated.
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "common/core/check.hpp"

namespace fanfold::s3 {
namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;
constexpr std::size_t kBlockBytes = 64;

/// Linked statically, as in worker/plugin: libcrypto itself costs every process a millisecond.
Digest sha256(std::initializer_list<std::string_view> pieces) {
  SHA256_CTX context;
  Digest digest{};
  FANFOLD_CHECK(SHA256_Init(&context) == 1);
  for (const std::string_view piece : pieces) SHA256_Update(&context, piece.data(), piece.size());
  FANFOLD_CHECK(SHA256_Final(digest.data(), &context) == 1);
  return digest;
}

std::string_view bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

Digest hmac(std::string_view key, std::string_view message) {
  std::string block(kBlockBytes, '\0');
  const Digest short_key = key.size() > kBlockBytes ? sha256({key}) : Digest();
  if (key.size() > kBlockBytes) key = bytes_of(short_key);
  std::memcpy(block.data(), key.data(), key.size());
  std::string inner = block;
  std::string outer = block;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  const Digest within = sha256({inner, message});
  return sha256({outer, bytes_of(within)});
}

std::string hex(const Digest& digest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string formatted(std::time_t now, const char* format) {
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof text, format, &parts)};
}

std::string encode_but(std::string_view text, char kept) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~' || c == kept;
    if (plain) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += kDigits[byte >> 4];
      encoded += kDigits[byte & 15];
    }
  }
  return encoded;
}

}  // namespace

std::string encode(std::string_view text) { return encode_but(text, '~'); }
std::string encode_path(std::string_view text) { return encode_but(text, '/'); }

std::string encode_query(Fields query) {
  for (auto& [name, value] : query) {
    name = encode(name);
    value = encode(value);
  }
  std::sort(query.begin(), query.end());
  std::string text;
  for (const auto& [name, value] : query) {
    if (!text.empty()) text += '&';
    text += name + "=" + value;
  }
  return text;
}

Fields sign(const SignedRequest& request, const Credentials& credentials, const std::string& region,
            std::time_t now) {
  const std::string date = formatted(now, "%Y%m%d");
  const std::string time = formatted(now, "%Y%m%dT%H%M%SZ");
  const std::string payload =
      request.body_unsigned ? "UNSIGNED-PAYLOAD" : hex(sha256({request.body}));
  Fields added = {{"x-amz-content-sha256", payload}, {"x-amz-date", time}};
  if (!credentials.session_token.empty()) {
    added.emplace_back("x-amz-security-token", credentials.session_token);
  }
  Fields headers = request.headers;
  headers.insert(headers.end(), added.begin(), added.end());
  headers.emplace_back("host", request.host);
  std::sort(headers.begin(), headers.end());
  std::string names;
  std::string lines;
  for (const auto& [name, value] : headers) {
    names += (names.empty() ? "" : ";") + name;
    lines += name + ":" + value + "\n";
  }
  const std::string canonical = request.method + "\n" + request.path + "\n" +
                                encode_query(request.query) + "\n" + lines + "\n" + names + "\n" +
                                payload;
  const std::string scope = date + "/" + region + "/s3/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + hex(sha256({canonical}));
  Digest key = hmac("AWS4" + credentials.secret_key, date);
  for (const std::string_view step :
       {std::string_view(region), std::string_view("s3"), std::string_view("aws4_request")}) {
    key = hmac(bytes_of(key), step);
  }
  added.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=" + credentials.access_key +
                                          "/" + scope + ",SignedHeaders=" + names +
                                          ",Signature=" + hex(hmac(bytes_of(key), to_sign)));
  return added;
}

}  // namespace fanfold::s3
