#include "cli/scatter/scatter_result.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "common/io/manifest.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

using items::Json;

/// Named one by one on a terminal.
constexpr std::size_t kNamedMax = 20;

std::uint64_t counted(const proto::JobStatus& status, const char* name) {
  const auto found = status.counters.find(name);
  return found == status.counters.end() ? 0 : static_cast<std::uint64_t>(found->second);
}

/// "exception: Task.Exit: ..." without what the engine says of it.
std::string error_of(const std::string& text) {
  for (const char* prefix : {"exception: ", "std::runtime_error: "}) {
    if (text.starts_with(prefix)) return error_of(text.substr(std::string(prefix).size()));
  }
  return text;
}

const char* why_of(const io::Coverage& coverage, const io::MissingTask& missing) {
  if (missing.why == "failed") return "failed";
  const bool deadline =
      coverage.reason == proto::name_of(proto::CompletionReason::kDeadlineExceeded);
  return deadline ? "late" : "stopped";
}

std::uint64_t count_of(const ScatterResult& result, std::string_view why) {
  return static_cast<std::uint64_t>(
      std::count_if(result.missing.begin(), result.missing.end(),
                    [why](const MissingTarget& one) { return one.why == why; }));
}

void replace_all(std::string* text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text->find(from, at)) != std::string::npos; at += to.size()) {
    text->replace(at, from.size(), to);
  }
}

std::string line_of(const MissingTarget& one) {
  std::string text = "  " + one.why + std::string(9 - one.why.size(), ' ') +
                     fit(printable(one.target, false), 120);
  if (!one.error.empty()) text += ": " + printable(one.error, false);
  return text + "\n";
}

/// "map task 3" is a number of the engine: who reads knows targets by their names.
std::string with_names(const ScatterRequest& request, std::string text) {
  constexpr std::string_view kTask = "map task ";
  for (std::size_t at = 0; (at = text.find(kTask, at)) != std::string::npos;) {
    const char* const begin = text.data() + at + kTask.size();
    std::size_t index = 0;
    const auto parsed = std::from_chars(begin, text.data() + text.size(), index);
    if (parsed.ec != std::errc() || index >= request.targets.size()) {
      at += kTask.size();
      continue;
    }
    const std::string name = "target '" + request.targets[index] + "'";
    text.replace(at, static_cast<std::size_t>(parsed.ptr - text.data()) - at, name);
    at += name.size();
  }
  return text;
}

}  // namespace

Result<ScatterResult> read_result(io::FileSystem& files, const std::string& directory,
                                  const ScatterRequest& request, std::uint64_t line_bytes,
                                  const proto::JobStatus& status) {
  FANFOLD_ASSIGN_OR_RETURN(const io::Manifest manifest, io::read_manifest(files, directory));
  ScatterResult result;
  result.state = proto::name_of(status.state);
  result.reason = proto::name_of(manifest.coverage ? status.completion.reason
                                                   : proto::CompletionReason::kAllCompleted);
  result.job = status.job.value;
  result.targets = request.targets.size();
  result.answers = status.output_records;
  result.duplicates = counted(status, "duplicates");
  result.retries = counted(status, "task_retries");
  result.late_answers = status.completion.results_discarded;
  if (!manifest.partial()) return result;
  for (const io::MissingTask& missing : manifest.coverage->missing) {
    for (const io::CoveragePiece& piece : missing.pieces) {
      const std::uint64_t index = piece.begin / line_bytes;
      if (index >= request.targets.size()) continue;
      result.missing.push_back(
          {request.targets[index], why_of(*manifest.coverage, missing), error_of(missing.error)});
    }
  }
  return result;
}

std::string failure_text_of(const ScatterRequest& request, const proto::JobStatus& status) {
  const TaskId& task = status.failed_task;
  const bool of_target =
      status.first_cause.kind != proto::FailureKind::kNone && task.stage == Stage::kMap;
  if (!of_target || task.index >= request.targets.size()) {
    return status.reason.empty() ? "it was " + std::string(proto::name_of(status.state))
                                 : in_terms_of_targets(with_names(request, status.reason));
  }
  std::string text = "target '" + request.targets[task.index] +
                     "' failed: " + error_of(status.first_cause.message);
  // Without a policy that is all there is to say.
  if (status.completion.policy.rule != proto::CompletionRule::kAll) {
    text = in_terms_of_targets(with_names(request, status.reason)) + "\n" + text;
  }
  return text;
}

