// The only file that knows prometheus-cpp.

#include "common/http/metric_text.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>
#include <utility>

namespace fanfold {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

MetricType type_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return MetricType::Counter;
    case MetricKind::kGauge:
      return MetricType::Gauge;
    case MetricKind::kHistogram:
      break;
  }
  return MetricType::Histogram;
}

ClientMetric labelled(MetricLabels labels) {
  ClientMetric metric;
  for (MetricLabel& label : labels) {
    metric.label.push_back({std::move(label.name), std::move(label.value)});
  }
  return metric;
}

}  // namespace

struct MetricText::Families {
  std::vector<prometheus::MetricFamily> all;
};

MetricText::MetricText() : families_(std::make_unique<Families>()) {}
MetricText::~MetricText() = default;

MetricText& MetricText::begin_family(std::string name, const char* help, MetricKind kind) {
  families_->all.push_back(
      {.name = std::move(name), .help = help, .type = type_of(kind), .metric = {}});
  return *this;
}

MetricText& MetricText::begin(const char* name, const char* help, MetricKind kind) {
  return begin_family(std::string("fanfold_") + name, help, kind);
}

MetricText& MetricText::add(double value, MetricLabels labels) {
  ClientMetric metric = labelled(std::move(labels));
  metric.counter.value = value;
  metric.gauge.value = value;
  families_->all.back().metric.push_back(std::move(metric));
  return *this;
}

MetricText& MetricText::add(const MetricHistogram& histogram, MetricLabels labels) {
  ClientMetric metric = labelled(std::move(labels));
  metric.histogram.sample_count = histogram.count;
  metric.histogram.sample_sum = histogram.sum;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < histogram.bounds.size(); ++i) {
    below += histogram.counts[i];
    metric.histogram.bucket.push_back(
        {.cumulative_count = below, .upper_bound = histogram.bounds[i]});
  }
  families_->all.back().metric.push_back(std::move(metric));
  return *this;
}

void MetricText::add_process(const ProcessFacts& process, double started_unix_seconds) {
  begin_family("process_cpu_seconds_total", "User and system time of the process.",
               MetricKind::kCounter)
      .add(process.cpu_seconds);
  begin_family("process_resident_memory_bytes", "Memory of the process.", MetricKind::kGauge)
      .add(process.resident_bytes);
  begin_family("process_virtual_memory_bytes", "Address space of the process.", MetricKind::kGauge)
      .add(process.virtual_bytes);
  begin_family("process_open_fds", "Open file descriptors.", MetricKind::kGauge)
      .add(process.open_files);
  begin_family("process_max_fds", "Most file descriptors.", MetricKind::kGauge)
      .add(process.open_files_max);
  begin_family("process_start_time_seconds", "When the process was started, as Unix time.",
               MetricKind::kGauge)
      .add(started_unix_seconds);
}

std::string MetricText::text() const {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families_->all);
  return out.str();
}

}  // namespace fanfold
