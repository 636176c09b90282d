#include <nlohmann/json.hpp>

#include "cli/plan/plan_review.hpp"

namespace fanfold::cli {

std::string to_json(const PlanReview& review) {
  using Json = nlohmann::ordered_json;
  const master::Plan& plan = review.plan;
  Json json = {{"job", review.spec.job_name},
               {"input_files", plan.input_files},
               {"input_bytes", plan.input_bytes},
               {"sample", review.sample},
               {"maps", plan.splits.size()},
               {"reduces", plan.partitions},
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
  // Names of files may be any bytes; JSON is UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace fanfold::cli