Json failure_json_of(const ScatterRequest& request, const proto::JobStatus& status,
                     const std::vector<proto::LogEntry>& attempts) {
  std::uint64_t answered = 0;
  for (const proto::StageStatus& stage : status.stages) {
    if (stage.stage == Stage::kMap) answered = stage.done;
  }
  // One attempt is all that a target has, so each failure is one of a target.
  std::map<std::uint64_t, std::string> failed;
  for (const proto::LogEntry& attempt : attempts) {
    const TaskId& task = attempt.task;
    if (task.stage != Stage::kMap || task.index >= request.targets.size()) continue;
    if (!proto::charged_to_task(attempt.failure.kind)) continue;
    failed[task.index] = error_of(attempt.failure.message);
  }
  Json missing = Json::array();
  for (const auto& [index, error] : failed) {
    missing.push_back({{"target", request.targets[index]}, {"why", "failed"}, {"error", error}});
  }
  return {{"job", status.job.value},
          {"state", proto::name_of(status.state)},
          {"reason", proto::name_of(status.completion.reason)},
          {"targets",
           {{"total", request.targets.size()}, {"answered", answered}, {"failed", failed.size()}}},
          {"missing", std::move(missing)},
          {"error", failure_text_of(request, status)}};
}

std::string missing_text(const ScatterResult& result) {
  std::string text = std::to_string(result.answered()) + " of " + plural(result.targets, "target") +
                     " answered (" + result.reason + "):\n";
  std::size_t named = 0;
  for (const MissingTarget& one : result.missing) {
    if (named++ == kNamedMax) {
      return text + "  and " + std::to_string(result.missing.size() - kNamedMax) + " more\n";
    }
    text += line_of(one);
  }
  return text;
}

std::string text_of(const ScatterResult& result) {
  std::string text = "scatter: " + result.state + " in " + format_milliseconds(result.wall_ms) +
                     "\n  targets   " + format_count(result.targets) + ": " +
                     format_count(result.answered()) + " answered";
  for (const char* why : {"failed", "late", "stopped"}) {
    if (const std::uint64_t count = count_of(result, why); count > 0) {
      text += ", " + format_count(count) + " " + why;
    }
  }
  text += "\n  answers   " + format_count(result.answers);
  if (result.duplicates > 0) {
    text += ", and " + plural(result.duplicates, "duplicate") + " left out";
  }
  if (result.late_answers > 0) {
    text += "\n  late      " + plural(result.late_answers, "answer") + " dropped";
  }
  return text + "\n";
}

Json json_of(const ScatterResult& result) {
  Json missing = Json::array();
  for (const MissingTarget& one : result.missing) {
    Json entry = {{"target", one.target}, {"why", one.why}};
    if (!one.error.empty()) entry["error"] = one.error;
    missing.push_back(std::move(entry));
  }
  return {{"job", result.job},
          {"state", result.state},
          {"reason", result.reason},
          {"targets",
           {{"total", result.targets},
            {"answered", result.answered()},
            {"failed", count_of(result, "failed")},
            {"late", count_of(result, "late")},
            {"stopped", count_of(result, "stopped")}}},
          {"missing", std::move(missing)},
          {"answers", result.answers},
          {"duplicates", result.duplicates},
          {"late_answers", result.late_answers},
          {"retries", result.retries},
          {"wall_ms", result.wall_ms}};
}

std::string formatted(const Json& json) {
  // What failed says so in any bytes.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string in_terms_of_targets(std::string text) {
  replace_all(&text, ". Ask for fewer, or choose smaller splits (--split-bytes)", "");
  replace_all(&text, "map task", "target");
  replace_all(&text, "the maps", "the targets");
  replace_all(&text, "the input makes only", "there are only");
  return text;
}

}  // namespace fanfold::cli
