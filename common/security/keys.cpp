#include "common/security/keys.hpp"

#include <cstring>

namespace fanfold::security {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

std::optional<std::uint8_t> value_of(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<std::uint8_t>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<std::uint8_t>(digit - 'a' + 10);
  return std::nullopt;
}

}  // namespace

const char* name_of(Role role) {
  switch (role) {
    case Role::kClient:
      return "client";
    case Role::kWorker:
      return "worker";
    case Role::kAdmin:
      return "admin";
    case Role::kMaster:
      return "master";
  }
  return "unknown";
}

std::optional<Role> parse_role(std::string_view text) {
  for (const Role role : {Role::kClient, Role::kWorker, Role::kAdmin}) {
    if (text == name_of(role)) return role;
  }
  return std::nullopt;
}

SecretKey::~SecretKey() { ::explicit_bzero(bytes.data(), bytes.size()); }

std::string to_hex(const std::array<std::uint8_t, kKeyBytes>& bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::optional<std::array<std::uint8_t, kKeyBytes>> parse_hex(std::string_view text) {
  if (text.size() != 2 * kKeyBytes) return std::nullopt;
  std::array<std::uint8_t, kKeyBytes> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto high = value_of(text[2 * i]);
    const auto low = value_of(text[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    bytes[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return bytes;
}

std::string fingerprint(const PublicKey& key) { return to_hex(key.bytes).substr(0, 16); }

bool equal_in_constant_time(const PublicKey& one, const PublicKey& other) {
  // All bytes, without a branch among them.
  unsigned difference = 0;
  for (std::size_t i = 0; i < kKeyBytes; ++i) difference |= one.bytes[i] ^ other.bytes[i];
  return difference == 0;
}

}  // namespace fanfold::security
