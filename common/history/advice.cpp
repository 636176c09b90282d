// "What to change first": rules, each with its condition, its numbers and what it could save.

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "common/history/analysis.hpp"
#include "common/text/names.hpp"
#include "common/text/units.hpp"

namespace fanfold {
namespace {

/// Below a twentieth of the job's time, and a tenth of a second, nothing is worth a change.
constexpr std::uint64_t kWorthwhilePart = 20;
constexpr std::uint64_t kWorthwhile = 100'000;
/// A task that runs for less pays mostly for being a task.
constexpr std::uint64_t kShortTask = 20'000;
constexpr std::uint32_t kManyTasks = 50;
constexpr std::uint64_t kSkewed = 3;

std::string time_text(std::uint64_t microseconds) {
  return format_milliseconds(microseconds / 1000);
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  return std::to_string(whole == 0 ? 0 : part * 100 / whole) + " %";
}

std::string times(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t tenths = b == 0 ? 0 : a * 10 / b;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " times";
}

class Adviser {
 public:
  Adviser(const JobHistory& history, const Analysis& analysis)
      : history_(history), analysis_(analysis) {}

  std::vector<Advice> advise() {
    failures();
    dissents();
    for (const StageAnalysis& stage : analysis_.stages) {
      if (stage.committed == 0 || stage.stage == Stage::kSample) continue;
      if (stage.stage == Stage::kGather) {
        gathering(stage);
      } else {
        tail(stage);
        idle_slots(stage);
      }
      short_tasks(stage);
      spills(stage);
    }
    outside_of_tasks();
    std::stable_sort(advice_.begin(), advice_.end(),
                     [](const Advice& a, const Advice& b) { return a.saves > b.saves; });
    return std::move(advice_);
  }

 private:
  bool worthwhile(std::uint64_t microseconds) const {
    return microseconds >= kWorthwhile && microseconds * kWorthwhilePart >= history_.elapsed;
  }
  std::uint64_t slots() const { return std::max(1u, analysis_.slots); }
  void add(std::string finding, std::string action, std::uint64_t saves) {
    advice_.push_back({std::move(finding), std::move(action), std::min(saves, history_.elapsed)});
  }

  /// All failures of a cause are one finding.
  void failures() {
    std::map<std::string, FailureGroup> causes;
    for (const FailureGroup& group : analysis_.failures) {
      FailureGroup& cause = causes[group.cause];
      if (cause.count == 0) {
        cause = group;
        continue;
      }
      cause.count += group.count;
      cause.wasted += group.wasted;
    }
    for (const auto& [name, group] : causes) {
      const std::uint64_t lost = group.wasted / slots();
      const std::uint64_t saves = worthwhile(lost) ? lost : 0;
      const std::string first = name_of(history_.attempts[group.examples.front()]);
      const std::string finding = plural(group.count, "attempt") + " ended by '" + name +
                                  "' and cost " + time_text(group.wasted) + " of run time";
      if (group.charged) {
        add(finding,
            "Look at one of them: 'fanfold why " + std::to_string(history_.job) + "/" + first +
                "' shows its stack and record.",
            saves);
      } else {
        add(finding,
            "The infrastructure was at fault, not the job: look at the workers' hosts (memory, "
            "disks, "
            "network) and at the workers' logs.",
            saves);
      }
    }
    if (history_.outputs_invalidated > 0) {
      add(plural(history_.outputs_invalidated, "map output") +
              " got lost with workers and had to be made again",
          "Keep workers alive until the jobs that they worked for are over: drain them (SIGTERM), "
          "do "
          "not kill them.",
          0);
    }
  }

  bool is_retry(const AttemptHistory& last) const {
    return std::any_of(
        history_.attempts.begin(), history_.attempts.end(), [&](const AttemptHistory& one) {
          const bool ended_badly = one.outcome == Outcome::kFailed || one.outcome == Outcome::kLost;
          return ended_badly && one.stage == last.stage && one.index == last.index;
        });
  }

