#include "worker/items/retry.hpp"

#include <algorithm>
#include <cmath>

namespace fanfold::worker {

using items::Json;

bool error_matches(std::string_view name, std::string_view error) {
  const bool stalled = error == "Task.Stalled" || error == "States.HeartbeatTimeout";
  const bool late = stalled || error == "Task.Timeout" || error == "States.Timeout";
  if (name == "States.ALL" || name == error) return true;
  if (name == "States.TaskFailed") return !late;
  if (name == "States.HeartbeatTimeout" || name == "Task.Stalled") return stalled;
  if (name == "States.Timeout") return late;
  return name == "Task.Timeout" && late && !stalled;
}

namespace {

bool any_matches(const Json& entry, const std::string& error) {
  const Json& names = entry.at("ErrorEquals");
  return std::any_of(names.begin(), names.end(), [&](const Json& name) {
    return error_matches(name.get_ref<const std::string&>(), error);
  });
}

}  // namespace

const Json* find_catcher(const Json* catchers, const std::string& error) {
  if (catchers == nullptr) return nullptr;
  for (const Json& catcher : *catchers) {
    if (any_matches(catcher, error)) return &catcher;
  }
  return nullptr;
}

Retries::Retries(const Json* retriers)
    : retriers_(retriers), used_(retriers == nullptr ? 0 : retriers->size(), 0) {}

std::optional<Duration> Retries::next(const std::string& error, std::mt19937_64& random) {
  for (std::size_t i = 0; i < used_.size(); ++i) {
    const Json& retrier = (*retriers_)[i];
    if (!any_matches(retrier, error)) continue;
    if (used_[i] >= retrier.value("MaxAttempts", 3u)) return std::nullopt;
    double seconds = retrier.value("IntervalSeconds", 1.0) *
                     std::pow(retrier.value("BackoffRate", 2.0), used_[i]++);
    seconds = std::min(seconds, retrier.value("MaxDelaySeconds", 86'400.0));
    if (retrier.value("JitterStrategy", "NONE") == "FULL") {
      seconds *= std::uniform_real_distribution<double>(0, 1)(random);
    }
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  }
  return std::nullopt;
}

}  // namespace fanfold::worker
