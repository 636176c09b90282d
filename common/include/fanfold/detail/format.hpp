// Prints keys and values: as text with escapes, and as JSON.  The rules are documented in
// writer.hpp; this file only carries them out.

#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "fanfold/bytes.hpp"
#include "fanfold/value_codec.hpp"

namespace fanfold::detail {

template <class T>
concept ViewableText = std::convertible_to<const T&, std::string_view>;

/// A user's type that says how it looks: `std::string to_text(const T&)` beside T.
template <class T>
concept HasToText = requires(const T& value) {
  { to_text(value) } -> std::convertible_to<std::string_view>;
};

template <class T>
inline constexpr bool kIsTuple = false;
template <class A, class B>
inline constexpr bool kIsTuple<std::pair<A, B>> = true;
template <class... Parts>
inline constexpr bool kIsTuple<std::tuple<Parts...>> = true;
template <class T>
inline constexpr bool kIsList = false;
template <class T>
inline constexpr bool kIsList<std::vector<T>> = true;
template <class T, std::size_t N>
inline constexpr bool kIsList<std::array<T, N>> = true;
template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <class T>
consteval bool printable() {
  if constexpr (HasToText<T> || ViewableText<T> || std::is_arithmetic_v<T> || std::is_enum_v<T> ||
                std::is_same_v<T, Nothing>) {
    return true;
  } else if constexpr (kIsList<T> || kIsOptional<T>) {
    return printable<typename T::value_type>();
  } else if constexpr (kIsTuple<T>) {
    return []<std::size_t... I>(std::index_sequence<I...>) {
      return (printable<std::tuple_element_t<I, T>>() && ...);
    }
    (std::make_index_sequence<std::tuple_size_v<T>>());
  } else {
    return false;
  }
}

inline constexpr std::uint64_t kEachByte = 0x0101010101010101u;

/// Whether a byte of `word` may need an escape: below 0x0e, or a backslash.  May not miss one.
inline bool may_need_escape(std::uint64_t word) {
  const std::uint64_t backslash = word ^ (kEachByte * '\\');
  return (((word - kEachByte * 0x0e) & ~word) | ((backslash - kEachByte) & ~backslash)) &
         (kEachByte * 0x80);
}

inline bool plain_text(std::string_view text) {
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) {
    if (may_need_escape(load_u64(at))) return false;
  }
  if (left == 0) return true;
  if (text.size() >= 8) return !may_need_escape(load_u64(at + left - 8));
  std::uint64_t word = kEachByte * ' ';
  std::memcpy(&word, at, left);
  return !may_need_escape(word);
}

inline void append_escaped(Bytes& out, std::string_view text, bool inside_composite) {
  for (const char c : text) {
    const std::string_view escaped = c == '\t'                      ? "\\t"
                                     : c == '\n'                    ? "\\n"
                                     : c == '\r'                    ? "\\r"
                                     : c == '\\'                    ? "\\\\"
                                     : c == ',' && inside_composite ? "\\,"
                                                                    : "";
    if (escaped.empty()) {
      out.push_back(c);
    } else {
      out.append(escaped);
    }
  }
}

template <class T>
void append_number(Bytes& out, T value) {
  constexpr std::size_t kRoom = 40;
  char* begin = out.room(kRoom);
  const auto end = std::to_chars(begin, begin + kRoom, value).ptr;
  out.commit(static_cast<std::size_t>(end - begin));
}

/// Long doubles and such are printed as doubles: a fixed room is enough then.
template <class T>
auto narrowed(T value) {
  if constexpr (std::is_same_v<T, long double>) {
    return static_cast<double>(value);
  } else {
    return value;
  }
}

