// Cuts test inputs into splits and blocks of whole records.  Simple and in memory; the product
// reads files with far more care.

#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "fanfold/abi.hpp"

namespace fanfold::testing {

struct Input {
  std::string text = {};
  std::string name = "input";
  std::string tag = {};
};

/// A range of whole records.
struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Where the record that begins at `begin` ends.
inline std::size_t end_of_record(const abi::JobInfo& job, std::uint64_t fixed_length,
                                 std::string_view text, std::size_t begin) {
  switch (job.format) {
    case abi::RecordFormat::kWholeFile:
      return text.size();
    case abi::RecordFormat::kFixed:
      return std::min<std::size_t>(text.size(), begin + fixed_length);
    case abi::RecordFormat::kCsv: {
      bool quoted = false;
      for (std::size_t i = begin; i < text.size(); ++i) {
        if (text[i] == '"') quoted = !quoted;
        if (text[i] == '\n' && !quoted) return i + 1;
      }
      return text.size();
    }
    case abi::RecordFormat::kLines:
    case abi::RecordFormat::kKeyValue:
    case abi::RecordFormat::kJsonLines:
      break;
  }
  const std::size_t feed = text.find('\n', begin);
  return feed == std::string_view::npos ? text.size() : feed + 1;
}

/// Cuts [begin, end) into ranges of at least `bytes` bytes, the last one excepted.
inline std::vector<Range> cut(const abi::JobInfo& job, std::uint64_t fixed_length,
                              std::string_view text, Range whole, std::size_t bytes) {
  std::vector<Range> ranges;
  // An empty file is one record to a job that reads whole files.
  if (job.format == abi::RecordFormat::kWholeFile) return {whole};
  Range range{whole.begin, whole.begin};
  while (range.end < whole.end) {
    range.end = end_of_record(job, fixed_length, text.substr(0, whole.end), range.end);
    if (range.end - range.begin >= bytes || range.end == whole.end) {
      ranges.push_back(range);
      range.begin = range.end;
    }
  }
  return ranges;
}

/// What is left when the header, if the job has one, is taken off.
inline std::size_t size_of_header(const abi::JobInfo& job, std::string_view text) {
  return job.csv_header ? end_of_record(job, 0, text, 0) : 0;
}

inline std::string_view trim_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace fanfold::testing
