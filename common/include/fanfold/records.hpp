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

#include "fanfold/abi.hpp"
#include "fanfold/csv.hpp"
#include "fanfold/json.hpp"

namespace fanfold {

struct KeyValue {
  std::string_view key;
  std::string_view value;
};

namespace detail {

/// Calls visit(line without its end, offset of the line in `bytes`) for every line.
template <class Visit>
void for_each_line(std::string_view bytes, Visit&& visit) {
  const char* const begin = bytes.data();
  const char* const end = begin + bytes.size();
  for (const char* at = begin; at != end;) {
    const auto* feed =
        static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    const char* stop = feed == nullptr ? end : feed;
    const char* next = feed == nullptr ? end : feed + 1;
    if (feed != nullptr && stop != at && stop[-1] == '\r') --stop;
    visit(std::string_view(at, static_cast<std::size_t>(stop - at)),
          static_cast<std::uint64_t>(at - begin));
    at = next;
  }
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
