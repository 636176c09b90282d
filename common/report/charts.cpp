#include "common/report/charts.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "common/report/html.hpp"
#include "common/text/names.hpp"
#include "common/text/units.hpp"

namespace fanfold {
namespace {

constexpr std::uint64_t kWidth = 520;
constexpr std::uint64_t kHeight = 120;
constexpr std::uint64_t kBarsMost = 260;

struct Bar {
  std::uint64_t value = 0;
  std::string title;
  bool high = false;
};

struct Axis {
  std::string first;
  std::string last;
  std::string most;  // What the highest bar stands for.
};

std::string attribute(const char* name, std::uint64_t value) {
  return std::string(" ") + name + "=\"" + std::to_string(value) + "\"";
}

/// Tenths of a pixel, so that many bars share the width.
std::string tenths(std::uint64_t value) {
  return std::to_string(value / 10) + "." + std::to_string(value % 10);
}

std::string svg(const std::vector<Bar>& bars, const std::string& style, const Axis& axis,
                const std::string& label) {
  std::uint64_t most = 1;
  for (const Bar& bar : bars) most = std::max(most, bar.value);
  const std::uint64_t step = kWidth * 10 / std::max<std::size_t>(1, bars.size());
  std::string text = "<svg viewBox=\"0 0 " + std::to_string(kWidth) + " " +
                     std::to_string(kHeight + 34) + "\" role=\"img\" aria-label=\"" +
                     escaped(label) + "\">";
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const Bar& bar = bars[i];
    if (bar.value == 0) continue;
    // Wide multiplication: bytes times pixels fit, hostile numbers need not.
    const double part = static_cast<double>(bar.value) / static_cast<double>(most);
    const auto height =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(part * static_cast<double>(kHeight)));
    text += "<rect class=\"bar " + style + (bar.high ? " high" : "") + "\" x=\"" +
            tenths(i * step) + "\"" + attribute("y", 14 + kHeight - height) + " width=\"" +
            tenths(std::max<std::uint64_t>(5, step - std::min<std::uint64_t>(step / 8, 20))) +
            "\"" + attribute("height", height) + "><title>" + escaped(bar.title) +
            "</title></rect>";
  }
  text += "<line class=\"axis\" x1=\"0\"" + attribute("x2", kWidth) +
          attribute("y1", 14 + kHeight) + attribute("y2", 14 + kHeight) + "/>";
  text += "<text x=\"0\"" + attribute("y", kHeight + 29) + ">" + escaped(axis.first) + "</text>";
  text += "<text" + attribute("x", kWidth) + attribute("y", kHeight + 29) +
          " text-anchor=\"end\">" + escaped(axis.last) + "</text>";
  text += "<text x=\"0\" y=\"10\">" + escaped(axis.most) + "</text>";
  return text + "</svg>";
}

std::string time_text(std::uint64_t microseconds) {
  if (microseconds < 1'000'000) return std::to_string(microseconds / 1000) + " ms";
  return format_milliseconds(microseconds / 1000);
}

}  // namespace

std::string duration_chart(const StageAnalysis& stage) {
  const auto& counts = stage.durations.counts;
  std::size_t first = 0;
  std::size_t last = counts.size();
  while (first < last && counts[first] == 0) ++first;
  while (last > first && counts[last - 1] == 0) --last;
  std::vector<Bar> bars;
  std::uint64_t most = 0;
  for (std::size_t i = first; i < last; ++i) {
    const std::string from = i == 0 ? "0 ms" : time_text(Histogram::bound(i - 1));
    const std::string to = i + 1 == counts.size() ? "longer" : time_text(Histogram::bound(i));
    bars.push_back({counts[i], from + " to " + to + ": " + plural(counts[i], "task")});
    most = std::max(most, counts[i]);
  }
  const std::string shortest = first == 0 ? "0 ms" : time_text(Histogram::bound(first - 1));
  const std::string longest = last == 0 ? "" : time_text(Histogram::bound(last - 1));
  const std::string name = name_of(stage.stage);
  return svg(bars, name, {shortest, longest, plural(most, "task")},
             "run times of " + name + " tasks; each bar is twice as long as the one before");
}

std::string size_chart(const JobHistory& history, const StageAnalysis& stage) {
  std::vector<std::uint64_t> sizes(std::min<std::uint64_t>(stage.tasks, 10'000'000));
  for (const AttemptHistory& attempt : history.attempts) {
    const bool counts = attempt.stage == stage.stage && attempt.outcome == Outcome::kCommitted;
    if (counts && attempt.index < sizes.size()) sizes[attempt.index] = attempt.bytes_in;
  }
  const std::size_t share = (sizes.size() + kBarsMost - 1) / kBarsMost;
  const std::string name = name_of(stage.stage);
  std::vector<Bar> bars;
  for (std::size_t begin = 0; begin < sizes.size(); begin += share) {
    const std::size_t end = std::min(begin + share, sizes.size());
    const auto largest = std::max_element(sizes.begin() + static_cast<std::ptrdiff_t>(begin),
                                          sizes.begin() + static_cast<std::ptrdiff_t>(end));
    const auto index = static_cast<std::size_t>(largest - sizes.begin());
    Bar bar;
    bar.value = *largest;
    bar.title = name + "-" + std::to_string(index) + ": " + format_bytes(*largest);
    if (share > 1) bar.title += ", the largest of " + std::to_string(end - begin);
    bar.high = *largest / 3 > stage.bytes_in_median;
    bars.push_back(std::move(bar));
  }
  const std::string last = sizes.empty() ? "" : name + "-" + std::to_string(sizes.size() - 1);
  return svg(bars, name, {name + "-0", last, format_bytes(stage.bytes_in_most)},
             "bytes read by each " + name + " task");
}

std::string emission_chart(const EmissionHistory& emission) {
  std::vector<std::uint64_t> sorted = emission.partition_bytes;
  if (sorted.empty()) return "";
  std::sort(sorted.begin(), sorted.end());
  const std::uint64_t median = sorted[(sorted.size() - 1) / 2];
  // As many as a log may tell of fit.
  const std::size_t shown = std::min<std::size_t>(kBarsMost, emission.partition_bytes.size());
  std::vector<Bar> bars;
  for (std::size_t i = 0; i < shown; ++i) {
    const std::uint64_t bytes = emission.partition_bytes[i];
    bars.push_back(
        {bytes, "partition " + std::to_string(i) + ": " + format_bytes(bytes), bytes / 3 > median});
  }
  return svg(bars, "map", {"0", std::to_string(shown - 1), format_bytes(sorted.back())},
             "bytes emitted for each partition");
}

}  // namespace fanfold
