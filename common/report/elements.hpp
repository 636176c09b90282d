// Pieces that pages are made of.  What they are given is HTML already: texts go through html.hpp.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fanfold {

/// "17 µs", "420 ms", "2 min 03 s".
std::string time_text(std::uint64_t microseconds);
/// "2026-11-27 10:00:00 UTC".
std::string utc(std::uint64_t unix_us);
/// "12 %", rounded down; of nothing it is none.
std::string percent(std::uint64_t part, std::uint64_t whole);
/// "12.345", for widths in percent: never more than 100.
std::string share(std::uint64_t part, std::uint64_t whole);

std::string cell(const std::string& html);
std::string number_cell(const std::string& html);
/// Headings that begin with '#' stand over numbers.
std::string table(const std::vector<std::string>& headings, const std::vector<std::string>& rows);
/// One number, and below it what it is.
std::string card(const std::string& value, const std::string& label);
/// A job's state as a coloured word.
std::string state_badge(const std::string& state);

}  // namespace fanfold
