// The last thing a user sees of a failed job, so the first cause stands at its end.

#include <algorithm>

#include "cli/view/names.hpp"
#include "cli/view/summary.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kStackFramesMax = 12;
constexpr std::size_t kFrameColumns = 100;
constexpr std::size_t kOtherAttemptsMax = 8;
constexpr std::size_t kLogLinesMax = 10;

// Errors of the input or the plugin file explain themselves; a stack would only hide them.
bool explains_itself(proto::FailureKind kind) {
  return kind == proto::FailureKind::kInput || kind == proto::FailureKind::kPlugin;
}

// A disk is mended by whoever owns it; neither a stack nor a debugger says more about it.
bool is_of_a_disk(proto::FailureKind kind) {
  return kind == proto::FailureKind::kNoSpace || kind == proto::FailureKind::kIo;
}

std::string field(const std::string& label, const std::string& text) {
  std::string padded = label;
  padded.resize(std::max<std::size_t>(padded.size(), 10), ' ');
  std::string indented;
  for (const char c : printable(text, true)) {
    indented += c;
    if (c == '\n') indented += std::string(12, ' ');
  }
  return "  " + padded + indented + "\n";
}

std::string last_log_lines(std::string_view log) {
  while (log.ends_with('\n')) log.remove_suffix(1);
  std::size_t begin = log.size();
  for (std::size_t lines = 0; begin > 0; --begin) {
    if (log[begin - 1] == '\n' && ++lines == kLogLinesMax) break;
  }
  return std::string(log.substr(begin));
}

/// Names of templates have no end; where a frame is says more.
std::string frame_text(const std::string& frame) {
  const std::size_t place = frame.rfind(" at ");
  if (place == std::string::npos) return fit(frame, kFrameColumns);
  return fit(frame.substr(0, place), kFrameColumns) + frame.substr(place);
}

std::string stack_text(const std::vector<std::string>& stack) {
  std::string text;
  const std::size_t shown = std::min(stack.size(), kStackFramesMax);
  for (std::size_t i = 0; i < shown; ++i) {
    text += (i == 0 ? "" : "\n") + ("#" + std::to_string(i)) + " " + frame_text(stack[i]);
  }
  if (stack.size() > shown) text += "\n... " + plural(stack.size() - shown, "more frame");
  return text;
}

/// "at most 131 MiB, its budget is 128 MiB; every 50 ms 3, 9, 20, 41, 88, 131 MiB"
std::string memory_text(const proto::MemoryCurve& memory) {
  const auto mebibytes = [](std::uint64_t bytes) {
    return std::to_string((bytes + (1u << 19)) >> 20);
  };
  std::string text = "at most " + mebibytes(memory.peak_bytes) + " MiB";
  if (memory.budget_bytes > 0) text += ", its budget is " + mebibytes(memory.budget_bytes) + " MiB";
  for (std::size_t i = 0; i < memory.resident_bytes.size(); ++i) {
    text += (i == 0 ? "; every " + std::to_string(memory.step_ms) + " ms " : ", ") +
            mebibytes(memory.resident_bytes[i]);
  }
  return memory.resident_bytes.empty() ? text : text + " MiB";
}

const proto::LogEntry* first_attempt(const proto::JobStatus& status,
                                     const FailureContext& context) {
  for (const proto::LogEntry& entry : context.attempts) {
    if (entry.attempt == status.failed_attempt) return &entry;
  }
  return nullptr;
}

/// Where else the task was tried, also where a host was to blame: the latest first.
std::string other_causes(const proto::JobStatus& status, const FailureContext& context) {
  std::string text;
  std::size_t told = 0;
  std::size_t more = 0;
  for (auto entry = context.attempts.rbegin(); entry != context.attempts.rend(); ++entry) {
    const proto::FailureKind kind = entry->failure.kind;
    if (entry->attempt == status.failed_attempt || kind == proto::FailureKind::kNone ||
        kind == proto::FailureKind::kCancelled) {
      continue;
    }
    if (told == kOtherAttemptsMax) {
      ++more;
      continue;
    }
    ++told;
    text += "  attempt " + std::to_string(entry->attempt_number) + ": " +
            cause_line(entry->failure) + "\n";
  }
  if (text.empty()) return text;
  if (more > 0) text += "  and " + plural(more, "more attempt") + "\n";
  return "Other attempts at " + name_of(status.failed_task) + ":\n" + text;
}

