#include "cli/report/measures.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/history/analysis.hpp"
#include "common/history/as_json.hpp"
#include "common/report/elements.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string line(const std::string& name, const std::string& text) {
  std::string padded = name;
  padded.resize(std::max<std::size_t>(padded.size() + 1, 10), ' ');
  return padded + text + "\n";
}

/// "2.9 times the median"
std::string ratio_text(std::uint64_t percent) {
  return std::to_string(percent / 100) + "." + std::to_string(percent / 10 % 10) +
         " times the median";
}

std::string flow_text(std::uint64_t bytes, std::uint64_t records) {
  return format_bytes(bytes) + ", " + plural(records, "record");
}

std::string stage_text(const JobHistory& history, const StageAnalysis& stage) {
  const AttemptCounts& attempts = stage.attempts;
  std::string text = line(name_of(stage.stage),
                          plural(stage.tasks, "task") + ", " + format_count(attempts.running) +
                              " in flight, took " + time_text(stage.elapsed()));
  if (stage.committed > 0) {
    text += line("  ran", "p50 " + time_text(stage.median) + ", p95 " + time_text(stage.p95) +
                              ", p99 " + time_text(stage.p99) + ", longest " +
                              time_text(stage.longest) + " (" +
                              name_of(history.attempts[stage.slowest.front()]) + "), " +
                              ratio_text(stage.straggling()));
    text += line("  waited",
                 "p50 " + time_text(stage.waited_median) + ", p95 " + time_text(stage.waited_p95));
    text += line("  read", flow_text(stage.bytes_in, stage.records_in));
    text += line("  wrote", flow_text(stage.bytes_out, stage.records_out));
  }
  return text +
         line("  attempts", format_count(attempts.all) + ": " + format_count(attempts.failed) +
                                " failed and " + format_count(attempts.lost) + " lost (" +
                                percent(attempts.failed + attempts.lost, attempts.all) + "), " +
                                format_count(attempts.again) + " again, " +
                                format_count(attempts.speculative) + " speculative, " +
                                format_count(attempts.abandoned) + " discarded");
}

}  // namespace

std::string measures_text(const JobHistory& history) {
  const Analysis analysis = analyse(history);
  std::string text =
      line("job", std::to_string(history.job) + " (" + printable(history.name, false) + ") " +
                      printable(history.state, false) + ", " + time_text(history.elapsed));
  for (const StageAnalysis& stage : analysis.stages) text += stage_text(history, stage);
  if (analysis.gather) text += line("gather", time_text(*analysis.gather));
  if (history.output_files > 0) {
    text += line("output", flow_text(history.output_bytes, history.output_records));
  }
  return text + line("records", format_count(history.dead_letters) + " dead letters, " +
                                    format_count(history.records_skipped) + " skipped");
}

std::string measures_json(const JobHistory& history) {
  const Analysis analysis = analyse(history);
  Json json = {{"job", history.job},
               {"name", history.name},
               {"state", history.state},
               {"elapsed_us", history.elapsed},
               {"output_bytes", history.output_bytes},
               {"output_records", history.output_records}};
  json["analysis"] = analysis_json<Json>(history, analysis);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace fanfold::cli
