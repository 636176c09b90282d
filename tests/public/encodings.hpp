// Shared by the tests of codecs: encodes and decodes whole keys and values, with owned results.

#pragma once

#include <fanfold/key_codec.hpp>
#include <fanfold/value_codec.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>

namespace fanfold {

template <class T>
std::string key_bytes(const T& key) {
  Bytes bytes;
  encode_key(key, bytes);
  return std::string(bytes.view());
}

template <class T>
std::string value_bytes(const T& value) {
  Bytes bytes;
  encode_value(value, bytes);
  return std::string(bytes.view());
}

/// Decodes from memory of exactly the right size, so that a sanitizer sees each byte too many.
template <class T, class Decode>
std::optional<T> decoded_with(std::string_view bytes, const Decode& decode) {
  const auto copy = std::make_unique<char[]>(bytes.size());
  bytes.copy(copy.get(), bytes.size());
  T result{};
  Scratch scratch;
  if (!decode(std::string_view(copy.get(), bytes.size()), result, scratch)) return std::nullopt;
  return result;
}

template <class T>
std::optional<T> decoded_key(std::string_view bytes) {
  return decoded_with<T>(bytes, [](std::string_view from, T& key, Scratch& scratch) {
    return decode_key(from, key, scratch);
  });
}

template <class T>
std::optional<T> decoded_value(std::string_view bytes) {
  return decoded_with<T>(bytes, [](std::string_view from, T& value, Scratch& scratch) {
    return decode_value(from, value, scratch);
  });
}

/// Any bytes, with many of those that codecs treat specially.
inline std::string random_bytes(std::mt19937_64& random, std::size_t size_max) {
  constexpr std::string_view kSpecial("\0\0\x01\x02\x7f\x80\xfe\xff\xff", 9);
  std::string bytes(random() % (size_max + 1), '\0');
  for (char& byte : bytes) {
    byte = random() % 2 == 0 ? kSpecial[random() % kSpecial.size()] : static_cast<char>(random());
  }
  return bytes;
}

}  // namespace fanfold
