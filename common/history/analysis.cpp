#include "common/history/analysis.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "common/text/names.hpp"

namespace fanfold {
namespace {

constexpr std::size_t kListed = 10;
constexpr std::size_t kExamples = 3;
/// Nobody looks for the reason of a task that took less than this.
constexpr std::uint64_t kNoticeable = 1'000'000;
/// Beyond these the rest is one group.
constexpr std::size_t kFailureGroups = 20;

/// The least value that so many of a hundred do not exceed.
std::uint64_t percentile(std::vector<std::uint64_t>& values, std::size_t percent) {
  if (values.empty()) return 0;
  const std::size_t rank = std::max<std::size_t>(1, (values.size() * percent + 99) / 100);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

template <class Key>
std::vector<std::size_t> top(std::vector<std::size_t> indexes, const Key& key) {
  const std::size_t count = std::min(kListed, indexes.size());
  std::partial_sort(indexes.begin(), indexes.begin() + static_cast<std::ptrdiff_t>(count),
                    indexes.end(), [&](std::size_t a, std::size_t b) { return key(a) > key(b); });
  indexes.resize(count);
  return indexes;
}

/// When the first lane of those that worked for the stage had nothing to do any more.
std::uint64_t first_idle(const JobHistory& history, Stage stage, std::uint64_t stage_ended) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> last;
  for (const AttemptHistory& attempt : history.attempts) {
    if (attempt.stage != stage) continue;
    std::uint64_t& ended = last[{attempt.worker, attempt.lane}];
    ended = std::max(ended, attempt.ended);
  }
  std::uint64_t idle = stage_ended;
  for (const auto& [lane, ended] : last) idle = std::min(idle, ended);
  return idle;
}

void count(const AttemptHistory& attempt, AttemptCounts* counts) {
  ++counts->all;
  if (attempt.speculative) ++counts->speculative;
  if (attempt.number > 1 && !attempt.speculative) ++counts->again;
  if (attempt.outcome == Outcome::kUnfinished) ++counts->running;
  if (attempt.outcome == Outcome::kFailed) ++counts->failed;
  if (attempt.outcome == Outcome::kLost) ++counts->lost;
  if (attempt.outcome == Outcome::kAbandoned) ++counts->abandoned;
}

StageAnalysis analyse_stage(const JobHistory& history, const StageHistory& stage) {
  StageAnalysis result;
  result.stage = stage.stage;
  result.tasks = stage.tasks;
  std::vector<std::size_t> committed;
  std::vector<std::uint64_t> durations;
  std::vector<std::uint64_t> waits;
  std::vector<std::uint64_t> sizes;
  std::uint64_t last = 0;
  std::uint64_t first = history.elapsed;
  for (std::size_t i = 0; i < history.attempts.size(); ++i) {
    const AttemptHistory& attempt = history.attempts[i];
    if (attempt.stage != stage.stage) continue;
    count(attempt, &result.attempts);
    first = std::min(first, attempt.assigned);
    last = std::max(last, attempt.ended);
    if (attempt.outcome != Outcome::kCommitted) continue;
    committed.push_back(i);
    if (!result.last || attempt.ended >= history.attempts[*result.last].ended) result.last = i;
    durations.push_back(attempt.ran());
    waits.push_back(attempt.started - std::min(attempt.started, attempt.assigned));
    sizes.push_back(attempt.bytes_in);
    result.busy += attempt.ran();
    result.bytes_in += attempt.bytes_in;
    result.records_in += attempt.records_in;
    result.bytes_out += attempt.bytes_out;
    result.records_out += attempt.records_out;
    result.spills += attempt.spills;
    result.peak_rss_bytes = std::max(result.peak_rss_bytes, attempt.peak_rss_bytes);
    result.durations.add(attempt.ran());
  }
  result.started = stage.started.value_or(first);
  result.ended = std::max(result.started, stage.ended.value_or(last));
  result.committed = committed.size();
  result.median = percentile(durations, 50);
  result.p95 = percentile(durations, 95);
  result.p99 = percentile(durations, 99);
  result.longest = percentile(durations, 100);
  result.waited_median = percentile(waits, 50);
  result.waited_p95 = percentile(waits, 95);
  result.bytes_in_median = percentile(sizes, 50);
  result.bytes_in_most = percentile(sizes, 100);
  for (const std::uint64_t ran : durations) {
    if (ran > 2 * result.median && ran > kNoticeable) ++result.stragglers;
  }
  result.tail =
      result.ended - std::min(result.ended, first_idle(history, stage.stage, result.ended));
  result.slowest = top(committed, [&](std::size_t i) { return history.attempts[i].ran(); });
  result.largest = top(committed, [&](std::size_t i) { return history.attempts[i].bytes_in; });
  return result;
}

/// Addresses, offsets and names of hosts differ from one failure to the next of the same kind.
std::string without_numbers(std::string_view text) {
  std::string kind;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit || !kind.ends_with('#')) kind += digit ? '#' : c;
  }
  return kind;
}

std::vector<FailureGroup> group_failures(const JobHistory& history) {
  std::map<std::pair<std::string, std::string>, FailureGroup> groups;
  for (std::size_t i = 0; i < history.attempts.size(); ++i) {
    const AttemptHistory& attempt = history.attempts[i];
    if (attempt.outcome != Outcome::kFailed && attempt.outcome != Outcome::kLost) continue;
    std::pair<std::string, std::string> key = {attempt.cause, without_numbers(attempt.message)};
    // One more for each cause: there are not many of those.
    if (groups.size() >= kFailureGroups && !groups.contains(key)) key.second = "others";
    FailureGroup& group = groups[key];
    group.cause = attempt.cause;
    if (group.count == 0) group.message = attempt.message;
    group.charged = attempt.charged;
    group.wasted += attempt.ran();
    ++group.count;
    if (group.examples.size() < kExamples) group.examples.push_back(i);
  }
  std::vector<FailureGroup> sorted;
  for (auto& [key, group] : groups) sorted.push_back(std::move(group));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const FailureGroup& a, const FailureGroup& b) { return a.count > b.count; });
  return sorted;
}

}  // namespace

void Histogram::add(std::uint64_t microseconds) {
  std::size_t bucket = 0;
  while (bucket + 1 < kBuckets && microseconds > bound(bucket)) ++bucket;
  ++counts[bucket];
}

std::string name_of(const AttemptHistory& attempt) {
  std::string name = name_of(TaskId{{}, attempt.stage, attempt.index});
  if (attempt.number != 0) name += "." + std::to_string(attempt.number);
  return name;
}

Analysis analyse(const JobHistory& history) {
  Analysis analysis;
  for (const WorkerHistory& worker : history.workers) analysis.slots += worker.slots;
  for (const AttemptHistory& attempt : history.attempts) {
    analysis.busy += attempt.ran();
    if (attempt.outcome != Outcome::kCommitted && attempt.outcome != Outcome::kUnfinished) {
      analysis.wasted += attempt.ran();
    }
  }
  for (const StageHistory& stage : history.stages) {
    analysis.stages.push_back(analyse_stage(history, stage));
    if (stage.stage != Stage::kMap || !stage.ended || history.state == "running") continue;
    analysis.gather = history.elapsed - std::min(history.elapsed, *stage.ended);
  }
  analysis.failures = group_failures(history);
  analysis.critical_path = critical_path(history);
  analysis.advice = advise(history, analysis);
  return analysis;
}

}  // namespace fanfold
