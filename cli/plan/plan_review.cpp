#include "cli/plan/plan_review.hpp"

#include <algorithm>
#include <utility>

#include "common/proto/gather.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

/// Segments are small reads, each with its costs.
constexpr std::uint64_t kManySegments = 10'000'000;
/// Smaller tasks take longer to start than to run.
constexpr std::uint64_t kSmallSplit = 256u << 10;
constexpr std::uint64_t kManyTasks = 1000;
constexpr std::uint64_t kSmallPartition = 1u << 20;

void warn_of_sizes(PlanReview* review) {
  const master::Plan& plan = review->plan;
  const std::uint64_t maps = plan.splits.size();
  std::vector<std::string>& warnings = review->warnings;
  if (maps == 0) {
    warnings.push_back("the input is empty: no map task runs, and the output has empty parts");
    return;
  }
  if (maps < review->place.slots && review->split_largest > kSmallSplit) {
    warnings.push_back(plural(maps, "map task") + " for " + plural(review->place.slots, "slot") +
                       ": some have nothing to do; --split-bytes " +
                       std::to_string(plan.input_bytes / (2 * review->place.slots) + 1) +
                       " gives each about two tasks");
  }
  if (maps >= kManyTasks && review->split_median < kSmallSplit) {
    warnings.push_back(plural(maps, "map task") + " of " + format_bytes(review->split_median) +
                       ": each takes longer to start than to run; choose a larger --split-bytes");
  }
  if (maps > 2 && review->split_largest > 3 * std::max<std::uint64_t>(1, review->split_median)) {
    warnings.push_back("the largest split has " + format_bytes(review->split_largest) +
                       ", the median " + format_bytes(review->split_median) +
                       ": the stage ends with one task (compressed and whole files cannot be cut)");
  }
  if (plan.partitions > 1 && plan.input_bytes / plan.partitions < kSmallPartition) {
    warnings.push_back(plural(plan.partitions, "reducer") + " for " +
                       format_bytes(plan.input_bytes) +
                       ": parts of less than 1 MiB; fewer reducers finish sooner");
  }
  if (maps * plan.partitions > kManySegments) {
    warnings.push_back(plural(maps, "map task") + " times " + plural(plan.partitions, "reducer") +
                       " make " + format_count(maps * plan.partitions) +
                       " segments to fetch: choose fewer reducers or larger splits");
  }
}

void warn_of_place(PlanReview* review) {
  const PlanPlace& place = review->place;
  const std::uint64_t memory = place.memory_bytes * place.slots;
  if (place.machine_bytes > 0 && memory > place.machine_bytes) {
    review->warnings.push_back(plural(place.slots, "executor") + " of " +
                               format_bytes(place.memory_bytes) + " need " + format_bytes(memory) +
                               ", more than the " + format_bytes(place.machine_bytes) +
                               " of this machine: choose fewer --slots or less --memory");
  }
  if (place.scratch_free && *place.scratch_free < review->plan.input_bytes) {
    review->warnings.push_back("intermediate data may be as large as the input (" +
                               format_bytes(review->plan.input_bytes) + "), but " + place.scratch +
                               " has " + format_bytes(*place.scratch_free) +
                               " left: set TMPDIR to a larger disk");
  }
  if (place.output_exists && review->spec.on_exists == proto::OnExists::kFail) {
    review->warnings.push_back(
        "the output " + review->spec.output +
        " exists, so the job would be refused: --on-exists replace, or another -o");
  }
}

std::string first_splits(const PlanReview& review) {
  constexpr std::size_t kShown = 5;
  const std::vector<proto::Split>& splits = review.plan.splits;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, splits.size()); ++i) {
    const std::vector<io::Piece>& pieces = splits[i].pieces;
    text += "  map-" + std::to_string(i) + "  " + format_bytes(splits[i].bytes);
    if (!pieces.empty()) {
      text += "  " + printable(pieces[0].path, false) + ", bytes " +
              std::to_string(pieces[0].begin) + " to " + std::to_string(pieces[0].end);
    }
    if (pieces.size() > 1) text += ", and " + plural(pieces.size() - 1, "more file");
    text += "\n";
  }
  if (splits.size() > kShown) {
    text += "  and " + plural(splits.size() - kShown, "more split") + " (--json has all)\n";
  }
  return text;
}

}  // namespace

PlanReview review_plan(proto::JobSpec spec, master::Plan plan, PlanPlace place) {
  PlanReview review;
  review.spec = std::move(spec);
  review.plan = std::move(plan);
  review.place = std::move(place);
  review.sample = review.spec.partitioning == abi::Partitioning::kRange &&
                  review.plan.partitions > 1 && !review.plan.sample.pieces.empty() &&
                  review.spec.gather.how != abi::Gather::kReduce;
  const proto::GatherTree tree(review.plan.partitions, review.spec.gather.arity);
  review.gathers = tree.tasks();
  review.gather_levels = tree.levels();
  std::vector<std::uint64_t> sizes;
  for (const proto::Split& split : review.plan.splits) sizes.push_back(split.bytes);
  std::sort(sizes.begin(), sizes.end());
  if (!sizes.empty()) {
    review.split_median = sizes[sizes.size() / 2];
    review.split_largest = sizes.back();
  }
  warn_of_sizes(&review);
  warn_of_place(&review);
  return review;
}

std::string text_of(const PlanReview& review) {
  const master::Plan& plan = review.plan;
  const PlanPlace& place = review.place;
  const std::uint64_t maps = plan.splits.size();
  const std::uint64_t rounds = (maps + place.slots - 1) / std::max(1u, place.slots);
  std::string text = review.spec.job_name + " over " + plural(plan.input_files, "file") + ", " +
                     format_bytes(plan.input_bytes) + "\n";
  text += "  place    " +
          (place.cluster.empty() ? "a private cluster" : "the cluster at " + place.cluster) + ": " +
          plural(place.workers, "worker") + ", " + plural(place.slots, "slot") + "\n";
  if (review.sample) text += "  sample   1 task, reads " + format_bytes(plan.sample.bytes) + "\n";
  text += "  map      " + plural(maps, "task") + ", about " + format_bytes(review.split_median) +
          " each, the largest " + format_bytes(review.split_largest) + "; " +
          plural(rounds, "round") + " of all slots\n";
  text += "  reduce   " + plural(plan.partitions, "task") +
          (review.spec.partitions != 0 ? ", as asked for with -r" : "") + "\n";
  if (review.gathers > 0) {
    text += "  gather   " + plural(review.gathers, "task") + " in " +
            plural(review.gather_levels, "level") + ", " + proto::name_of(review.spec.gather.how) +
            "\n";
  }
  if (place.memory_bytes > 0) {
    text += "  memory   " + format_bytes(place.memory_bytes) + " each executor, " +
            format_bytes(place.memory_bytes * place.slots) + " in all\n";
  } else {
    text += "  memory   as the workers of the cluster were started\n";
  }
  for (const std::string& note : plan.notes) text += "  note     " + printable(note, false) + "\n";
  for (const std::string& warning : review.warnings) {
    text += "  WARNING  " + printable(warning, false) + "\n";
  }
  return text + first_splits(review);
}

}  // namespace fanfold::cli
