// How the bytes of the input become the records that map() receives.  A job chooses with
// `using Input = fanfold::...;` — without it, lines.
//
//   Lines              std::string_view: a line without its LF or CRLF
//   KeyValueLines      KeyValue: a line cut at its first TAB; without a TAB it is all key
//   Csv                CsvRow (csv.hpp): RFC 4180; empty lines are no records
//   JsonLines          JsonLine (json.hpp): one JSON object a line; blank lines are no records
//   FixedLength<N>     std::string_view of N bytes; FixedLength<> takes parameter record_length
//   WholeFile          std::string_view: the contents of a file
//
// Records are views into the input: good until map() returns (and, as a key or value that is
// emitted, for as long as it takes).

#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "fanfold/abi.hpp"
#include "fanfold/csv.hpp"
#include "fanfold/detail/scan.hpp"
#include "fanfold/json.hpp"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace fanfold {

struct KeyValue {
  std::string_view key;
  std::string_view value;
};

namespace detail {

/// Bit i is set when byte i is a line feed.
inline std::uint64_t line_feeds_of_block(const char* block) {
#ifdef __SSE2__
  const __m128i feed = _mm_set1_epi8('\n');
  std::uint64_t feeds = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(block) + i);
    const int found = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, feed));
    feeds |= static_cast<std::uint64_t>(static_cast<unsigned>(found)) << (16 * i);
  }
  return feeds;
#else
  std::uint64_t feeds = 0;
  for (std::size_t i = 0; i < 64; ++i) {
    feeds |= static_cast<std::uint64_t>(block[i] == '\n') << i;
  }
  return feeds;
#endif
}

/// Calls visit(line without its end, offset of the line in `bytes`) for every line.  Finds the line
/// feeds of 64 bytes at a time: most lines are too short for a call of memchr() each.
template <class Visit>
void for_each_line(std::string_view bytes, Visit&& visit) {
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  const char* line = begin;
  const auto take = [&](const char* stop, const char* next) {
    const char* const start = std::exchange(line, next);
    if (stop != next && stop != start && stop[-1] == '\r') --stop;
    visit(std::string_view(start, static_cast<std::size_t>(stop - start)),
          static_cast<std::uint64_t>(start - begin));
  };
  const char* block = begin;
  for (; end - block >= 64; block += 64) {
    for (std::uint64_t feeds = line_feeds_of_block(block); feeds != 0; feeds &= feeds - 1) {
      const char* const feed = block + __builtin_ctzll(feeds);
      take(feed, feed + 1);
    }
  }
  for (; block != end; ++block) {
    if (*block == '\n') take(block, block + 1);
  }
  if (line != end) take(end, end);
}

/// Calls visit(line, its offset, lines before it since the last call) for the lines that hold the
/// literal, which is not empty and has neither LF nor CR.  Returns how many lines follow the last
/// one.
template <class Visit>
std::uint64_t for_each_line_with(std::string_view bytes, std::string_view literal, Visit&& visit) {
  std::size_t done = 0;  // Start of the first line that is not counted yet.
  for (;;) {
    const std::size_t found = find_literal(bytes.substr(done), literal);
    if (found == kNotFound) break;
    const std::size_t feed_before = bytes.rfind('\n', done + found);
    const std::size_t start =
        feed_before == std::string_view::npos || feed_before < done ? done : feed_before + 1;
    const std::size_t feed = bytes.find('\n', done + found);
    const std::size_t next = feed == std::string_view::npos ? bytes.size() : feed + 1;
    std::size_t stop = feed == std::string_view::npos ? bytes.size() : feed;
    if (stop != next && stop != start && bytes[stop - 1] == '\r') --stop;
    visit(bytes.substr(start, stop - start), static_cast<std::uint64_t>(start),
          count_byte(bytes.substr(done, start - done), '\n'));
    done = next;
  }
  const std::string_view rest = bytes.substr(done);
  return count_byte(rest, '\n') + (rest.empty() || rest.back() == '\n' ? 0 : 1);
}

}  // namespace detail

