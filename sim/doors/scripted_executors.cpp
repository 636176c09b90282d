#include "sim/doors/scripted_executors.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "common/core/check.hpp"
#include "sim/world/witness.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

/// A killed process is gone within this time.
constexpr Duration kDeathMax = 200ms;

/// So many times slower than it should be, at most.
constexpr std::int64_t kSlowMax = 50;

std::uint32_t object_of(const TaskId& task) {
  return (static_cast<std::uint32_t>(task.stage) << 28) | task.index;
}

void note_record(const worker::BadRecord& record, proto::FailureReport* failure) {
  failure->kind = record.kind;
  failure->message = record.message;
  failure->record_file = record.file;
  failure->record_offset = record.offset;
  failure->record_to_blame = true;
}

}  // namespace

Fault ScriptedExecutors::fault(FaultKind kind, const proto::TaskAssignment& assignment) const {
  return {kind, static_cast<std::uint32_t>(assignment.task.job.value), object_of(assignment.task),
          assignment.attempt_number};
}

void ScriptedExecutors::start(Instant now, worker::ExecutorTask task) {
  const AttemptId attempt = task.assignment.attempt;
  const TaskId id = task.assignment.task;
  world_.trace.note(world_.now(), "attempt.started",
                    {owner_.index(), id.job.value, static_cast<std::uint64_t>(id.stage), id.index,
                     attempt.value});
  owner_.witness().attempt_started(owner_.index(), task.assignment);
  const Duration usual(static_cast<std::int64_t>(world_.draws.between(
      Stream::kWorkload, {id.job.value, object_of(id), task.assignment.attempt_number},
      static_cast<std::uint64_t>(options_.task_min.count()),
      static_cast<std::uint64_t>(options_.task_max.count()))));
  Duration time = usual + usual * options_.slow_per_cent / 100;
  const Fault slow = fault(FaultKind::kTaskSlow, task.assignment);
  if (world_.faults.happens(slow)) {
    time *= static_cast<std::int64_t>(world_.faults.measure(slow, 0, 2, kSlowMax));
  }
  // A slow task on a slow worker is not slower than either may be: somebody waits for it.
  time = std::min(time, usual * kSlowMax);
  Running& running = running_[attempt];
  running.hangs = world_.faults.happens(fault(FaultKind::kTaskHang, task.assignment));
  running.started = now;
  running.task = std::move(task);
  meet_poison(&running);
  if (running.fatal && running.fatal->kind == proto::FailureKind::kStalled) running.hangs = true;
  if (!running.hangs) plan_end(attempt, time);
}

void ScriptedExecutors::meet_poison(Running* running) const {
  const proto::TaskAssignment& assignment = running->task.assignment;
  if (assignment.task.stage == Stage::kReduce || assignment.task.stage == Stage::kGather) return;
  running->bad = running->task.bad_records;
  std::set<std::uint64_t> known;
  for (const worker::BadRecord& one : running->bad) known.insert(number_at(one.file, one.offset));
  for (const io::Piece& piece : assignment.split.pieces) {
    // Records belong to the piece that they begin in.
    std::uint64_t offset = (piece.begin + kLineBytes - 1) / kLineBytes * kLineBytes;
    for (; offset < piece.end; offset += kLineBytes) {
      const auto poison = options_.poison.find(number_at(piece.path, offset));
      if (poison == options_.poison.end() || known.contains(poison->first)) continue;
      worker::BadRecord bad{piece.path, offset, proto::FailureKind::kException, "poison", {}};
      if (poison->second == Harm::kCrash) bad.kind = proto::FailureKind::kSignal;
      if (poison->second == Harm::kHang) bad.kind = proto::FailureKind::kStalled;
      const bool taken_back = poison->second == Harm::kThrow;
      if (!taken_back || !assignment.spec.bad_records.tolerant()) {
        running->fatal = bad;
        return;
      }
      running->bad.push_back(bad);
    }
  }
}

