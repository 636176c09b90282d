#include "cli/scatter/scatter_result.hpp"

#include <algorithm>

#include "common/io/manifest.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

using items::Json;

constexpr const char* kOwnManifest = "manifest.json";
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

class Keeping {
 public:
  Keeping(io::FileSystem& files, const std::string& from, std::string staging)
      : files_(files), from_(from), staging_(std::move(staging)) {}

  Status copy(const ScatterResult& result) {
    FANFOLD_RETURN_IF_ERROR(files_.remove_tree(staging_));
    FANFOLD_RETURN_IF_ERROR(files_.make_directories(staging_));
    FANFOLD_ASSIGN_OR_RETURN(io::Manifest manifest, io::read_manifest(files_, from_));
    for (const io::PartInfo& file : manifest.files) {
      FANFOLD_RETURN_IF_ERROR(
          files_.hard_link_or_copy(from_ + "/" + file.name, staging_ + "/" + file.name));
    }
    FANFOLD_RETURN_IF_ERROR(write(kOwnManifest, formatted(json_of(result))));
    FANFOLD_ASSIGN_OR_RETURN(const io::FileDigest digest,
                             io::digest_file(files_, staging_ + "/" + kOwnManifest));
    manifest.files.push_back({kOwnManifest, digest.bytes, 0, digest.checksum});
    manifest.bytes += digest.bytes;
    std::sort(manifest.files.begin(), manifest.files.end(),
              [](const io::PartInfo& a, const io::PartInfo& b) { return a.name < b.name; });
    FANFOLD_RETURN_IF_ERROR(write(manifest.file_name(), io::to_json(manifest)));
    return files_.sync_directory(staging_);
  }

  Status publish(const std::string& output, bool replace) {
    FANFOLD_RETURN_IF_ERROR(
        files_.publish(staging_, output, replace ? io::Replace::kExchange : io::Replace::kNever));
    FANFOLD_RETURN_IF_ERROR(files_.sync_directory(output.substr(0, output.rfind('/') + 1)));
    // What was there before, if anything.
    return files_.remove_tree(staging_);
  }

  void drop() { static_cast<void>(files_.remove_tree(staging_)); }

 private:
  Status write(const std::string& name, const std::string& text) {
    FANFOLD_ASSIGN_OR_RETURN(const auto file, files_.create(staging_ + "/" + name));
    FANFOLD_RETURN_IF_ERROR(file->append(text));
    FANFOLD_RETURN_IF_ERROR(file->sync());
    return file->close();
  }

  io::FileSystem& files_;
  const std::string& from_;
  const std::string staging_;
};

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
                                 : in_terms_of_targets(status.reason);
  }
  std::string text = "target '" + request.targets[task.index] +
                     "' failed: " + error_of(status.first_cause.message);
  // Without a policy that is all there is to say.
  if (status.completion.policy.rule != proto::CompletionRule::kAll) {
    text = in_terms_of_targets(status.reason) + "\n" + text;
  }
  return text;
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

Status keep_answers(io::FileSystem& files, const std::string& directory,
                    const ScatterResult& result, const std::string& output, bool replace) {
  const std::size_t slash = output.rfind('/') + 1;
  Keeping keeping(files, directory,
                  output.substr(0, slash) + "." + output.substr(slash) + "." +
                      std::to_string(result.job) + "." + make_client_id().substr(0, 8));
  Status status = keeping.copy(result);
  if (status.ok()) status = keeping.publish(output, replace);
  if (!status.ok()) keeping.drop();
  return status;
}

std::string in_terms_of_targets(std::string text) {
  replace_all(&text, ". Ask for fewer, or choose smaller splits (--split-bytes)", "");
  replace_all(&text, "map task", "target");
  replace_all(&text, "the maps", "the targets");
  replace_all(&text, "the input makes only", "there are only");
  return text;
}

}  // namespace fanfold::cli
