#include <nlohmann/json.hpp>

#include "cli/plan/plan_review.hpp"
#include "common/text/names.hpp"

namespace fanfold::cli {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const DryRun& run) {
  Json json = {{"limit", run.limit}, {"succeeded", !run.failed}};
  if (run.failed) {
    json["task"] = name_of(run.task);
    json["cause"] = proto::name_of(run.failure.kind);
    json["message"] = run.failure.message;
    json["record_file"] = run.failure.record_file;
    json["record_offset"] = run.failure.record_offset;
    return json;
  }
  json.update({{"records", run.records},
               {"emitted", run.emitted},
               {"pairs", run.pairs},
               {"pairs_bytes", run.pairs_bytes},
               {"output_records", run.output_records},
               {"output_bytes", run.output_bytes},
               {"counters", run.counters},
               {"warnings", run.warnings},
               {"output", run.output}});
  return json;
}

}  // namespace

std::string to_json(const PlanReview& review, const DryRun* run) {
  const master::Plan& plan = review.plan;
  Json json = {{"job", review.spec.job_name},
               {"input_files", plan.input_files},
               {"input_bytes", plan.input_bytes},
               {"sample", review.sample},
               {"maps", plan.splits.size()},
               {"reduces", plan.partitions},
               {"gathers", review.gathers},
               {"workers", review.place.workers},
               {"slots", review.place.slots},
               {"memory_bytes", review.place.memory_bytes},
               {"split_bytes_median", review.split_median},
               {"split_bytes_largest", review.split_largest},
               {"notes", plan.notes},
               {"warnings", review.warnings},
               {"splits", Json::array()}};
  for (const proto::Split& split : plan.splits) {
    Json pieces = Json::array();
    for (const io::Piece& piece : split.pieces) {
      pieces.push_back({{"file", piece.path}, {"begin", piece.begin}, {"end", piece.end}});
    }
    json["splits"].push_back({{"bytes", split.bytes}, {"pieces", std::move(pieces)}});
  }
  if (run != nullptr) json["dry_run"] = json_of(*run);
  // Names of files may be any bytes; JSON is UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace fanfold::cli