void ScriptedExecutors::kill(Instant /*now*/, AttemptId attempt, proto::FailureKind /*kind*/) {
  const auto known = running_.find(attempt);
  if (known == running_.end() || known->second.killed) return;
  known->second.killed = true;
  plan_end(attempt, Duration(static_cast<std::int64_t>(
                        world_.draws.between(Stream::kScheduler, {owner_.index(), attempt.value}, 0,
                                             static_cast<std::uint64_t>(kDeathMax.count())))));
}

void ScriptedExecutors::plan_end(AttemptId attempt, Duration time) {
  world_.timeline.after(time, [this, attempt, lives = std::weak_ptr<int>(life_)] {
    if (!lives.expired()) end(attempt);
  });
}

void ScriptedExecutors::end(AttemptId attempt) {
  const auto known = running_.find(attempt);
  if (known == running_.end()) return;
  const Running running = std::move(known->second);
  running_.erase(known);
  worker::AttemptEnded ended;
  if (running.killed) {
    ended.failure.kind = proto::FailureKind::kCancelled;
    ended.failure.message = "killed";
    // What hung shows where.
    if (running.fatal && running.hangs) note_record(*running.fatal, &ended.failure);
  } else {
    ended = work(running);
  }
  ended.attempt = attempt;
  world_.trace.note(world_.now(), "attempt.ended",
                    {owner_.index(), attempt.value, ended.succeeded,
                     static_cast<std::uint64_t>(ended.failure.kind)});
  owner_.witness().attempt_ended(owner_.index(), attempt, ended.succeeded);
  ended_.push_back(std::move(ended));
  owner_.wake();
}

worker::AttemptEnded ScriptedExecutors::work(const Running& running) {
  const proto::TaskAssignment& assignment = running.task.assignment;
  const struct {
    FaultKind fault;
    proto::FailureKind failure;
    const char* message;
  } kScript[] = {
      {FaultKind::kSpawnFailure, proto::FailureKind::kSpawn, "no process could be made"},
      {FaultKind::kTaskCrash, proto::FailureKind::kSignal, "SIGSEGV"},
      {FaultKind::kTaskException, proto::FailureKind::kException, "std::runtime_error"},
  };
  for (const auto& line : kScript) {
    if (!world_.faults.happens(fault(line.fault, assignment))) continue;
    worker::AttemptEnded ended;
    ended.failure.kind = line.failure;
    ended.failure.message = line.message;
    return ended;
  }
  const std::uint64_t most = assignment.spec.bad_records.records_max;
  if (running.fatal || (most != 0 && running.bad.size() > most)) {
    worker::AttemptEnded ended;
    // Of too many none is to blame.
    ended.failure.kind = proto::FailureKind::kException;
    if (running.fatal) note_record(*running.fatal, &ended.failure);
    return ended;
  }
  const Fault miscounted = fault(FaultKind::kSegmentMiscounted, assignment);
  if (assignment.task.stage != Stage::kReduce ||
      worker::segments_of(running.task.segments).empty() || !world_.faults.happens(miscounted)) {
    return do_task(files_, owner_.witness(), options_.work, running.task, running.bad);
  }
  worker::ExecutorTask task = running.task;
  std::vector<worker::LocalSegment> segments = worker::segments_of(task.segments);
  if (world_.faults.measure(miscounted, 0, 0, 1) == 0) {
    segments.pop_back();
  } else {
    segments.push_back(segments.back());
  }
  task.segments = worker::make_segment_list(std::move(segments));
  return do_task(files_, owner_.witness(), options_.work, task, running.bad);
}

Result<std::vector<worker::AttemptEnded>> ScriptedExecutors::take_ended(Instant /*now*/) {
  return std::exchange(ended_, {});
}

worker::ProgressSeen ScriptedExecutors::progress() const {
  worker::ProgressSeen seen;
  const auto beat = static_cast<std::uint64_t>(world_.now().since_origin.count());
  for (const auto& [attempt, running] : running_) {
    seen.entries.push_back({attempt, 0, 0, running.hangs ? 0 : beat});
  }
  return seen;
}

void ScriptedExecutors::die() {
  life_ = std::make_shared<int>(0);
  running_.clear();
  ended_.clear();
}

}  // namespace fanfold::sim
