// Sizes, times and counts as people write and read them.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "common/core/time.hpp"

namespace fanfold {

/// "4096", "64K", "64KiB", "1.5G": K, M, G and T are powers of 1024.
Result<std::uint64_t> parse_bytes(std::string_view text);

/// "500ms", "30s", "5m", "2h"; a bare number is seconds.
Result<Duration> parse_duration(std::string_view text);

/// A whole number of at least `least` and at most `most`; messages name neither flag nor command.
Result<std::uint64_t> parse_count(std::string_view text, std::uint64_t least, std::uint64_t most);

std::string format_bytes(std::uint64_t bytes);                   // "17 B", "1.2 MiB"
std::string format_count(std::uint64_t count);                   // "1,234,567"
std::string format_milliseconds(std::uint64_t milliseconds);     // "0.42 s", "2 min 03 s"
std::string plural(std::uint64_t count, std::string_view noun);  // "1 task", "2 tasks"

/// Cut to `columns` characters, with "..." where something is missing.  Counts UTF-8 characters.
std::string fit(std::string_view text, std::size_t columns);

/// Without control characters: what a terminal may be shown of text that is not ours.  Line feeds
/// and tabs stay when `lines`.
std::string printable(std::string_view text, bool lines);

}  // namespace fanfold