template <class T>
void append_text(Bytes& out, const T& value, bool inside_composite = false) {
  static_assert(printable<T>(),
                "fanfold: a key or value of this type cannot be printed; write strings, numbers, "
                "pairs, tuples, vectors or optionals of them, or define "
                "`std::string to_text(const T&)` next to the type");
  if constexpr (HasToText<T>) {
    append_text(out, std::string_view(to_text(value)), inside_composite);
  } else if constexpr (ViewableText<T>) {
    const std::string_view text = value;
    if (!inside_composite && plain_text(text)) {
      out.append(text);
    } else {
      append_escaped(out, text, inside_composite);
    }
  } else if constexpr (std::is_same_v<T, bool>) {
    out.append(value ? "true" : "false");
  } else if constexpr (std::is_same_v<T, char>) {
    append_escaped(out, std::string_view(&value, 1), inside_composite);
  } else if constexpr (std::is_arithmetic_v<T>) {
    append_number(out, narrowed(value));
  } else if constexpr (std::is_enum_v<T>) {
    append_text(out, static_cast<std::underlying_type_t<T>>(value), inside_composite);
  } else if constexpr (kIsOptional<T>) {
    if (value.has_value()) append_text(out, *value, inside_composite);
  } else if constexpr (kIsList<T>) {
    bool first = true;
    for (const auto& element : value) {
      if (!std::exchange(first, false)) out.push_back(',');
      append_text(out, static_cast<const typename T::value_type&>(element), true);
    }
  } else if constexpr (kIsTuple<T>) {
    bool first = true;
    std::apply(
        [&](const auto&... part) {
          ((std::exchange(first, false) ? void() : out.push_back(','),
            append_text(out, part, true)),
           ...);
        },
        value);
  }
}

/// Length of the well-formed UTF-8 sequence at `at`, or 0.
inline std::size_t utf8_length(const char* at, const char* end) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(at[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : (lead >= 0xe0 ? 3 : 2);
  if (lead < 0xc2 || lead > 0xf4 || static_cast<std::size_t>(end - at) < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool overlong_or_surrogate =
      (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
      (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
  return overlong_or_surrogate ? 0 : length;
}

inline void append_json_string(Bytes& out, std::string_view text) {
  constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    const unsigned char c = static_cast<unsigned char>(*at);
    if (c >= 0x80) {
      const std::size_t length = utf8_length(at, end);
      out.append(length == 0 ? std::string_view("\xef\xbf\xbd") : std::string_view(at, length));
      at += length == 0 ? 1 : length;
      continue;
    }
    ++at;
    if (c >= 0x20 && c != '"' && c != '\\') {
      out.push_back(static_cast<char>(c));
    } else if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else if (c == '\n' || c == '\r' || c == '\t') {
      out.push_back('\\');
      out.push_back(c == '\n' ? 'n' : (c == '\r' ? 'r' : 't'));
    } else {
      out.append("\\u00");
      out.push_back(kHex[c >> 4]);
      out.push_back(kHex[c & 15]);
    }
  }
  out.push_back('"');
}

template <class T>
void append_json(Bytes& out, const T& value) {
  static_assert(printable<T>(), "fanfold: see the message for append_text()");
  if constexpr (HasToText<T>) {
    append_json_string(out, to_text(value));
  } else if constexpr (ViewableText<T>) {
    append_json_string(out, value);
  } else if constexpr (std::is_same_v<T, Nothing>) {
    out.append("null");
  } else if constexpr (std::is_same_v<T, bool>) {
    out.append(value ? "true" : "false");
  } else if constexpr (std::is_same_v<T, char>) {
    append_json_string(out, std::string_view(&value, 1));
  } else if constexpr (std::is_floating_point_v<T>) {
    // JSON has no infinity and no NaN.
    if (std::isfinite(value)) {
      append_number(out, narrowed(value));
    } else {
      out.append("null");
    }
  } else if constexpr (std::is_arithmetic_v<T>) {
    append_number(out, value);
  } else if constexpr (std::is_enum_v<T>) {
    append_json(out, static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (kIsOptional<T>) {
    if (value.has_value()) {
      append_json(out, *value);
    } else {
      out.append("null");
    }
  } else {
    bool first = true;
    const auto item = [&](const auto& part) {
      if (!std::exchange(first, false)) out.push_back(',');
      append_json(out, part);
    };
    out.push_back('[');
    if constexpr (kIsTuple<T>) {
      std::apply([&](const auto&... part) { (item(part), ...); }, value);
    } else {
      for (const auto& element : value) item(static_cast<const typename T::value_type&>(element));
    }
    out.push_back(']');
  }
}

}  // namespace fanfold::detail
