// How values become bytes: compact, and not ordered.  (A job with `order_values` stores its values
// with the key codec instead.)
//
//   string, string_view    as they are; inside a composite with a varint size before
//   unsigned integer       varint (one byte wide types: that byte)
//   signed integer         zigzag varint
//   float, double          4 or 8 bytes, little-endian (long double has bytes of padding: refused)
//   enum                   as its underlying type
//   pair, tuple, array     components one after the other
//   vector                 varint count, elements
//   optional               0, or 1 and the value
//   Nothing                no bytes at all
//
// Any other type: include <fanfold/cereal.hpp> and give the struct a serialize() function, or
// specialise ValueCodec.  Decoding is total: any bytes give a value or false, and never allocate
// more than a fixed multiple of their size.

#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "fanfold/bytes.hpp"
#include "fanfold/key_codec.hpp"

namespace fanfold {

/// The value of a job that only cares about keys: Emitter<std::string_view, Nothing>.
struct Nothing {
  friend bool operator==(Nothing, Nothing) = default;
};

/// Specialise to make T a value:
///   static void encode(const T& value, Bytes& out);
///   static bool decode(const char*& from, const char* end, T& value, Scratch& scratch);
template <class T>
struct ValueCodec;

template <class T>
concept ValueEncodable = requires(const T& value, Bytes& out) {
  ValueCodec<T>::encode(value, out);
};

namespace detail {

/// Types with a codec of their own here; cereal.hpp leaves them alone.
template <class T>
inline constexpr bool kHasOwnValueCodec =
    std::is_arithmetic_v<T> || std::is_enum_v<T> || StringLike<T> || std::is_same_v<T, Nothing>;
template <class A, class B>
inline constexpr bool kHasOwnValueCodec<std::pair<A, B>> = true;
template <class... Parts>
inline constexpr bool kHasOwnValueCodec<std::tuple<Parts...>> = true;
template <class T, std::size_t N>
inline constexpr bool kHasOwnValueCodec<std::array<T, N>> = true;
template <class T>
inline constexpr bool kHasOwnValueCodec<std::vector<T>> = true;
template <class T>
inline constexpr bool kHasOwnValueCodec<std::optional<T>> = true;

/// Whether a T borrows bytes that it does not own.
template <class T>
inline constexpr bool kHasView = std::is_same_v<T, std::string_view>;
template <class A, class B>
inline constexpr bool kHasView<std::pair<A, B>> = kHasView<A> || kHasView<B>;
template <class... Parts>
inline constexpr bool kHasView<std::tuple<Parts...>> = (kHasView<Parts> || ...);
template <class T, std::size_t N>
inline constexpr bool kHasView<std::array<T, N>> = kHasView<T>;
template <class T>
inline constexpr bool kHasView<std::vector<T>> = kHasView<T>;
template <class T>
inline constexpr bool kHasView<std::optional<T>> = kHasView<T>;

template <class T>
bool copy_number(const char*& from, const char* end, T& value) {
  if (static_cast<std::size_t>(end - from) < sizeof(T)) return false;
  std::memcpy(&value, from, sizeof(T));
  from += sizeof(T);
  return true;
}

}  // namespace detail

template <>
struct ValueCodec<Nothing> {
  static void encode(Nothing, Bytes&) {}
  static bool decode(const char*&, const char*, Nothing&, Scratch&) { return true; }
};

template <>
struct ValueCodec<bool> {
  static void encode(bool value, Bytes& out) { out.push_back(value ? 1 : 0); }
  static bool decode(const char*& from, const char* end, bool& value, Scratch&) {
    if (from == end || static_cast<unsigned char>(*from) > 1) return false;
    value = *from++ == 1;
    return true;
  }
};

template <class T>
requires((std::is_floating_point_v<T> && sizeof(T) <= 8) ||
         (std::is_integral_v<T> && sizeof(T) == 1)) struct ValueCodec<T> {
  static void encode(T value, Bytes& out) {
    std::memcpy(out.room(sizeof value), &value, sizeof value);
    out.commit(sizeof value);
  }
  static bool decode(const char*& from, const char* end, T& value, Scratch&) {
    return detail::copy_number(from, end, value);
  }
};

template <class T>
requires(std::is_integral_v<T> && sizeof(T) > 1 && sizeof(T) <= 8) struct ValueCodec<T> {
  static void encode(T value, Bytes& out) {
    if constexpr (std::is_signed_v<T>) {
      detail::append_varint(out, detail::zigzag(value));
    } else {
      detail::append_varint(out, value);
    }
  }
  static bool decode(const char*& from, const char* end, T& value, Scratch&) {
    std::uint64_t bits = 0;
    const char* next = detail::get_varint(from, end, bits);
    if (next == nullptr) return false;
    from = next;
    if constexpr (std::is_signed_v<T>) {
      value = static_cast<T>(detail::unzigzag(bits));
      return value == detail::unzigzag(bits);
    } else {
      value = static_cast<T>(bits);
      return value == bits;
    }
  }
};

template <class T>
requires std::is_enum_v<T>
struct ValueCodec<T> {
  using Number = std::underlying_type_t<T>;
  static void encode(T value, Bytes& out) {
    ValueCodec<Number>::encode(static_cast<Number>(value), out);
  }
  static bool decode(const char*& from, const char* end, T& value, Scratch& scratch) {
    Number number{};
    if (!ValueCodec<Number>::decode(from, end, number, scratch)) return false;
    value = static_cast<T>(number);
    return true;
  }
};

template <StringLike T>
struct ValueCodec<T> {
  static void encode(std::string_view value, Bytes& out) {
    detail::append_varint(out, value.size());
    out.append(value);
  }
  static bool decode(const char*& from, const char* end, T& value, Scratch&) {
    std::uint64_t size = 0;
    const char* text = detail::get_varint(from, end, size);
    if (text == nullptr || size > static_cast<std::uint64_t>(end - text)) return false;
    value = std::string_view(text, size);
    from = text + size;
    return true;
  }
};

namespace detail {

template <class Tuple>
struct TupleValueCodec {
  static void encode(const Tuple& value, Bytes& out) {
    std::apply(
        [&](const auto&... part) {
          (ValueCodec<std::remove_cvref_t<decltype(part)>>::encode(part, out), ...);
        },
        value);
  }
  static bool decode(const char*& from, const char* end, Tuple& value, Scratch& scratch) {
    return std::apply(
        [&](auto&... part) {
          return (
              ValueCodec<std::remove_cvref_t<decltype(part)>>::decode(from, end, part, scratch) &&
              ...);
        },
        value);
  }
};

}  // namespace detail

template <ValueEncodable A, ValueEncodable B>
struct ValueCodec<std::pair<A, B>> : detail::TupleValueCodec<std::pair<A, B>> {};
template <ValueEncodable... Parts>
struct ValueCodec<std::tuple<Parts...>> : detail::TupleValueCodec<std::tuple<Parts...>> {};
template <ValueEncodable T, std::size_t N>
struct ValueCodec<std::array<T, N>> : detail::TupleValueCodec<std::array<T, N>> {};

template <ValueEncodable T>
struct ValueCodec<std::vector<T>> {
  static void encode(const std::vector<T>& value, Bytes& out) {
    detail::append_varint(out, value.size());
    for (const T& element : value) ValueCodec<T>::encode(element, out);
  }
  static bool decode(const char*& from, const char* end, std::vector<T>& value, Scratch& scratch) {
    std::uint64_t count = 0;
    const char* next = detail::get_varint(from, end, count);
    // An element takes a byte or more (those of no bytes are not worth a vector).
    if (next == nullptr || count > static_cast<std::uint64_t>(end - next)) return false;
    from = next;
    value.clear();
    value.reserve(count);
    for (std::uint64_t i = 0; i < count; ++i) {
      T element{};
      if (!ValueCodec<T>::decode(from, end, element, scratch)) return false;
      value.push_back(std::move(element));
    }
    return true;
  }
};

template <ValueEncodable T>
struct ValueCodec<std::optional<T>> {
  static void encode(const std::optional<T>& value, Bytes& out) {
    out.push_back(value.has_value() ? 1 : 0);
    if (value.has_value()) ValueCodec<T>::encode(*value, out);
  }
  static bool decode(const char*& from, const char* end, std::optional<T>& value,
                     Scratch& scratch) {
    value.reset();
    if (from == end) return false;
    const char present = *from++;
    if (present == 0) return true;
    return present == 1 && ValueCodec<T>::decode(from, end, value.emplace(), scratch);
  }
};

/// A whole value: a string is its own encoding.  `ordered`: with the key codec, so that values
/// compare as bytes.
template <bool ordered = false, class T>
void encode_value(const T& value, Bytes& out) {
  if constexpr (StringLike<T>) {
    out.append(value);
  } else if constexpr (ordered) {
    KeyCodec<T>::encode(value, out);
  } else {
    ValueCodec<T>::encode(value, out);
  }
}

/// Views in `value` borrow from `bytes` or `scratch`.  False when the bytes are no such value.
template <bool ordered = false, class T>
bool decode_value(std::string_view bytes, T& value, Scratch& scratch) {
  const char* from = bytes.data();
  const char* end = from + bytes.size();
  if constexpr (StringLike<T>) {
    value = bytes;
    return true;
  } else if constexpr (ordered) {
    return KeyCodec<T>::decode(from, end, value, scratch) && from == end;
  } else {
    return ValueCodec<T>::decode(from, end, value, scratch) && from == end;
  }
}

}  // namespace fanfold
