#include "master/service/attempt_logs.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace fanfold::master {
namespace {

/// What an entry costs besides its text: the struct and the nodes that hold it.
constexpr std::size_t kEntryBytes = 320;

std::size_t bytes_of(const proto::FailureReport& failure) {
  std::size_t bytes = sizeof failure + failure.message.size() + failure.record_file.size() +
                      failure.key.size() + failure.log_tail.size() + failure.worker.size() +
                      failure.memory.resident_bytes.size() * sizeof(std::uint64_t);
  for (const std::string& line : failure.stack) bytes += line.size() + sizeof(std::string);
  return bytes;
}

}  // namespace

std::string tail_of(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::string_view tail = std::string_view(text).substr(text.size() - bytes_max);
  const std::size_t newline = tail.find('\n');
  if (newline != std::string_view::npos && newline + 1 < tail.size()) {
    tail.remove_prefix(newline + 1);
  }
  return std::string(tail);
}

std::size_t AttemptLogs::size_of(const Kept& kept) {
  return kEntryBytes + kept.worker.size() + kept.outcome.size() + kept.text.size() +
         (kept.failure ? bytes_of(*kept.failure) : 0);
}

proto::LogEntry AttemptLogs::entry_of(AttemptId attempt, const Kept& kept) {
  return {.task = kept.task,
          .attempt = attempt,
          .attempt_number = kept.attempt_number,
          .worker = kept.worker,
          .outcome = kept.outcome,
          .text = kept.text,
          .failure = kept.failure ? *kept.failure : proto::FailureReport(),
          .bytes = kept.bytes};
}

void AttemptLogs::add(proto::LogEntry entry) {
  const AttemptId attempt = entry.attempt;
  const JobId job = entry.task.job;
  // The first report of an attempt is the one that counts; repeated messages change nothing.
  if (!jobs_.emplace(attempt, job).second) return;
  Kept kept{.task = entry.task,
            .attempt_number = entry.attempt_number,
            .worker = std::move(entry.worker),
            .outcome = std::move(entry.outcome),
            .text = tail_of(std::move(entry.text), limits_.bytes_per_attempt),
            .failure = {},
            .bytes = entry.bytes};
  if (entry.failure.kind != proto::FailureKind::kNone) {
    kept.failure = std::make_unique<proto::FailureReport>(std::move(entry.failure));
  }
  bytes_ += size_of(kept);
  entries_[job].emplace(attempt, std::move(kept));
  by_age_.push_back(attempt);
  while (bytes_ > limits_.bytes_total && by_age_.size() > 1) drop_oldest();
}

void AttemptLogs::set_outcome(AttemptId attempt, const char* outcome) {
  const auto job = jobs_.find(attempt);
  if (job == jobs_.end()) return;
  Kept& kept = entries_.at(job->second).at(attempt);
  bytes_ -= size_of(kept);
  kept.outcome = outcome;
  bytes_ += size_of(kept);
}

void AttemptLogs::drop_oldest() {
  const AttemptId attempt = by_age_.front();
  by_age_.pop_front();
  const auto job = jobs_.find(attempt);
  const auto entries = entries_.find(job->second);
  const auto entry = entries->second.find(attempt);
  bytes_ -= size_of(entry->second);
  entries->second.erase(entry);
  if (entries->second.empty()) entries_.erase(entries);
  jobs_.erase(job);
}

std::optional<proto::LogEntry> AttemptLogs::find(AttemptId attempt) const {
  const auto job = jobs_.find(attempt);
  if (job == jobs_.end()) return std::nullopt;
  return entry_of(attempt, entries_.at(job->second).at(attempt));
}

std::vector<proto::LogEntry> AttemptLogs::find(const Query& query, std::size_t bytes_max) const {
  std::vector<proto::LogEntry> found;
  const auto entries = entries_.find(query.job);
  if (entries == entries_.end()) return found;
  std::size_t bytes = 0;
  for (auto entry = entries->second.rbegin(); entry != entries->second.rend(); ++entry) {
    const Kept& candidate = entry->second;
    if (query.task && candidate.task != *query.task) continue;
    if (query.attempt_number != 0 && candidate.attempt_number != query.attempt_number) continue;
    bytes += size_of(candidate);
    if (bytes > bytes_max) break;
    found.push_back(entry_of(entry->first, candidate));
  }
  std::sort(found.begin(), found.end(), [](const proto::LogEntry& a, const proto::LogEntry& b) {
    return std::tie(a.task, a.attempt_number, a.attempt) <
           std::tie(b.task, b.attempt_number, b.attempt);
  });
  return found;
}

}  // namespace fanfold::master
