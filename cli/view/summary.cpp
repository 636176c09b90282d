#include "cli/view/summary.hpp"

#include <algorithm>

#include "cli/options/exit_codes.hpp"
#include "cli/view/completion.hpp"
#include "cli/view/locality.hpp"
#include "cli/view/names.hpp"
#include "cli/view/progress.hpp"
#include "cli/view/replicas.hpp"
#include "common/proto/completion_text.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kLabelColumns = 10;

std::string labelled(std::string label, const std::string& text) {
  label.resize(std::max(label.size(), kLabelColumns), ' ');
  return "  " + label + text + "\n";
}

const proto::StageStatus* find_stage(const proto::JobStatus& status, Stage wanted) {
  for (const proto::StageStatus& stage : status.stages) {
    if (stage.stage == wanted) return &stage;
  }
  return nullptr;
}

std::string retries_text(const proto::JobStatus& status) {
  const std::uint32_t retries = status.failed_attempts + status.lost_attempts;
  std::string text = retries == 0 ? "none" : std::to_string(retries);
  if (status.failed_attempts > 0) text += ", " + std::to_string(status.failed_attempts) + " failed";
  if (status.lost_attempts > 0) text += ", " + std::to_string(status.lost_attempts) + " lost";
  if (status.speculative_attempts > 0) {
    text += " (and " + plural(status.speculative_attempts, "speculative attempt") + ")";
  }
  return text;
}

std::string stages_text(const proto::JobStatus& status) {
  std::string text;
  for (const proto::StageStatus& stage : status.stages) {
    const std::string line = stage_line(stage);
    const std::size_t colon = line.find(": ");
    text += labelled(line.substr(0, colon), line.substr(colon + 2));
  }
  return text;
}

/// Never a plain success: what is left out is said.
std::string bad_records_text(const proto::JobStatus& status) {
  std::string text;
  if (status.records_skipped > 0) {
    text += labelled("skipped", plural(status.records_skipped, "bad record"));
  }
  if (status.dead_letters > 0) {
    text += labelled("dead", plural(status.dead_letters, "bad record") +
                                 " put aside; 'fanfold dlq list " +
                                 printable(status.output, false) + "' shows them");
  }
  return text;
}

std::string shuffle_text(const proto::JobStatus& status) {
  const proto::ShuffleStatus& shuffle = status.shuffle;
  if (shuffle.mode == proto::ShuffleMode::kPull) return "";
  return labelled("shuffle", std::string(proto::name_of(shuffle.mode)) + "; " +
                                 format_bytes(shuffle.fetched.early) + " came early, " +
                                 format_bytes(shuffle.fetched.late) + " when reduced");
}

std::string counters_text(const proto::JobStatus& status) {
  std::string text;
  for (const auto& [name, value] : status.counters) {
    text += labelled("counter", printable(name, false) + " = " + std::to_string(value));
  }
  return text;
}

}  // namespace

std::string summary_text(const proto::JobStatus& status, std::uint64_t wall_ms) {
  const bool partial = status.state == proto::JobState::kPartial;
  std::string text = status.job_name + (partial ? " is PARTIAL after " : " finished in ") +
                     format_milliseconds(wall_ms) + "\n";
  if (const proto::StageStatus* map = find_stage(status, Stage::kMap)) {
    text +=
        labelled("in", format_bytes(map->bytes_done) + ", " + plural(map->records_in, "record"));
  }
  text += labelled("out", format_bytes(status.output_bytes) + ", " +
                              plural(status.output_records, "record") + ", " +
                              plural(status.output_files, "file"));
  text += stages_text(status);
  for (const auto& [label, line] : completion_lines(status)) text += labelled(label, line);
  for (const auto& [label, line] : replica_lines(status)) text += labelled(label, line);
  if (status.locality.maps > 0) text += labelled("locality", locality_text(status.locality));
  text += shuffle_text(status);
  text += bad_records_text(status);
  text += labelled("retries", retries_text(status));
  if (status.slowest_task.job.value != 0) {
    text += labelled("slowest", name_of(status.slowest_task) + ", " +
                                    format_milliseconds(status.slowest_task_ms));
  }
  text += counters_text(status);
  for (const std::string& note : status.notes) text += labelled("note", printable(note, false));
  text += labelled("output", printable(status.output, false));
  return text;
}

std::string control_text(const proto::JobControl& control) {
  const std::uint32_t most = control.max_concurrency;
  const std::string limit = most == 0 ? "as many attempts as there are slots"
                                      : "at most " + plural(most, "attempt") + " at a time";
  std::string failures;
  if (control.failures_max != proto::kAnyNumber) {
    failures += ", at most " + plural(control.failures_max, "failed item");
  }
  if (control.failures_per_million != proto::kWhole) {
    failures +=
        ", at most " + proto::percent_text(control.failures_per_million) + " of the items failed";
  }
  return limit + ", priority " + std::to_string(control.priority) + ", weight " +
         std::to_string(control.weight) + failures + (control.paused ? ", paused" : "");
}

std::string status_text(const proto::JobStatus& status) {
  std::string text = "job " + std::to_string(status.job.value) + "  " + status.job_name + "  " +
                     proto::name_of(status.state) + "  " + format_milliseconds(status.elapsed_ms) +
                     "\n";
  for (const proto::StageStatus& stage : status.stages) {
    std::string line = (is_open(status, stage) ? "open, " : "") + std::to_string(stage.done) +
                       " of " + tasks_text(status, stage) + " done";
    if (stage.running > 0) line += ", " + std::to_string(stage.running) + " running";
    if (stage.bytes_total > 0) {
      line += ", " + format_bytes(stage.bytes_done) + " of " + format_bytes(stage.bytes_total);
    }
    text += labelled(name_of(stage.stage), line);
  }
  for (const auto& [label, line] : completion_lines(status)) text += labelled(label, line);
  for (const auto& [label, line] : replica_lines(status)) text += labelled(label, line);
  if (status.locality.maps > 0) text += labelled("locality", locality_text(status.locality));
  text += shuffle_text(status);
  text += bad_records_text(status);
  if (status.control != proto::JobControl{}) {
    text += labelled("control", control_text(status.control));
  }
  text += labelled("retries", retries_text(status));
  text += counters_text(status);
  for (const std::string& note : status.notes) text += labelled("note", printable(note, false));
  text += labelled("output", printable(status.output, false));
  if (!status.reason.empty()) text += labelled("reason", printable(status.reason, false));
  return text;
}

int exit_code_of(const proto::JobStatus& status) {
  switch (status.state) {
    case proto::JobState::kRunning:
    case proto::JobState::kPublishing:
    case proto::JobState::kSucceeded:
      return kExitDone;
    case proto::JobState::kFailed:
      return status.first_cause.kind == proto::FailureKind::kInput ? kExitUsage : kExitFailed;
    case proto::JobState::kCancelled:
      return kExitCancelled;
    case proto::JobState::kPartial:
      return kExitPartial;
  }
  return kExitFailed;
}

}  // namespace fanfold::cli
