#include "common/text/units.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

namespace fanfold {
namespace {

struct Number {
  double value = 0;
  std::string_view unit;  // What follows the number, without spaces.
};

bool split_number(std::string_view text, Number* number) {
  const char* end = text.data() + text.size();
  const auto [rest, error] =
      std::from_chars(text.data(), end, number->value, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number->value) || number->value < 0) return false;
  number->unit = std::string_view(rest, static_cast<std::size_t>(end - rest));
  while (number->unit.starts_with(' ')) number->unit.remove_prefix(1);
  return true;
}

Status not_a_size(std::string_view text) {
  return Status(StatusCode::kInvalidArgument, "'" + std::string(text) +
                                                  "' is not a size; write bytes or a number with "
                                                  "K, M, G or T, such as 64M");
}

std::string with_decimals(double value, int decimals) {
  std::array<char, 64> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), "%.*f", decimals, value);
  return std::string(buffer.data(), static_cast<std::size_t>(length));
}

std::string two_digits(std::uint64_t value) {
  return (value < 10 ? "0" : "") + std::to_string(value);
}

}  // namespace

Result<std::uint64_t> parse_bytes(std::string_view text) {
  Number number;
  if (!split_number(text, &number)) return not_a_size(text);
  std::string_view unit = number.unit;
  constexpr std::string_view kPrefixes = "KMGT";
  double factor = 1;
  if (!unit.empty() && unit != "B" && unit != "b") {
    const char letter = unit[0] >= 'a' ? static_cast<char>(unit[0] - 'a' + 'A') : unit[0];
    const std::size_t power = kPrefixes.find(letter);
    const std::string_view rest = unit.substr(1);
    if (power == std::string_view::npos) return not_a_size(text);
    if (!rest.empty() && rest != "B" && rest != "iB" && rest != "b" && rest != "ib") {
      return not_a_size(text);
    }
    factor = std::pow(1024.0, static_cast<double>(power + 1));
  }
  const double bytes = number.value * factor;
  if (bytes >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) {
    return not_a_size(text);
  }
  return static_cast<std::uint64_t>(std::llround(bytes));
}

Result<Duration> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view name;
    double seconds;
  };
  static constexpr std::array<Unit, 5> kUnits = {
      {{"", 1}, {"s", 1}, {"ms", 0.001}, {"m", 60}, {"h", 3600}}};
  Number number;
  if (split_number(text, &number)) {
    for (const Unit& unit : kUnits) {
      const double seconds = number.value * unit.seconds;
      // A hundred years: far from the end of the clock.
      if (number.unit == unit.name && seconds < 3.2e9) {
        return Duration(static_cast<Duration::rep>(seconds * 1e9));
      }
    }
  }
  return Status(
      StatusCode::kInvalidArgument,
      "'" + std::string(text) + "' is not a time; write a number with ms, s, m or h, such as 90s");
}

Result<std::uint64_t> parse_count(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || value < least || value > most) {
    return Status(StatusCode::kInvalidArgument,
                  "'" + std::string(text) + "' is not a whole number from " +
                      std::to_string(least) + " to " + std::to_string(most));
  }
  return value;
}

std::string format_bytes(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1023.95 would be shown as "1024.0".
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return with_decimals(value, 1) + " " + std::string(kUnits[unit]);
}

std::string format_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string format_milliseconds(std::uint64_t milliseconds) {
  const double seconds = static_cast<double>(milliseconds) / 1000;
  if (milliseconds < 9'995) return with_decimals(seconds, 2) + " s";
  if (milliseconds < 59'950) return with_decimals(seconds, 1) + " s";
  const std::uint64_t whole = (milliseconds + 500) / 1000;
  if (whole < 3600) return std::to_string(whole / 60) + " min " + two_digits(whole % 60) + " s";
  return std::to_string(whole / 3600) + " h " + two_digits(whole / 60 % 60) + " min";
}

std::string plural(std::uint64_t count, std::string_view noun) {
  return format_count(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string fit(std::string_view text, std::size_t columns) {
  std::size_t characters = 0;
  std::size_t cut = 0;  // Where the text ends when "..." follows.
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) == 0x80) continue;
    if (characters + 3 <= columns) cut = i;
    ++characters;
  }
  if (characters <= columns) return std::string(text);
  if (columns < 3) return std::string(columns, '.');
  return std::string(text.substr(0, cut)) + "...";
}

std::string printable(std::string_view text, bool lines) {
  std::string clean;
  clean.reserve(text.size());
  for (const char c : text) {
    const unsigned char byte = static_cast<unsigned char>(c);
    const bool kept = byte >= 0x20 && byte != 0x7f;
    clean += kept || (lines && (c == '\n' || c == '\t')) ? c : '?';
  }
  return clean;
}

}  // namespace fanfold