  void tail(const StageAnalysis& stage) {
    if (!worthwhile(stage.tail) || !stage.last) return;
    const AttemptHistory& last = history_.attempts[*stage.last];
    const std::string waited = "the " + std::string(name_of(stage.stage)) + " stage ended " +
                               time_text(stage.tail) +
                               " after its first slot had nothing to do any more";
    if (is_retry(last)) {
      add(waited + ", because " + name_of(last) + " was a retry",
          "The failures of this task are what to look at.", stage.tail);
      return;
    }
    const std::string finding = waited + " (" + name_of(last) + " ran " + time_text(last.ran()) +
                                ", " + times(last.ran(), stage.median) + " the median)";
    if (const SharedPartition* shared = shared_by(last)) {
      sharing(stage, last, *shared, finding);
    } else if (last.bytes_in > kSkewed * std::max<std::uint64_t>(1, stage.bytes_in_median)) {
      skew(stage, last, finding);
    } else if (stage.tasks < 3 * slots()) {
      // What would be left if the work at the end were shared out evenly.
      add(finding, "More and smaller tasks fill the slots to the end: " + more_tasks(stage, 4),
          stage.tail / 2);
    } else {
      add(finding,
          "It read no more than others: its records take longer, or its host is slower (" +
              printable(history_.workers[last.worker].name, false) + ").",
          stage.tail / 2);
    }
  }

  /// A tree narrows to one task: idle slots, and a long last task, are what it is.
  void gathering(const StageAnalysis& stage) {
    if (!worthwhile(stage.elapsed()) || stage.elapsed() * 5 < history_.elapsed) return;
    add("bringing the parts together took " + time_text(stage.elapsed()) + ", " +
            percent(stage.elapsed(), history_.elapsed) + " of the job",
        "Its last task writes all of the output alone. Leave the parts apart if whoever reads them "
        "can ('fanfold cat' shows them as one); a larger --gather-arity makes fewer levels.",
        stage.elapsed() / 2);
  }

  void skew(const StageAnalysis& stage, const AttemptHistory& last, const std::string& finding) {
    const std::string size =
        times(last.bytes_in, stage.bytes_in_median) + " as large as the median: ";
    if (stage.stage == Stage::kReduce) {
      add(finding,
          "Its partition is " + size + hot_key_of(last.index) +
              "a few keys have most of the values. A combine(), or a key that spreads them, shares "
              "the "
              "work out; more reducers help only while keys can be parted.",
          stage.tail);
    } else {
      add(finding,
          "Its split is " + size +
              "a file that cannot be cut (compressed, or read whole). Store it in several files.",
          stage.tail);
    }
  }

  /// The partition that the task shares, or that it reduces from what others have folded.
  const SharedPartition* shared_by(const AttemptHistory& task) const {
    if (task.stage != Stage::kReduce) return nullptr;
    for (const SharedPartition& one : history_.shared) {
      const bool share = task.index >= one.begin && task.index < one.end;
      if (share || task.index == one.partition) return &one;
    }
    return nullptr;
  }

  void sharing(const StageAnalysis& stage, const AttemptHistory& last,
               const SharedPartition& shared, const std::string& finding) {
    const std::string partition = "hot partition " + std::to_string(shared.partition);
    const std::string tasks = plural(shared.end - shared.begin, "task");
    if (last.index == shared.partition) {
      add(finding,
          "It reduced what " + tasks + " had folded of " + partition + ": " +
              hot_key_of(shared.partition) +
              "values that combine() does not make fewer are not worth folding "
              "(--hot-partitions off); more reducers help when it is many keys.",
          stage.tail / 2);
    } else {
      add(finding,
          "It folded a part of " + partition + ", as one of " + tasks + ": " +
              hot_key_of(shared.partition) +
              "smaller splits let more tasks share it, and a key that spreads makes it smaller.",
          stage.tail / 2);
    }
  }

  /// The key that alone is a quarter of what was emitted for the partition, or more.
  std::string hot_key_of(std::uint32_t partition) const {
    const EmissionHistory& emission = history_.emission;
    for (const HotKeyHistory& key : emission.keys) {
      if (key.partition != partition || partition >= emission.partition_bytes.size()) continue;
      const std::uint64_t whole = emission.partition_bytes[partition];
      if (key.bytes < whole / 4) return "";
      return "the key " + printable(key.key, false) + " has " + percent(key.bytes, whole) +
             " of what was emitted for it; ";
    }
    return "";
  }

