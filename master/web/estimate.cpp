#include "master/web/estimate.hpp"

#include <algorithm>
#include <cmath>

namespace fanfold::master::web {
namespace {

constexpr std::uint32_t kTasksLeast = 2;
constexpr double kProgressLeast = 0.02;

}  // namespace

bool is_open(const proto::JobStatus& job, const proto::StageStatus& stage) {
  return job.queue.open && stage.stage == Stage::kMap;
}

double progress(const proto::StageStatus& stage) {
  if (stage.tasks == 0) return 0;
  if (stage.done >= stage.tasks) return 1;
  const double part =
      stage.bytes_total > 0
          ? static_cast<double>(stage.bytes_done) / static_cast<double>(stage.bytes_total)
          : static_cast<double>(stage.done) / static_cast<double>(stage.tasks);
  // Bytes of running attempts count, and an attempt may have to run again.
  return std::clamp(part, 0.0, 0.99);
}

std::optional<Estimate> estimate(const proto::StageStatus& stage) {
  const double part = progress(stage);
  if (stage.done < kTasksLeast || part < kProgressLeast || part >= 1) return std::nullopt;
  const double likely = static_cast<double>(stage.elapsed_ms) * (1 - part) / part;
  const double error = 1 / std::sqrt(static_cast<double>(stage.done));
  const auto whole = [](double milliseconds) {
    return static_cast<std::uint64_t>(std::min(milliseconds, 1e15));
  };
  return Estimate{.likely_ms = whole(likely),
                  .least_ms = whole(likely * (1 - error)),
                  .most_ms = whole(likely * (1 + error))};
}

}  // namespace fanfold::master::web
