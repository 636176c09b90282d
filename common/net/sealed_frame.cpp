#include "common/net/sealed_frame.hpp"

#include <cstring>

#include "fanfold/hash.hpp"

namespace fanfold::net {
namespace {

void write_seal(std::string_view payload, char* seal) {
  const std::uint64_t value = hash(payload);
  for (std::size_t i = 0; i < kSealBytes; ++i) seal[i] = static_cast<char>(value >> (8 * i));
}

}  // namespace

Status check_size(std::string_view payload, std::size_t bytes_max) {
  if (payload.size() <= bytes_max) return Status();
  return Status(StatusCode::kExhausted, "a frame of " + std::to_string(payload.size()) +
                                            " bytes is over the limit of " +
                                            std::to_string(bytes_max) + " bytes");
}

void seal(std::string_view payload, char* frame) {
  if (!payload.empty()) std::memcpy(frame, payload.data(), payload.size());
  write_seal(payload, frame + payload.size());
}

std::optional<std::string> unseal(std::string_view frame) {
  if (frame.size() < kSealBytes) return std::nullopt;
  const std::string_view payload = frame.substr(0, frame.size() - kSealBytes);
  char expected[kSealBytes];
  write_seal(payload, expected);
  if (std::memcmp(expected, frame.data() + payload.size(), kSealBytes) != 0) return std::nullopt;
  return std::string(payload);
}

}  // namespace fanfold::net