// Each format has its Record type, its place in abi::RecordFormat, and a reader that lives as long
// as the task: for_each(block, visit) calls visit(record, offset in the block).

struct Lines {
  using Record = std::string_view;
  static constexpr abi::RecordFormat kFormat = abi::RecordFormat::kLines;
  static constexpr std::uint64_t kFixedLength = 0;

  template <class Visit>
  void for_each(const abi::InputBlock& block, Visit&& visit) {
    detail::for_each_line(block.bytes, visit);
  }
  /// visit(record, offset in the block, records passed over); returns those after the last one.
  template <class Visit>
  std::uint64_t for_each_with(const abi::InputBlock& block, std::string_view literal,
                              Visit&& visit) {
    return detail::for_each_line_with(block.bytes, literal, visit);
  }
};

struct KeyValueLines {
  using Record = KeyValue;
  static constexpr abi::RecordFormat kFormat = abi::RecordFormat::kKeyValue;
  static constexpr std::uint64_t kFixedLength = 0;

  template <class Visit>
  void for_each(const abi::InputBlock& block, Visit&& visit) {
    detail::for_each_line(block.bytes, [&](std::string_view line, std::uint64_t offset) {
      const std::size_t tab = line.find('\t');
      if (tab == std::string_view::npos) {
        visit(KeyValue{line, {}}, offset);
      } else {
        visit(KeyValue{line.substr(0, tab), line.substr(tab + 1)}, offset);
      }
    });
  }
};

struct Csv {
  using Record = CsvRow;
  static constexpr abi::RecordFormat kFormat = abi::RecordFormat::kCsv;
  static constexpr std::uint64_t kFixedLength = 0;

  template <class Visit>
  void for_each(const abi::InputBlock& block, Visit&& visit) {
    row_.use_header(block.header);
    const char* const begin = block.bytes.data();
    const char* const end = begin + block.bytes.size();
    for (const char* at = begin; at != end;) {
      const char* const record = at;
      at = row_.parse(at, end);
      if (!row_.blank()) visit(row_, static_cast<std::uint64_t>(record - begin));
    }
  }

 private:
  CsvRow row_;
};

struct JsonLines {
  using Record = JsonLine;
  static constexpr abi::RecordFormat kFormat = abi::RecordFormat::kJsonLines;
  static constexpr std::uint64_t kFixedLength = 0;

  template <class Visit>
  void for_each(const abi::InputBlock& block, Visit&& visit) {
    detail::for_each_line(block.bytes, [&](std::string_view line, std::uint64_t offset) {
      if (line.find_first_not_of(" \t\r") == std::string_view::npos) return;
      line_.assign(line);
      visit(line_, offset);
    });
  }

 private:
  JsonLine line_;
};

/// Zero: the length is the job's parameter "record_length".
template <std::uint64_t length = 0>
struct FixedLength {
  using Record = std::string_view;
  static constexpr abi::RecordFormat kFormat = abi::RecordFormat::kFixed;
  static constexpr std::uint64_t kFixedLength = length;

  void use_length(std::uint64_t bytes) {
    if (bytes == 0) throw std::invalid_argument("parameter 'record_length' must be at least 1");
    length_ = bytes;
  }

  template <class Visit>
  void for_each(const abi::InputBlock& block, Visit&& visit) {
    for (std::uint64_t at = 0; at < block.bytes.size(); at += length_) {
      if (block.bytes.size() - at < length_) {
        throw std::runtime_error("the last record of '" + std::string(block.file) + "' has " +
                                 std::to_string(block.bytes.size() - at) + " bytes instead of " +
                                 std::to_string(length_));
      }
      visit(block.bytes.substr(at, length_), at);
    }
  }

 private:
  std::uint64_t length_ = length;
};

struct WholeFile {
  using Record = std::string_view;
  static constexpr abi::RecordFormat kFormat = abi::RecordFormat::kWholeFile;
  static constexpr std::uint64_t kFixedLength = 0;

  template <class Visit>
  void for_each(const abi::InputBlock& block, Visit&& visit) {
    visit(block.bytes, std::uint64_t{0});
  }
};

}  // namespace fanfold
