// What of its input a job covers: its part of a job's record.

#include <algorithm>
#include <iterator>
#include <numeric>
#include <utility>

#include "common/core/check.hpp"
#include "common/proto/completion_text.hpp"
#include "master/service/job_record.hpp"

namespace fanfold::master {
namespace {

/// Of a failure that is one of very many.
constexpr std::size_t kErrorBytes = 300;

std::string error_of(const proto::FailureReport* failure) {
  if (failure == nullptr) return "";
  std::string text = proto::name_of(failure->kind);
  if (!failure->message.empty()) text += ": " + failure->message;
  text.resize(std::min(text.size(), kErrorBytes));
  return text;
}

}  // namespace

void JobRecord::set_completion(std::int64_t unix_us_at_origin, JobSubmitted* submitted) const {
  submitted->completion = spec().completion;
  submitted->on_deadline = spec().on_deadline;
  submitted->retry = spec().retry;
  submitted->bad_records = spec().bad_records;
  submitted->items = spec().items;
  submitted->replicas = spec().replicas;
  submitted->open = spec().open;
  if (spec().deadline_ms != 0) {
    const auto since_origin =
        std::chrono::duration_cast<std::chrono::microseconds>(submitted_.since_origin).count();
    // Zero is none.
    submitted->deadline_unix_us =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(unix_us_at_origin + since_origin) +
                                       spec().deadline_ms * 1000);
  }
  if (!submitted->retry.empty()) {
    submitted->attempts_max = 1;
    for (const proto::Retrier& one : submitted->retry) submitted->attempts_max += one.attempts_max;
  }
  // Each of several replicas may fail as often.
  submitted->attempts_max *= spec().replicas.replicas;
}

void JobRecord::note_invalidated(const TaskId& task) {
  FANFOLD_CHECK(contains(task));
  commits_[slot_of(task.stage)][task.index].lost = true;
}

void JobRecord::note_given_up(const TaskGivenUp& fact) {
  given_up_.emplace(fact.task.index, fact.first_failure);
}

void JobRecord::note_fed(const InputFed& fact, proto::StoredFeed feed) {
  FANFOLD_CHECK(feed.splits.size() == fact.split_bytes.size());
  input_closed_ = input_closed_ || fact.closed;
  if (feed.splits.empty()) return;
  const std::size_t splits = feed.splits.size();
  const std::uint64_t bytes =
      std::accumulate(fact.split_bytes.begin(), fact.split_bytes.end(), std::uint64_t{0});
  splits_.insert(splits_.end(), std::make_move_iterator(feed.splits.begin()),
                 std::make_move_iterator(feed.splits.end()));
  commits_[slot_of(Stage::kMap)].resize(splits_.size());
  input_bytes_ += bytes;
  names_bytes_ += splits * (fed_directory(staging()).size() + 64);
  Feeder& feeder = feeders_[std::move(feed.feeder)];
  feeder.taken += bytes;
  feeder.bytes_last = bytes;
  feeder.digest_last = feed.digest;
}

const JobRecord::Feeder* JobRecord::find_feeder(const std::string& feeder) const {
  const auto found = feeders_.find(feeder);
  return found == feeders_.end() ? nullptr : &found->second;
}

Remains JobRecord::remains(proto::JobState state) const {
  Remains remains{staging(), ""};
  if (!spec().open) return remains;
  remains.fed = fed_directory(staging());
  if (state == proto::JobState::kSucceeded) return remains;
  const std::vector<Commit>& maps = commits_[slot_of(Stage::kMap)];
  for (std::size_t i = splits_planned_; i < splits_.size(); ++i) {
    const bool covered = state == proto::JobState::kPartial && maps[i].attempt != AttemptId{};
    if (covered) continue;
    // The splits of a file follow each other.
    const std::string& path = splits_[i].pieces.front().path;
    if (remains.kept.empty() || remains.kept.back() != path) remains.kept.push_back(path);
  }
  std::sort(remains.kept.begin(), remains.kept.end());
  return remains;
}

void JobRecord::note_coverage(const CoverageDecided& /*fact*/) {
  coverage_decided_ = true;
  for (Commit& commit : commits_[slot_of(Stage::kMap)]) {
    if (commit.attempt == AttemptId{} || !commit.lost) continue;
    count(Stage::kMap, commit.report, Direction::kSubtract);
    commit = {};
  }
}

std::optional<io::Coverage> JobRecord::coverage(const proto::CompletionStatus& status) const {
  if (!coverage_decided_ && spec().deadline_ms == 0) return std::nullopt;
  io::Coverage coverage;
  coverage.policy = proto::text_of(spec().completion);
  const proto::CompletionReason reason =
      coverage_decided_ ? status.reason : proto::CompletionReason::kAllCompleted;
  coverage.reason = proto::name_of(reason);
  coverage.deadline_ms = spec().deadline_ms;
  coverage.attempts_stopped = status.attempts_stopped;
  coverage.stop_us = status.stop_us;
  coverage.results_discarded = status.results_discarded;
  const std::vector<Commit>& maps = commits_[slot_of(Stage::kMap)];
  coverage.map_tasks = maps.size();
  for (std::uint32_t i = 0; i < maps.size(); ++i) {
    const proto::Split& split = splits_[i];
    coverage.input_bytes += split.bytes;
    if (!coverage_decided_ || maps[i].attempt != AttemptId{}) {
      ++coverage.covered;
      coverage.covered_bytes += split.bytes;
      continue;
    }
    io::MissingTask missing;
    missing.task = i;
    missing.bytes = split.bytes;
    const auto failed = given_up_.find(i);
    missing.why = failed != given_up_.end() ? "failed" : "stopped";
    if (failed != given_up_.end()) missing.error = error_of(find_failure(failed->second));
    for (const io::Piece& piece : split.pieces) {
      missing.pieces.push_back({piece.path, piece.begin, piece.end});
    }
    coverage.missing.push_back(std::move(missing));
  }
  return coverage;
}

}  // namespace fanfold::master