/// The same attempt once more, where it left something to run it from.
std::string replay_step(const TaskId& task, const proto::LogEntry* attempt,
                        const FailureContext& context) {
  if (context.capsules.empty() || attempt == nullptr) return "";
  const std::string master = context.master.empty() ? "" : " --master " + context.master;
  return field("replay", "fanfold replay " + context.capsules + "/" + name_of(task) + "." +
                             std::to_string(attempt->attempt_number) + master);
}

std::string next_step(const TaskId& task, const proto::LogEntry* attempt,
                      const FailureContext& context) {
  std::string text;
  if (!context.master.empty()) {
    text += field("logs", "fanfold logs " + std::to_string(task.job.value) + "/" + name_of(task) +
                              " --master " + context.master);
  }
  text += replay_step(task, attempt, context);
  if (!context.command.empty()) {
    text += field("debug", "gdb --args " + context.command + " --in-process");
  }
  return text;
}

/// What is long comes first: the last lines on the screen name the failure.
std::string cause_block(const proto::FailureReport& cause, const TaskId& task_id,
                        const proto::LogEntry* attempt, const FailureContext& context) {
  std::string text;
  if (!cause.stack.empty()) text += field("stack", stack_text(cause.stack));
  const std::string log =
      last_log_lines(cause.log_tail.empty() && attempt != nullptr ? attempt->text : cause.log_tail);
  if (!log.empty()) text += field("log", log);
  if (cause.memory.peak_bytes > 0) text += field("memory", memory_text(cause.memory));
  text += field("class", proto::name_of(cause.kind));
  std::string task = name_of(task_id);
  if (attempt != nullptr) task += ", attempt " + std::to_string(attempt->attempt_number);
  text += field("task", task);
  if (!cause.worker.empty()) text += field("worker", cause.worker);
  if (!cause.record_file.empty()) {
    std::string record = cause.record_file + ", byte " + std::to_string(cause.record_offset);
    if (!context.record_excerpt.empty()) record += ": " + context.record_excerpt;
    text += field("record", record);
  }
  if (!cause.key.empty()) text += field("key", cause.key);
  text += field("message", cause.message);
  return text + next_step(task_id, attempt, context);
}

}  // namespace

std::string cause_line(const proto::FailureReport& failure) {
  std::string text = proto::name_of(failure.kind);
  if (!failure.worker.empty()) text += " on " + failure.worker;
  const std::size_t end = failure.message.find('\n');
  return printable(text + ": " + failure.message.substr(0, end), false);
}

std::string failure_text(const proto::JobStatus& status, const FailureContext& context) {
  const std::string job = "fanfold: job " + status.job_name;
  if (status.state == proto::JobState::kCancelled) {
    return job + " was cancelled; no output was written.\n";
  }
  const proto::FailureReport& cause = status.first_cause;
  if (cause.kind == proto::FailureKind::kNone) {
    return job + " failed: " + printable(status.reason, true) + "\n";
  }
  if (explains_itself(cause.kind)) {
    std::string message = printable(cause.message, true);
    while (message.ends_with('\n')) message.pop_back();
    return job + " failed in " + name_of(status.failed_task) + ": " + message + "\n";
  }
  const std::string reason = job + " failed: " + printable(status.reason, false) + "\n";
  if (is_of_a_disk(cause.kind)) return reason + "  first, " + cause_line(cause) + "\n";
  return reason + other_causes(status, context) + "First cause:\n" +
         cause_block(cause, status.failed_task, first_attempt(status, context), context);
}

std::string attempts_text(const FailureContext& context) {
  std::string text;
  const proto::LogEntry* first = nullptr;
  for (const proto::LogEntry& entry : context.attempts) {
    text += name_of(entry.task) + "." + std::to_string(entry.attempt_number);
    if (entry.failure.kind == proto::FailureKind::kNone) {
      text += " on " + printable(entry.worker, false) + ": " + printable(entry.outcome, false);
    } else {
      text += ": " + cause_line(entry.failure);
      if (first == nullptr && proto::charged_to_task(entry.failure.kind)) first = &entry;
    }
    text += "\n";
  }
  if (first == nullptr) return text;
  return text + "First cause:\n" + cause_block(first->failure, first->task, first, context);
}

}  // namespace fanfold::cli
