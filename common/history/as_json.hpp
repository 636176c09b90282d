// What a job's history says, as the pages of a master (/api/jobs/N) and `fanfold report --json`
// tell it to programs.  Names of fields are permanent; fields may be added.
//
// Json is nlohmann::ordered_json: whoever includes this has it, this header needs it not.

#pragma once

#include <utility>

#include "common/history/analysis.hpp"
#include "common/history/job_history.hpp"

namespace fanfold {

template <class Json>
Json stage_analysis_json(const JobHistory& history, const StageAnalysis& stage) {
  Json json = {{"stage", name_of(stage.stage)},
               {"tasks", stage.tasks},
               {"committed", stage.committed},
               {"elapsed_us", stage.elapsed()},
               {"median_us", stage.median},
               {"p95_us", stage.p95},
               {"p99_us", stage.p99},
               {"longest_us", stage.longest},
               {"straggling_percent", stage.straggling()},
               {"tail_us", stage.tail},
               {"stragglers", stage.stragglers},
               {"waited_median_us", stage.waited_median},
               {"waited_p95_us", stage.waited_p95},
               {"bytes_in", stage.bytes_in},
               {"bytes_in_median", stage.bytes_in_median},
               {"bytes_in_most", stage.bytes_in_most},
               {"records_in", stage.records_in},
               {"bytes_out", stage.bytes_out},
               {"records_out", stage.records_out},
               {"spills", stage.spills},
               {"peak_rss_bytes", stage.peak_rss_bytes}};
  const AttemptCounts& attempts = stage.attempts;
  json["attempts"] = {{"all", attempts.all},
                      {"running", attempts.running},
                      {"again", attempts.again},
                      {"speculative", attempts.speculative},
                      {"failed", attempts.failed},
                      {"lost", attempts.lost},
                      {"abandoned", attempts.abandoned}};
  if (!stage.slowest.empty()) json["slowest"] = name_of(history.attempts[stage.slowest.front()]);
  return json;
}

template <class Json>
Json analysis_json(const JobHistory& history, const Analysis& analysis) {
  Json stages = Json::array();
  for (const StageAnalysis& stage : analysis.stages) {
    stages.push_back(stage_analysis_json<Json>(history, stage));
  }
  Json failures = Json::array();
  for (const FailureGroup& group : analysis.failures) {
    failures.push_back({{"cause", group.cause},
                        {"message", group.message},
                        {"attempts", group.count},
                        {"charged", group.charged},
                        {"wasted_us", group.wasted}});
  }
  Json advice = Json::array();
  for (const Advice& one : analysis.advice) {
    advice.push_back({{"finding", one.finding}, {"action", one.action}, {"saves_us", one.saves}});
  }
  Json json = {{"slots", analysis.slots},
               {"busy_us", analysis.busy},
               {"wasted_us", analysis.wasted},
               {"attempts", history.attempts.size()},
               {"records_skipped", history.records_skipped},
               {"dead_letters", history.dead_letters}};
  if (analysis.gather) json["gather_us"] = *analysis.gather;
  json["stages"] = std::move(stages);
  json["failures"] = std::move(failures);
  json["advice"] = std::move(advice);
  return json;
}

}  // namespace fanfold
