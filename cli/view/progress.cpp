#include "cli/view/progress.hpp"

#include <algorithm>

#include "cli/view/names.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;

// Heartbeats bring new numbers once a second: a shorter window would show noise.
constexpr Duration kSpeedWindow = 900ms;
constexpr double kSpeedInertia = 0.6;
constexpr std::size_t kBarColumnsMin = 8;
constexpr std::size_t kBarColumnsMax = 40;

constexpr const char* kGreen = "\x1b[32m";
constexpr const char* kYellow = "\x1b[33m";
constexpr const char* kReset = "\x1b[0m";

double fraction_of(const proto::StageStatus& stage, bool finished) {
  if (finished) return 1;
  double fraction = 0;
  if (stage.bytes_total > 0) {
    fraction = static_cast<double>(stage.bytes_done) / static_cast<double>(stage.bytes_total);
  } else if (stage.tasks > 0) {
    fraction = static_cast<double>(stage.done) / static_cast<double>(stage.tasks);
  }
  // Only a finished stage is shown as 100 %.
  return std::clamp(fraction, 0.0, 0.99);
}

std::string padded(std::string text, std::size_t columns) {
  if (text.size() < columns) text.insert(0, columns - text.size(), ' ');
  return text;
}

std::string time_left(const proto::StageStatus& stage, double fraction, double bytes_per_second) {
  double seconds = 0;
  if (stage.bytes_total > stage.bytes_done && bytes_per_second > 1) {
    seconds = static_cast<double>(stage.bytes_total - stage.bytes_done) / bytes_per_second;
  } else if (fraction > 0.02) {
    seconds = static_cast<double>(stage.elapsed_ms) / 1000 * (1 - fraction) / fraction;
  }
  if (seconds < 1 || seconds > 1e7) return "";
  const auto whole = static_cast<std::uint64_t>(seconds + 0.5);
  if (whole < 60) return "ETA " + std::to_string(whole) + " s";
  return "ETA " + format_milliseconds(whole * 1000);
}

}  // namespace

bool is_open(const proto::JobStatus& status, const proto::StageStatus& stage) {
  return status.queue.open && stage.stage == Stage::kMap;
}

std::string tasks_text(const proto::JobStatus& status, const proto::StageStatus& stage) {
  return plural(stage.tasks, "task") + (is_open(status, stage) ? " fed so far" : "");
}

bool is_finished(const proto::JobStatus& status, const proto::StageStatus& stage) {
  if (is_open(status, stage)) return false;
  if (stage.done < stage.tasks) return false;
  if (stage.tasks > 0) return true;
  // A stage without tasks is over when the job is; before that its tasks may not be known yet.
  return status.state == proto::JobState::kSucceeded;
}

void Progress::update(Instant now, const proto::JobStatus& status) {
  for (const proto::StageStatus& stage : status.stages) {
    const auto [entry, fresh] = speeds_.try_emplace(stage.stage);
    Speed& speed = entry->second;
    if (fresh || stage.bytes_done < speed.bytes) {
      speed.sampled = now;
      speed.bytes = stage.bytes_done;
      continue;
    }
    const Duration window = now - speed.sampled;
    if (window < kSpeedWindow) continue;
    const double seconds = std::chrono::duration<double>(window).count();
    const double latest = static_cast<double>(stage.bytes_done - speed.bytes) / seconds;
    speed.bytes_per_second = speed.bytes_per_second <= 0 ? latest
                                                         : speed.bytes_per_second * kSpeedInertia +
                                                               latest * (1 - kSpeedInertia);
    speed.sampled = now;
    speed.bytes = stage.bytes_done;
  }
  status_ = status;
}

std::string Progress::bar(const proto::StageStatus& stage, const ProgressStyle& style) const {
  const bool finished = is_finished(status_, stage);
  const double fraction = fraction_of(stage, finished);
  const auto speed = speeds_.find(stage.stage);
  const double rate = speed == speeds_.end() ? 0 : speed->second.bytes_per_second;

  std::string left = name_of(stage.stage);
  left.resize(std::max<std::size_t>(left.size(), 7), ' ');
  // Of how much, nobody knows.
  const bool open = is_open(status_, stage);
  left += (open ? "open" : padded(std::to_string(static_cast<int>(fraction * 100)) + "%", 4)) + " ";
  // What matters least stands last and is left out first.
  std::vector<std::string> facts = {std::to_string(stage.done) + "/" + tasks_text(status_, stage)};
  if (finished) {
    facts.push_back(format_milliseconds(stage.elapsed_ms));
    if (stage.bytes_done > 0) facts.push_back(format_bytes(stage.bytes_done));
  } else {
    const std::string eta = open ? "" : time_left(stage, fraction, rate);
    if (rate >= 1) facts.push_back(format_bytes(static_cast<std::uint64_t>(rate)) + "/s");
    if (!eta.empty()) facts.push_back(eta);
    if (status_.control.paused) facts.push_back("paused");
    if (stage.running > 0) facts.push_back(std::to_string(stage.running) + " running");
  }
  std::string right;
  for (const std::string& fact : facts) {
    const std::size_t with_fact = left.size() + right.size() + 2 + fact.size();
    if (with_fact + kBarColumnsMin + 2 > style.columns && !right.empty()) break;
    right += "  " + fact;
  }
  const std::size_t taken = left.size() + right.size() + 2;
  if (taken + kBarColumnsMin > style.columns) return fit(left + right, style.columns);
  const std::size_t width = std::min(style.columns - taken, kBarColumnsMax);
  const auto filled = static_cast<std::size_t>(fraction * static_cast<double>(width));
  std::string body(filled, '=');
  if (!finished && filled < width) body += '>';
  body.resize(width, ' ');
  if (style.colour) body = (finished ? kGreen : kYellow) + body + kReset;
  return left + "[" + body + "]" + right;
}

std::vector<std::string> Progress::bars(const ProgressStyle& style) const {
  std::vector<std::string> lines;
  for (const proto::StageStatus& stage : status_.stages) lines.push_back(bar(stage, style));
  std::string trouble;
  if (status_.failed_attempts > 0) trouble = plural(status_.failed_attempts, "failed attempt");
  if (status_.lost_attempts > 0) {
    trouble += (trouble.empty() ? "" : ", ") + plural(status_.lost_attempts, "lost attempt");
  }
  if (!trouble.empty()) lines.push_back(fit("retries: " + trouble, style.columns));
  if (status_.state == proto::JobState::kPublishing) {
    lines.push_back(fit("publishing the output", style.columns));
  }
  return lines;
}

std::vector<std::string> Progress::finished_stages() {
  std::vector<std::string> lines;
  for (const proto::StageStatus& stage : status_.stages) {
    Speed& speed = speeds_[stage.stage];
    if (speed.reported || !is_finished(status_, stage)) continue;
    speed.reported = true;
    lines.push_back(stage_line(stage));
  }
  return lines;
}

std::string stage_line(const proto::StageStatus& stage) {
  std::string line = std::string(name_of(stage.stage)) + ": " + plural(stage.tasks, "task");
  if (stage.bytes_done > 0) line += ", " + format_bytes(stage.bytes_done) + " in";
  line += ", " + plural(stage.records_in, "record") + " in, " + format_count(stage.records_out) +
          " out, " + format_milliseconds(stage.elapsed_ms);
  return line;
}

}  // namespace fanfold::cli
