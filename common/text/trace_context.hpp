// The W3C `traceparent` by which a trace goes on from one program to the next
// (https://www.w3.org/TR/trace-context/).

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fanfold {

struct TraceContext {
  std::string trace;   // 32 lower-case hex digits, not all of them 0.
  std::string parent;  // 16 of them: the span that caused this.
  std::uint8_t flags = 0;
};

/// "00-TRACE-PARENT-FLAGS".  Of a later version what is known of this one is read.  nullopt: it is
/// none.
std::optional<TraceContext> parse_traceparent(std::string_view text);

}  // namespace fanfold
