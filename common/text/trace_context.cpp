#include "common/text/trace_context.hpp"

#include <algorithm>

namespace fanfold {
namespace {

constexpr std::size_t kVersionDigits = 2;
constexpr std::size_t kTraceDigits = 32;
constexpr std::size_t kParentDigits = 16;
constexpr std::size_t kFlagDigits = 2;
/// With a dash before each but the first.
constexpr std::size_t kBytes = kVersionDigits + kTraceDigits + kParentDigits + kFlagDigits + 3;

/// Far beyond what a later version may need.
constexpr std::size_t kBytesMax = 256;

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == text.npos;
}

bool is_id(std::string_view text) {
  return is_hex(text) && text.find_first_not_of('0') != text.npos;
}

std::uint8_t digit(char c) { return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10); }

}  // namespace

std::optional<TraceContext> parse_traceparent(std::string_view text) {
  if (text.size() < kBytes || text.size() > kBytesMax) return std::nullopt;
  const std::string_view version = text.substr(0, kVersionDigits);
  const std::string_view trace = text.substr(kVersionDigits + 1, kTraceDigits);
  const std::string_view parent = text.substr(kVersionDigits + kTraceDigits + 2, kParentDigits);
  const std::string_view flags = text.substr(kBytes - kFlagDigits, kFlagDigits);
  const bool dashes = text[kVersionDigits] == '-' &&
                      text[kVersionDigits + kTraceDigits + 1] == '-' &&
                      text[kBytes - kFlagDigits - 1] == '-';
  if (!dashes || !is_hex(version) || version == "ff" || !is_id(trace) || !is_id(parent) ||
      !is_hex(flags)) {
    return std::nullopt;
  }
  // Later versions may append fields.
  if (text.size() > kBytes && (version == "00" || text[kBytes] != '-')) return std::nullopt;
  TraceContext context;
  context.trace = trace;
  context.parent = parent;
  context.flags = static_cast<std::uint8_t>(digit(flags[0]) * 16 + digit(flags[1]));
  return context;
}

}  // namespace fanfold
