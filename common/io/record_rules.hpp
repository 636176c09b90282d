// Where records end: the two kinds of text, lines and CSV.  Positions are relative to the bytes
// given; "end" is one past the line feed that ends a record.

#pragma once

#include <cstddef>
#include <string_view>

namespace fanfold::io {

inline constexpr std::size_t kNoEnd = static_cast<std::size_t>(-1);

struct LineRule {
  static constexpr const char* kRecord = "line";
  /// `records` starts at the start of a record.
  static std::size_t last_end(std::string_view records);
  /// The first end whose line feed is at `from` or later.
  static std::size_t first_end(std::string_view records, std::size_t from);
  /// The first end when `bytes` starts anywhere.  `quoted`: whether it starts inside quotes; after
  /// kNoEnd whether it ends inside them.
  static std::size_t skip(std::string_view bytes, bool& quoted);
  /// Whether `records` stops inside an unfinished quoted field.
  static bool open_quote(std::string_view) { return false; }
};

struct CsvRule {
  static constexpr const char* kRecord = "CSV record";
  static std::size_t last_end(std::string_view records);
  static std::size_t first_end(std::string_view records, std::size_t from);
  static std::size_t skip(std::string_view bytes, bool& quoted);
  static bool open_quote(std::string_view records);
};

}  // namespace fanfold::io
