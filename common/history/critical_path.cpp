// The chain of things that the end of a job waited for, from its end backwards: the attempt that
// ended a stage, what its slot did before, failed attempts at the same task, up to the submission.

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "common/history/analysis.hpp"
#include "common/text/names.hpp"
#include "common/text/units.hpp"

namespace fanfold {
namespace {

std::string attempts_text(std::uint64_t count) {
  if (count == 0) return "it was assigned, and did not run yet";
  return plural(count, "attempt") + " in the same slot before it";
}

/// The attempt whose commit completed the stage.
const AttemptHistory* last_committed(const JobHistory& history, const StageHistory& stage) {
  const AttemptHistory* last = nullptr;
  for (const AttemptHistory& attempt : history.attempts) {
    if (attempt.stage != stage.stage || attempt.outcome != Outcome::kCommitted) continue;
    if (last == nullptr || attempt.ended >= last->ended) last = &attempt;
  }
  return last;
}

/// Attempts at the same task that were over before it began, and those of its slot.
struct Before {
  std::uint64_t retried = 0;
  std::uint64_t first_try = 0;  // When the first of them was assigned.
  std::uint64_t same_slot = 0;
};

Before look_before(const JobHistory& history, const StageHistory& stage,
                   const AttemptHistory& last) {
  Before before;
  before.first_try = last.assigned;
  for (const AttemptHistory& attempt : history.attempts) {
    if (attempt.stage != stage.stage || attempt.ended > last.started) continue;
    if (attempt.worker == last.worker && attempt.lane == last.lane) ++before.same_slot;
    const bool failed = attempt.outcome == Outcome::kFailed || attempt.outcome == Outcome::kLost;
    if (attempt.index != last.index || !failed) continue;
    ++before.retried;
    before.first_try = std::min(before.first_try, attempt.started);
  }
  return before;
}

class Path {
 public:
  explicit Path(std::uint64_t job) : job_(job) {}

  void add(std::string what, std::string detail, std::uint64_t began, std::uint64_t ended) {
    // Of a step that begins within an earlier one the rest counts.
    const std::uint64_t from = std::max(began, end());
    if (ended <= from || (ended - from) * kNotedPart < job_) return;
    steps_.push_back({std::move(what), std::move(detail), from, ended});
  }
  std::uint64_t end() const { return steps_.empty() ? 0 : steps_.back().ended; }
  std::vector<CriticalStep> take() { return std::move(steps_); }

 private:
  /// Shorter than a thousandth of the job is not worth a line.
  static constexpr std::uint64_t kNotedPart = 1000;
  const std::uint64_t job_;
  std::vector<CriticalStep> steps_;
};

void add_stage(const JobHistory& history, const StageHistory& stage, Path* path) {
  const AttemptHistory* last = last_committed(history, stage);
  if (last == nullptr) return;
  const Before before = look_before(history, stage, *last);
  const std::string name = name_of(stage.stage);
  const std::uint64_t began = stage.started.value_or(last->assigned);
  path->add(name + ": waiting for a first slot", "no worker was free", path->end(), began);
  if (before.retried > 0) {
    path->add(name + ": other tasks first", attempts_text(before.same_slot), began,
              before.first_try);
    path->add(name_of(*last) + ": earlier attempts",
              plural(before.retried, "attempt") + " at it failed or got lost", before.first_try,
              last->started);
  } else {
    path->add(name + ": other tasks first", attempts_text(before.same_slot), began, last->started);
  }
  path->add(name_of(*last),
            "the last of the stage, on " + printable(history.workers[last->worker].name, false) +
                ", read " + format_bytes(last->bytes_in),
            last->started, last->ended);
}

}  // namespace

std::vector<CriticalStep> critical_path(const JobHistory& history) {
  Path path(history.elapsed);
  path.add("planning", "from the submission to the plan", 0, history.planned);
  for (const StageHistory& stage : history.stages) add_stage(history, stage, &path);
  if (history.publication_started) {
    path.add("publication", "collect, check and rename the output", *history.publication_started,
             history.publication_ended.value_or(history.elapsed));
  }
  path.add("the rest", "to the end of the log", path.end(), history.elapsed);
  return path.take();
}

}  // namespace fanfold
