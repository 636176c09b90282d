#include "common/report/elements.hpp"

#include <algorithm>
#include <array>
#include <ctime>

#include "common/report/html.hpp"
#include "common/text/units.hpp"

namespace fanfold {

std::string time_text(std::uint64_t microseconds) {
  if (microseconds < 1'000) return std::to_string(microseconds) + " µs";
  if (microseconds < 1'000'000) return std::to_string(microseconds / 1000) + " ms";
  return format_milliseconds(microseconds / 1000);
}

std::string utc(std::uint64_t unix_us) {
  const auto seconds =
      static_cast<std::time_t>(std::min<std::uint64_t>(unix_us / 1'000'000, 253402300799));
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "0 %";
  return std::to_string(static_cast<std::uint64_t>(100.0 * static_cast<double>(part) /
                                                   static_cast<double>(whole))) +
         " %";
}

/// "12.345", for widths: never more than 100.
std::string share(std::uint64_t part, std::uint64_t whole) {
  const double value =
      whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  const auto thousandths = static_cast<std::uint64_t>(std::clamp(value, 0.0, 100.0) * 1000);
  return std::to_string(thousandths / 1000) + "." +
         std::to_string(1000 + thousandths % 1000).substr(1);
}

std::string cell(const std::string& html) { return "<td>" + html + "</td>"; }
std::string number_cell(const std::string& html) { return "<td class=\"n\">" + html + "</td>"; }

/// Headings that begin with '#' stand over numbers.
std::string table(const std::vector<std::string>& headings, const std::vector<std::string>& rows) {
  std::string html = "<div class=\"scroll\"><table><thead><tr>";
  for (const std::string& heading : headings) {
    const bool number = heading.starts_with('#');
    html += (number ? "<th class=\"n\">" : "<th>") + heading.substr(number ? 1 : 0) + "</th>";
  }
  html += "</tr></thead><tbody>";
  for (const std::string& row : rows) html += "<tr>" + row + "</tr>";
  return html + "</tbody></table></div>";
}

std::string card(const std::string& value, const std::string& label) {
  return "<div class=\"card\"><b>" + value + "</b><span>" + label + "</span></div>";
}

std::string state_badge(const std::string& state) {
  // A class of ours or none.
  const bool known = state == "succeeded" || state == "failed";
  const std::string text = escaped(state);
  return "<span class=\"state " + (known ? text : "") + "\">" + text + "</span>";
}

}  // namespace fanfold
