#include "master/service/attempt_logs.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace fanfold::master {
namespace {

/// What an entry costs besides its text: the struct and the nodes that hold it.
constexpr std::size_t kEntryBytes = 512;

std::size_t size_of(const proto::FailureReport& failure) {
  std::size_t bytes = failure.message.size() + failure.record_file.size() + failure.key.size() +
                      failure.log_tail.size() + failure.worker.size();
  for (const std::string& line : failure.stack) bytes += line.size() + sizeof(std::string);
  return bytes;
}

std::size_t size_of(const proto::LogEntry& entry) {
  return kEntryBytes + entry.worker.size() + entry.outcome.size() + entry.text.size() +
         size_of(entry.failure);
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

void AttemptLogs::add(proto::LogEntry entry) {
  entry.text = tail_of(std::move(entry.text), limits_.bytes_per_attempt);
  const AttemptId attempt = entry.attempt;
  const JobId job = entry.task.job;
  // The first report of an attempt is the one that counts; repeated messages change nothing.
  if (!jobs_.emplace(attempt, job).second) return;
  bytes_ += size_of(entry);
  entries_[job].emplace(attempt, std::move(entry));
  by_age_.push_back(attempt);
  while (bytes_ > limits_.bytes_total && by_age_.size() > 1) drop_oldest();
}

void AttemptLogs::set_outcome(AttemptId attempt, const char* outcome) {
  const auto job = jobs_.find(attempt);
  if (job == jobs_.end()) return;
  proto::LogEntry& entry = entries_.at(job->second).at(attempt);
  bytes_ -= size_of(entry);
  entry.outcome = outcome;
  bytes_ += size_of(entry);
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

const proto::LogEntry* AttemptLogs::find(AttemptId attempt) const {
  const auto job = jobs_.find(attempt);
  return job == jobs_.end() ? nullptr : &entries_.at(job->second).at(attempt);
}

std::vector<proto::LogEntry> AttemptLogs::find(const Query& query, std::size_t bytes_max) const {
  std::vector<proto::LogEntry> found;
  const auto entries = entries_.find(query.job);
  if (entries == entries_.end()) return found;
  std::size_t bytes = 0;
  for (auto entry = entries->second.rbegin(); entry != entries->second.rend(); ++entry) {
    const proto::LogEntry& candidate = entry->second;
    if (query.task && candidate.task != *query.task) continue;
    if (query.attempt_number != 0 && candidate.attempt_number != query.attempt_number) continue;
    bytes += size_of(candidate);
    if (bytes > bytes_max) break;
    found.push_back(candidate);
  }
  std::sort(found.begin(), found.end(), [](const proto::LogEntry& a, const proto::LogEntry& b) {
    return std::tie(a.task, a.attempt_number, a.attempt) <
           std::tie(b.task, b.attempt_number, b.attempt);
  });
  return found;
}

}  // namespace fanfold::master
