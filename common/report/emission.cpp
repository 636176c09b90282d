#include "common/report/emission.hpp"

#include <algorithm>
#include <vector>

#include "common/report/charts.hpp"
#include "common/report/elements.hpp"
#include "common/report/html.hpp"
#include "common/text/units.hpp"

namespace fanfold {
namespace {

constexpr std::size_t kKeyColumns = 120;

/// "12.3 %": small shares are what this is about.
std::string tenths(std::uint64_t part, std::uint64_t whole) {
  const std::string exact = share(part, whole);
  return exact.substr(0, exact.find('.') + 2) + " %";
}

std::string key_row(const EmissionHistory& emission, const HotKeyHistory& key) {
  const bool known = key.partition < emission.partition_bytes.size();
  return cell(code(key.key, kKeyColumns)) + number_cell(std::to_string(key.partition)) +
         number_cell(format_bytes(key.bytes)) + number_cell(tenths(key.bytes, emission.bytes)) +
         number_cell(known ? tenths(key.bytes, emission.partition_bytes[key.partition]) : "");
}

}  // namespace

std::string emission_section(const EmissionHistory& emission) {
  if (emission.bytes == 0) return "";
  std::string html = "<h2>Hot keys</h2>";
  if (emission.keys.empty()) {
    html += "<p>None: no key has much of the " + format_bytes(emission.bytes) +
            " that maps emitted.</p>";
  } else {
    std::vector<std::string> rows;
    for (const HotKeyHistory& key : emission.keys) rows.push_back(key_row(emission, key));
    html += table({"key", "#partition", "#emitted", "#of all", "#of its partition"}, rows);
  }
  html +=
      "<p class=\"faint\">Bytes of keys and values that maps emitted, before any combining, "
      "worked out from samples: " +
      format_bytes(emission.bytes) + " in all.</p>";
  if (emission.partition_bytes.size() > 1) {
    html += "<div class=\"charts\"><figure>" + emission_chart(emission) +
            "<figcaption>bytes emitted for each partition; red: more than three times the "
            "median</figcaption></figure></div>";
  }
  return html + "\n";
}

}  // namespace fanfold
