#include "common/io/first_records.hpp"

#include <algorithm>

#include "common/io/record_rules.hpp"

namespace fanfold::io {
namespace {

template <class Rule>
std::string_view cut(std::string_view block, std::uint64_t records) {
  std::size_t end = 0;
  for (; records > 0 && end < block.size(); --records) {
    const std::size_t length = Rule::first_end(block.substr(end), 0);
    // The last record of a file needs no end.
    if (length == kNoEnd) return block;
    end += length;
  }
  return block.substr(0, end);
}

}  // namespace

std::string_view first_records(std::string_view block, const ReadOptions& options,
                               std::uint64_t records) {
  switch (options.format) {
    case abi::RecordFormat::kLines:
    case abi::RecordFormat::kKeyValue:
    case abi::RecordFormat::kJsonLines:
      return cut<LineRule>(block, records);
    case abi::RecordFormat::kCsv:
      return cut<CsvRule>(block, records);
    case abi::RecordFormat::kFixed:
      return records < block.size() / options.fixed_length
                 ? block.substr(0, records * options.fixed_length)
                 : block;
    case abi::RecordFormat::kWholeFile:
      break;
  }
  return block;
}

}  // namespace fanfold::io
