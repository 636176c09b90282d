#include "worker/service/record_isolation.hpp"

#include <algorithm>

#include "common/core/limits.hpp"
#include "common/core/planted.hpp"

namespace fanfold::worker {

void RecordIsolation::note_started(const ExecutorTask& task) {
  if (!task.assignment.spec.bad_records.tolerant()) return;
  const Stage stage = task.assignment.task.stage;
  if (stage == Stage::kReduce || stage == Stage::kGather) return;
  held_[task.assignment.attempt].task = task;
}

void RecordIsolation::note_killed(AttemptId attempt, proto::FailureKind kind) {
  const auto held = held_.find(attempt);
  if (held != held_.end() && kind != proto::FailureKind::kStalled) held->second.stopped = true;
}

bool RecordIsolation::can_go_on(const Held& held, const AttemptEnded& ended) {
  const proto::FailureReport& failure = ended.failure;
  if (ended.succeeded || held.stopped || !failure.record_to_blame) return false;
  const std::uint64_t most = held.task.assignment.spec.bad_records.records_max;
  const std::vector<BadRecord>& known = held.task.bad_records;
  if (known.size() >= limits::kBadRecordsPerAttempt) return false;
  if (most != 0 && known.size() >= most) return false;
  // Passing over it did not help, so something else is wrong.
  return std::none_of(known.begin(), known.end(), [&failure](const BadRecord& bad) {
    return bad.offset == failure.record_offset && bad.file == failure.record_file;
  });
}

std::optional<ExecutorTask> RecordIsolation::go_on(AttemptEnded* ended) {
  const auto found = held_.find(ended->attempt);
  if (found == held_.end()) return std::nullopt;
  Held& held = found->second;
  held.log_bytes += ended->log_bytes;
  // The master keeps the end of a log.
  held.log_text += ended->log_text;
  if (held.log_text.size() > limits::kLogBytesPerAttempt) {
    held.log_text.erase(0, held.log_text.size() - limits::kLogBytesPerAttempt);
  }
  if (can_go_on(held, *ended)) {
    proto::FailureReport& failure = ended->failure;
    if (planted(Bug::kGoOnBehindRecord)) {
      held.task.assignment.split.pieces.back().begin = failure.record_offset + 1;
      return held.task;
    }
    held.task.bad_records.push_back(
        {failure.record_file, failure.record_offset, failure.kind, failure.message, failure.stack});
    return held.task;
  }
  const std::size_t before = held.task.bad_records.size();
  if (!ended->succeeded && before > 0) {
    ended->failure.message += " (after " + std::to_string(before) +
                              (before == 1 ? " bad record" : " bad records") +
                              " that this attempt passed over)";
  }
  ended->log_text = std::move(held.log_text);
  ended->log_bytes = held.log_bytes;
  held_.erase(found);
  return std::nullopt;
}

}  // namespace fanfold::worker
