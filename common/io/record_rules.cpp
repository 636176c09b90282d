#include "common/io/record_rules.hpp"

#include <cstring>

#include "common/io/quotes.hpp"

namespace fanfold::io {
namespace {

/// Of the first line feed at `from` or later, or kNoEnd.
std::size_t find_line_feed(std::string_view bytes, std::size_t from) {
  if (from >= bytes.size()) return kNoEnd;
  const void* found = std::memchr(bytes.data() + from, '\n', bytes.size() - from);
  if (found == nullptr) return kNoEnd;
  return static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
}

/// Of the last line feed, or kNoEnd.
std::size_t find_last_line_feed(std::string_view bytes) {
  if (bytes.empty()) return kNoEnd;
  const void* found = ::memrchr(bytes.data(), '\n', bytes.size());
  if (found == nullptr) return kNoEnd;
  return static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
}

bool odd(std::size_t count) { return (count & 1) != 0; }

}  // namespace

std::size_t count_quotes(std::string_view bytes) {
  // Rows of a fixed size, counted in bytes, become vector instructions without being written so.
  constexpr std::size_t kRow = 64;
  constexpr std::size_t kRows = 255;  // What a byte can count.
  std::size_t total = 0;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  while (left >= kRow) {
    unsigned char counts[kRow] = {};
    const std::size_t rows = left / kRow < kRows ? left / kRow : kRows;
    for (std::size_t row = 0; row < rows; ++row, at += kRow) {
      for (std::size_t i = 0; i < kRow; ++i) {
        counts[i] = static_cast<unsigned char>(counts[i] + (at[i] == '"' ? 1 : 0));
      }
    }
    left -= rows * kRow;
    for (const unsigned char count : counts) total += count;
  }
  for (std::size_t i = 0; i < left; ++i) total += at[i] == '"' ? 1 : 0;
  return total;
}

std::size_t LineRule::last_end(std::string_view records) {
  const std::size_t found = find_last_line_feed(records);
  return found == kNoEnd ? kNoEnd : found + 1;
}

std::size_t LineRule::first_end(std::string_view records, std::size_t from) {
  const std::size_t found = find_line_feed(records, from);
  return found == kNoEnd ? kNoEnd : found + 1;
}

std::size_t LineRule::skip(std::string_view bytes, bool&) { return first_end(bytes, 0); }

std::size_t CsvRule::last_end(std::string_view records) {
  bool quoted = odd(count_quotes(records));  // Where the part not looked at yet ends.
  std::string_view before = records;
  while (true) {
    const std::size_t found = find_last_line_feed(before);
    if (found == kNoEnd) return kNoEnd;
    quoted ^= odd(count_quotes(before.substr(found)));
    if (!quoted) return found + 1;
    before = before.substr(0, found);
  }
}

std::size_t CsvRule::first_end(std::string_view records, std::size_t from) {
  if (from >= records.size()) return kNoEnd;
  bool quoted = odd(count_quotes(records.substr(0, from)));
  const std::size_t end = skip(records.substr(from), quoted);
  return end == kNoEnd ? kNoEnd : from + end;
}

std::size_t CsvRule::skip(std::string_view bytes, bool& quoted) {
  for (std::size_t at = 0;;) {
    const std::size_t found = find_line_feed(bytes, at);
    const std::size_t stop = found == kNoEnd ? bytes.size() : found;
    quoted ^= odd(count_quotes(bytes.substr(at, stop - at)));
    if (found == kNoEnd) return kNoEnd;
    if (!quoted) return found + 1;
    at = found + 1;
  }
}

bool CsvRule::open_quote(std::string_view records) { return odd(count_quotes(records)); }

}  // namespace fanfold::io
