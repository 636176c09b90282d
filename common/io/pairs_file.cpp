#include "common/io/pairs_file.hpp"

#include <charconv>

#include "common/core/limits.hpp"
#include "common/io/part_file.hpp"

namespace fanfold::io {
namespace {

constexpr const char* kOutput = "_PAIRS";

bool take(std::string_view word, std::string_view* text) {
  if (!text->starts_with(word)) return false;
  text->remove_prefix(word.size());
  return true;
}

bool take_number(std::string_view* text, std::uint32_t* number) {
  const char* const end = text->data() + text->size();
  const auto [rest, error] = std::from_chars(text->data(), end, *number);
  if (error != std::errc()) return false;
  text->remove_prefix(static_cast<std::size_t>(rest - text->data()));
  return true;
}

}  // namespace

std::string pairs_file_name(std::uint32_t partition, std::uint32_t partitions) {
  return part_name(kOutput, partition, partitions, PartCompression::kNone);
}

std::optional<PairsFileName> parse_pairs_file_name(std::string_view name) {
  PairsFileName parsed;
  std::string_view rest = name;
  const bool whole = take(kOutput, &rest) && take("-", &rest) &&
                     take_number(&rest, &parsed.partition) && take("-of-", &rest) &&
                     take_number(&rest, &parsed.partitions) && rest.empty();
  if (!whole || parsed.partitions > limits::kPartitions) return std::nullopt;
  if (parsed.partition >= parsed.partitions) return std::nullopt;
  // One spelling for each.
  if (name != pairs_file_name(parsed.partition, parsed.partitions)) return std::nullopt;
  return parsed;
}

}  // namespace fanfold::io
