// Metrics in the text format that Prometheus scrapes, put together one family after the other.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/http/process_facts.hpp"

namespace fanfold {

/// Content type of MetricText::text().
inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

enum class MetricKind : std::uint8_t { kCounter, kGauge, kHistogram };

struct MetricLabel {
  std::string name;
  std::string value;
};
using MetricLabels = std::vector<MetricLabel>;

struct MetricHistogram {
  std::span<const double> bounds;  // Ascending; counts beyond the last are in `count` alone.
  std::span<const std::uint64_t> counts;
  std::uint64_t count = 0;
  double sum = 0;
};

class MetricText {
 public:
  MetricText();
  ~MetricText();
  MetricText(const MetricText&) = delete;
  MetricText& operator=(const MetricText&) = delete;

  /// The metrics that follow belong to it: fanfold_NAME.
  MetricText& begin(const char* name, const char* help, MetricKind kind);
  MetricText& add(double value, MetricLabels labels = {});
  MetricText& add(std::uint64_t value, MetricLabels labels = {}) {
    return add(static_cast<double>(value), std::move(labels));
  }
  MetricText& add(const MetricHistogram& histogram, MetricLabels labels = {});

  /// process_...: what every exporter has.
  void add_process(const ProcessFacts& process, double started_unix_seconds);

  std::string text() const;

 private:
  struct Families;
  MetricText& begin_family(std::string name, const char* help, MetricKind kind);

  std::unique_ptr<Families> families_;
};

}  // namespace fanfold