  /// The flag that makes about so many tasks for each slot.
  std::string more_tasks(const StageAnalysis& stage, std::uint64_t each) const {
    if (stage.stage == Stage::kReduce) return "-r " + std::to_string(each * slots());
    return "--split-bytes " +
           std::to_string(std::max<std::uint64_t>(1, history_.input_bytes / (each * slots())));
  }

  static const char* fewer_tasks(Stage stage) {
    switch (stage) {
      case Stage::kGather:
        return "Fewer levels and tasks: a larger --gather-arity, or fewer reducers.";
      case Stage::kReduce:
        return "Fewer reducers: leave -r to the planner, or choose a smaller number.";
      case Stage::kMap:
      case Stage::kSample:
        break;
    }
    return "Fewer and larger tasks: leave --split-bytes to the planner, or make it larger.";
  }

  static const char* fewer_spills(Stage stage) {
    switch (stage) {
      case Stage::kGather:
        return "More --memory, or a smaller --gather-arity, merges in one go.";
      case Stage::kReduce:
        return "More --memory, or more reducers, merge in one go.";
      case Stage::kMap:
      case Stage::kSample:
        break;
    }
    return "More --memory, or smaller splits, sort in one go.";
  }

  void short_tasks(const StageAnalysis& stage) {
    if (stage.committed < kManyTasks || stage.median >= kShortTask) return;
    const std::uint64_t ran = stage.busy / slots();
    const std::uint64_t saves = stage.elapsed() > ran ? stage.elapsed() - ran : 0;
    if (!worthwhile(saves)) return;
    add("half of the " + format_count(stage.committed) + " " + name_of(stage.stage) +
            " tasks ran for less than " +
            std::to_string(std::max<std::uint64_t>(1, stage.median / 1000)) +
            " ms; being a task took longer than the work",
        fewer_tasks(stage.stage), saves);
  }

  void dissents() {
    for (const auto& [worker, results] : history_.dissents) {
      add("worker " + worker + " gave " + plural(results, "result") +
              " that the majority of replicas did not give",
          "Take it out and test its host: memory, processor, disk. Jobs that do not compare "
          "results believe it.",
          0);
    }
  }

  void idle_slots(const StageAnalysis& stage) {
    if (stage.tasks >= slots() || stage.tasks == 0) return;
    const std::uint64_t shared = stage.busy / slots();
    const std::uint64_t saves = stage.elapsed() > shared ? stage.elapsed() - shared : 0;
    if (!worthwhile(saves)) return;
    add("the " + std::string(name_of(stage.stage)) + " stage had " + plural(stage.tasks, "task") +
            " for " + plural(slots(), "slot"),
        std::string(stage.stage == Stage::kMap ? "Smaller splits" : "More reducers") +
            " give every slot something to do: " + more_tasks(stage, 2),
        saves);
  }

  void spills(const StageAnalysis& stage) {
    // Each task spills once, when it is done.
    if (stage.spills <= 2 * stage.committed) return;
    add("the " + std::string(name_of(stage.stage)) + " tasks spilled " +
            format_count(stage.spills) + " times, " + times(stage.spills, stage.committed) +
            " a task",
        fewer_spills(stage.stage), 0);
  }

  void outside_of_tasks() {
    if (worthwhile(history_.planned) && history_.planned * 5 >= history_.elapsed) {
      add("planning took " + time_text(history_.planned) + ", " +
              percent(history_.planned, history_.elapsed) + " of the job",
          "Listing the input takes long: join small files, or name fewer directories.",
          history_.planned / 2);
    }
    if (!history_.publication_started) return;
    const std::uint64_t took =
        history_.publication_ended.value_or(history_.elapsed) - *history_.publication_started;
    if (worthwhile(took) && took * 5 >= history_.elapsed) {
      add("the publication took " + time_text(took) + ", " + percent(took, history_.elapsed) +
              " of the job",
          "It waits for the disk of the output to take " + format_bytes(history_.output_bytes) +
              " in " + plural(history_.output_files, "file") + ": --compress, or a faster disk.",
          took / 2);
    }
  }

  const JobHistory& history_;
  const Analysis& analysis_;
  std::vector<Advice> advice_;
};

}  // namespace

std::vector<Advice> advise(const JobHistory& history, const Analysis& analysis) {
  return Adviser(history, analysis).advise();
}

}  // namespace fanfold
