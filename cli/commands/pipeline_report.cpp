#include "cli/commands/pipeline_report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/commands/session.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/text/table.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

std::string size_of(const StageResult& result) {
  return plural(result.records, "record") + ", " + format_bytes(result.bytes);
}

/// What decides whether there is another round.
std::string until_text(const StageEvent& event) {
  const std::optional<Repeat>& repeat = event.stage->repeat;
  if (!repeat || repeat->until_counter.empty()) return "";
  const auto counter = event.result->counters.find(repeat->until_counter);
  const bool counted = counter != event.result->counters.end();
  // A name that nobody counts under is most likely a mistake, which ends the rounds at once.
  if (!counted && event.round == 1) return ", " + repeat->until_counter + " was never counted";
  return ", " + repeat->until_counter + " = " + std::to_string(counted ? counter->second : 0);
}

}  // namespace

std::string line_of(const StageEvent& event) {
  const std::string name = name_of_round(*event.stage, event.round) + ": ";
  switch (event.news) {
    case StageNews::kStarted:
      return event.round == 1 ? event.stage->name + ": started\n" : "";
    case StageNews::kReused:
      return name + "reused: " + size_of(*event.result) + "\n";
    case StageNews::kFinished:
      return name + (event.result->partial ? "PARTIAL after " : "finished in ") +
             format_milliseconds(event.status->elapsed_ms) + ": " + size_of(*event.result) +
             until_text(event) + "\n";
    case StageNews::kFailed:
      return name +
             (event.status == nullptr ? "did not run" : proto::name_of(event.status->state)) + "\n";
  }
  return "";
}

StageRows::StageRows(const Pipeline& pipeline) {
  for (const PipelineStage& stage : pipeline.stages) rows_.emplace_back().name = stage.name;
}

void StageRows::forget_below(const std::string& directory) {
  for (StageRow& row : rows_) {
    if (row.output.starts_with(directory + "/")) row.output.clear();
  }
}

void StageRows::note(const StageEvent& event) {
  const auto row = std::find_if(rows_.begin(), rows_.end(), [&](const StageRow& candidate) {
    return candidate.name == event.stage->name;
  });
  if (row == rows_.end()) return;
  if (event.status != nullptr) row->wall_ms += event.status->elapsed_ms;
  if (event.news == StageNews::kFailed) row->state = "failed";
  if (event.result == nullptr) return;
  row->state = event.news == StageNews::kReused ? "reused"
               : event.result->partial          ? "partial"
                                                : "ran";
  row->output = event.result->directory;
  row->rounds = event.round;
  row->records = event.result->records;
  row->bytes = event.result->bytes;
}

std::string text_of(const PipelineSummary& summary, const std::vector<StageRow>& rows) {
  const bool partial = summary.state == "partial";
  std::string text = summary.name + (partial ? " is PARTIAL after " : " finished in ") +
                     format_milliseconds(summary.wall_ms) + "\n";
  Table table({"STAGE", "STATE", "ROUNDS", "RECORDS", "BYTES", "TIME", "OUTPUT"});
  for (const StageRow& row : rows) {
    table.add({row.name, row.state, std::to_string(row.rounds), format_count(row.records),
               format_bytes(row.bytes), format_milliseconds(row.wall_ms),
               row.output.empty() ? "-" : printable(row.output, false)});
  }
  return text + table.text();
}

std::string json_of(const PipelineSummary& summary, const std::vector<StageRow>& rows) {
  using Json = nlohmann::ordered_json;
  Json json = {{"pipeline", summary.name},
               {"state", summary.state},
               {"wall_ms", summary.wall_ms},
               {"work", summary.work},
               {"failed_stage", summary.failed_stage},
               {"stages", Json::array()}};
  for (const StageRow& row : rows) {
    json["stages"].push_back({{"name", row.name},
                              {"state", row.state},
                              {"rounds", row.rounds},
                              {"records", row.records},
                              {"bytes", row.bytes},
                              {"wall_ms", row.wall_ms},
                              {"output", row.output}});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

int report_incomplete(const Environment& environment, Incomplete run) {
  const PipelineOutcome& outcome = run.outcome;
  const bool cancelled = outcome.failed && outcome.failed->state == proto::JobState::kCancelled;
  if (outcome.failed && !(run.interrupted && cancelled)) {
    if (!run.stage.empty()) print_error("fanfold: " + run.stage + ":\n");
    Conclusion conclusion;
    conclusion.status = outcome.failed;
    conclusion.attempts = std::move(run.attempts);
    ReportOptions options;
    options.quiet = true;
    options.master = run.master;
    options.command = shell_command(environment.words);
    return report_conclusion(conclusion, options);
  }
  if (!run.interrupted) {
    Status error = outcome.error;
    return report(run.stage.empty() ? error : std::move(error).with_context(run.stage));
  }
  print_error("fanfold: interrupted.\n");
  return kExitInterrupted;
}

}  // namespace fanfold::cli
