// How keys become bytes.  Encoded keys compare like the keys themselves, byte by byte, so sorting,
// merging and range partitioning never need the type again.
//
//   type                       bytes                                          key_order
//   string, string_view        as they are                                    bytes
//   unsigned integer           big-endian                                     uint
//   char                       that byte; it prints as a character            bytes
//   signed integer             big-endian, sign bit flipped                   int
//   float, double              big-endian, negative: all bits flipped,        float
//                              else sign bit flipped; -0.0 is 0.0, NaN last
//   bool                       0 or 1                                         bool
//   enum                       as its underlying type
//   pair, tuple, array         components one after the other; a string       tuple(bytes,uint)
//                              inside has 0x00 written as 0x00 0xFF and
//                              ends with 0x00 0x00
//   vector                     0x01 before each element, 0x00 at the end      list(int)
//   optional                   0x00, or 0x01 and the value                    optional(int)
//
// A type of your own becomes a key by specialising KeyCodec for it; the encoding must keep the
// order, and no encoding may be the beginning of another.  Decoding is total: any bytes give a key
// or false.

#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "fanfold/bytes.hpp"

namespace fanfold {

/// Specialise to make T a key:
///   static void encode(const T& key, Bytes& out);
///   static bool decode(const char*& from, const char* end, T& key, Scratch& scratch);
///   static std::string order();
template <class T>
struct KeyCodec;

template <class T>
concept KeyEncodable = requires(const T& key, Bytes& out) {
  KeyCodec<T>::encode(key, out);
};

template <class T>
concept StringLike = std::same_as<T, std::string> || std::same_as<T, std::string_view>;

namespace detail {

template <class T>
using UnsignedOf = std::conditional_t<
    sizeof(T) == 1, std::uint8_t,
    std::conditional_t<sizeof(T) == 2, std::uint16_t,
                       std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>>;

template <class U>
void store_big_endian(U value, char* to) {
  for (std::size_t i = 0; i < sizeof(U); ++i) {
    to[i] = static_cast<char>(value >> (8 * (sizeof(U) - 1 - i)));
  }
}

template <class U>
U load_big_endian(const char* from) {
  U value = 0;
  for (std::size_t i = 0; i < sizeof(U); ++i) {
    value = static_cast<U>(value << 8 | static_cast<unsigned char>(from[i]));
  }
  return value;
}

template <class T>
inline constexpr bool kIsKeyNumber =
    (std::is_arithmetic_v<T> && sizeof(T) <= 8) || std::is_enum_v<T>;

/// Numbers as unsigned integers of the same size and order.
template <class T>
auto to_ordered(T value) {
  if constexpr (std::is_enum_v<T>) {
    return to_ordered(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    using U = UnsignedOf<T>;
    constexpr U kSign = U{1} << (8 * sizeof(T) - 1);
    if (value != value) value = std::numeric_limits<T>::quiet_NaN();
    if (value == 0) value = 0;  // Equal keys have equal bytes.
    const U bits = std::bit_cast<U>(value);
    // The quiet NaN may carry a sign by default on some targets; last is last.
    if (value != value) return static_cast<U>(bits | kSign);
    return static_cast<U>((bits & kSign) != 0 ? ~bits : bits | kSign);
  } else {
    using U = UnsignedOf<T>;
    constexpr U kFlip = std::is_signed_v<T> && !std::is_same_v<T, char>
                            ? static_cast<U>(U{1} << (8 * sizeof(T) - 1))
                            : U{0};
    return static_cast<U>(static_cast<U>(value) ^ kFlip);
  }
}

template <class T>
bool from_ordered(UnsignedOf<T> ordered, T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    value = ordered == 1;
    return ordered <= 1;
  } else if constexpr (std::is_enum_v<T>) {
    std::underlying_type_t<T> number{};
    if (!from_ordered(ordered, number)) return false;
    value = static_cast<T>(number);
    return true;
  } else if constexpr (std::is_floating_point_v<T>) {
    using U = UnsignedOf<T>;
    constexpr U kSign = U{1} << (8 * sizeof(T) - 1);
    value = std::bit_cast<T>(
        static_cast<U>((ordered & kSign) != 0 ? ordered & static_cast<U>(~kSign) : ~ordered));
    return true;
  } else {
    // The flip is its own inverse.
    value = static_cast<T>(to_ordered(static_cast<T>(ordered)));
    return true;
  }
}

template <class T>
consteval const char* number_order() {
  if constexpr (std::is_enum_v<T>) {
    return number_order<std::underlying_type_t<T>>();
  } else if constexpr (std::is_same_v<T, bool>) {
    return "bool";
  } else if constexpr (std::is_same_v<T, char>) {
    return "bytes";
  } else if constexpr (std::is_floating_point_v<T>) {
    return "float";
  } else {
    return std::is_signed_v<T> ? "int" : "uint";
  }
}

/// Unescapes a string inside a composite; borrows it when nothing was escaped.
bool decode_escaped(const char*& from, const char* end, std::string_view& text, Scratch& scratch);

}  // namespace detail

template <class T>
requires detail::kIsKeyNumber<T>
struct KeyCodec<T> {
  static void encode(T key, Bytes& out) {
    const auto ordered = detail::to_ordered(key);
    detail::store_big_endian(ordered, out.room(sizeof ordered));
    out.commit(sizeof ordered);
  }
  static bool decode(const char*& from, const char* end, T& key, Scratch&) {
    if (static_cast<std::size_t>(end - from) < sizeof(T)) return false;
    const auto ordered = detail::load_big_endian<detail::UnsignedOf<T>>(from);
    from += sizeof(T);
    return detail::from_ordered(ordered, key);
  }
  static std::string order() { return detail::number_order<T>(); }
};

template <StringLike T>
struct KeyCodec<T> {
  static void encode(std::string_view key, Bytes& out) {
    for (;;) {
      const std::size_t zero = key.find('\0');
      out.append(key.substr(0, zero));
      if (zero == std::string_view::npos) break;
      out.append(std::string_view("\0\xff", 2));
      key.remove_prefix(zero + 1);
    }
    out.append(std::string_view("\0\0", 2));
  }
  static bool decode(const char*& from, const char* end, T& key, Scratch& scratch) {
    std::string_view text;
    if (!detail::decode_escaped(from, end, text, scratch)) return false;
    key = text;
    return true;
  }
  static std::string order() { return "bytes"; }
};

namespace detail {

inline bool decode_escaped(const char*& from, const char* end, std::string_view& text,
                           Scratch& scratch) {
  const char* begin = from;
  std::size_t escapes = 0;
  const char* at = from;
  for (;;) {
    if (at == end) return false;
    at = static_cast<const char*>(std::memchr(at, 0, static_cast<std::size_t>(end - at)));
    if (at == nullptr || end - at < 2) return false;
    if (at[1] == '\0') break;
    if (at[1] != '\xff') return false;
    ++escapes;
    at += 2;
  }
  from = at + 2;
  const std::size_t raw = static_cast<std::size_t>(at - begin);
  if (escapes == 0) {
    text = {begin, raw};
    return true;
  }
  char* copy = scratch.allocate(raw - escapes);
  char* to = copy;
  for (const char* read = begin; read != at; ++read) {
    *to++ = *read;
    if (*read == '\0') ++read;
  }
  text = {copy, raw - escapes};
  return true;
}

template <class Tuple>
struct TupleKeyCodec {
  static void encode(const Tuple& key, Bytes& out) {
    std::apply(
        [&](const auto&... part) {
          (KeyCodec<std::remove_cvref_t<decltype(part)>>::encode(part, out), ...);
        },
        key);
  }
  static bool decode(const char*& from, const char* end, Tuple& key, Scratch& scratch) {
    return std::apply(
        [&](auto&... part) {
          return (KeyCodec<std::remove_cvref_t<decltype(part)>>::decode(from, end, part, scratch) &&
                  ...);
        },
        key);
  }
  static std::string order() {
    return std::apply(
        [](const auto&... part) {
          std::string text;
          ((text += (text.empty() ? "" : ","),
            text += KeyCodec<std::remove_cvref_t<decltype(part)>>::order()),
           ...);
          return "tuple(" + text + ")";
        },
        Tuple{});
  }
};

}  // namespace detail

template <KeyEncodable A, KeyEncodable B>
struct KeyCodec<std::pair<A, B>> : detail::TupleKeyCodec<std::pair<A, B>> {};
template <KeyEncodable... Parts>
struct KeyCodec<std::tuple<Parts...>> : detail::TupleKeyCodec<std::tuple<Parts...>> {};
template <KeyEncodable T, std::size_t N>
struct KeyCodec<std::array<T, N>> : detail::TupleKeyCodec<std::array<T, N>> {};

template <KeyEncodable T>
struct KeyCodec<std::vector<T>> {
  static void encode(const std::vector<T>& key, Bytes& out) {
    for (const T& element : key) {
      out.push_back(1);
      KeyCodec<T>::encode(element, out);
    }
    out.push_back(0);
  }
  static bool decode(const char*& from, const char* end, std::vector<T>& key, Scratch& scratch) {
    key.clear();
    while (from != end) {
      const char more = *from++;
      if (more == 0) return true;
      T element{};
      if (more != 1 || !KeyCodec<T>::decode(from, end, element, scratch)) return false;
      key.push_back(std::move(element));
    }
    return false;
  }
  static std::string order() { return "list(" + KeyCodec<T>::order() + ")"; }
};

template <KeyEncodable T>
struct KeyCodec<std::optional<T>> {
  static void encode(const std::optional<T>& key, Bytes& out) {
    out.push_back(key.has_value() ? 1 : 0);
    if (key.has_value()) KeyCodec<T>::encode(*key, out);
  }
  static bool decode(const char*& from, const char* end, std::optional<T>& key, Scratch& scratch) {
    key.reset();
    if (from == end) return false;
    const char present = *from++;
    if (present == 0) return true;
    return present == 1 && KeyCodec<T>::decode(from, end, key.emplace(), scratch);
  }
  static std::string order() { return "optional(" + KeyCodec<T>::order() + ")"; }
};

/// A whole key: a string is its own encoding, anything else goes through KeyCodec.
template <KeyEncodable T>
void encode_key(const T& key, Bytes& out) {
  if constexpr (StringLike<T>) {
    out.append(key);
  } else {
    KeyCodec<T>::encode(key, out);
  }
}

/// Views in `key` borrow from `bytes` or `scratch`.  False when the bytes are no such key.
template <KeyEncodable T>
bool decode_key(std::string_view bytes, T& key, Scratch& scratch) {
  if constexpr (StringLike<T>) {
    key = bytes;
    return true;
  } else {
    const char* from = bytes.data();
    const char* end = from + bytes.size();
    return KeyCodec<T>::decode(from, end, key, scratch) && from == end;
  }
}

}  // namespace fanfold
