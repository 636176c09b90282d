#include "master/planner/planner.hpp"

#include <algorithm>
#include <cstdio>

#include "common/core/limits.hpp"
#include "common/proto/redrive.hpp"
#include "master/planner/cut.hpp"
#include "master/planner/input_files.hpp"
#include "master/planner/redrive.hpp"

namespace fanfold::master {
namespace {

/// Smaller splits cost more to start than to run; larger ones leave slots idle at the end.
constexpr std::uint64_t kSplitBytesMin = 1u << 20;
constexpr std::uint64_t kSplitBytesMax = 64u << 20;
constexpr std::uint64_t kSplitsPerSlot = 4;

/// A reducer's share of the input: small enough to spread the work, and beyond kManyPartitions
/// large enough to keep the number of segments (splits times partitions) sane.
constexpr std::uint64_t kPartitionBytes = 64u << 20;
constexpr std::uint64_t kLargePartitionBytes = 256u << 20;
constexpr std::uint64_t kManyPartitions = 64;
constexpr std::uint64_t kAutoPartitionsMax = 10'000;

std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) { return (value + by - 1) / by; }

SplitSize choose_split_size(const proto::JobSpec& spec, std::uint64_t input_bytes,
                            std::uint32_t slots) {
  if (spec.split_bytes != 0) return {spec.split_bytes, true};
  const std::uint64_t tasks = std::max<std::uint64_t>(slots, 1) * kSplitsPerSlot;
  return {std::clamp(divide_up(input_bytes, tasks), kSplitBytesMin, kSplitBytesMax), false};
}

/// Depends on the input alone: the same job on a larger cluster has the same output files.
std::uint32_t choose_partitions(std::uint64_t input_bytes) {
  const std::uint64_t few = divide_up(input_bytes, kPartitionBytes);
  const std::uint64_t many = divide_up(input_bytes, kLargePartitionBytes);
  const std::uint64_t count = std::min(few, std::max(many, kManyPartitions));
  return static_cast<std::uint32_t>(std::clamp<std::uint64_t>(count, 1, kAutoPartitionsMax));
}

std::string explain_partitions(std::uint32_t partitions, std::uint64_t input_bytes) {
  if (partitions == 1) return "1 reducer: " + readable_bytes(input_bytes) + " of input";
  return std::to_string(partitions) + " reducers: " + readable_bytes(input_bytes) +
         " of input, about " + readable_bytes(input_bytes / partitions) + " each";
}

Status check_spec(const proto::JobSpec& spec) {
  if (spec.partitions > limits::kPartitions) {
    return Status(StatusCode::kInvalidArgument, std::to_string(spec.partitions) +
                                                    " reducers are too many; the limit is " +
                                                    std::to_string(limits::kPartitions));
  }
  if (spec.format == abi::RecordFormat::kFixed && spec.fixed_length == 0) {
    return Status(StatusCode::kInvalidArgument,
                  "this job reads records of fixed length but the length is 0: set it with "
                  "--param record_length=BYTES");
  }
  return Status();
}

}  // namespace

std::string readable_bytes(std::uint64_t bytes) {
  static constexpr const char* kUnits[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return std::to_string(bytes) + (bytes == 1 ? " byte" : " bytes");
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, kUnits[unit]);
  return text;
}

Result<Plan> make_plan(io::FileSystem& files, const proto::JobSpec& spec, const PlanLimits& limits,
                       const HostListing* hosts) {
  FANFOLD_RETURN_IF_ERROR(check_spec(spec));
  if (const auto directory = proto::redriven_directory(spec)) {
    return plan_redrive(files, spec, *directory, hosts);
  }
  Plan plan;
  if (spec.open && spec.inputs.empty()) {
    // All that it is to map has still to come: there is nothing to cut, and nothing to sample.
    plan.partitions = std::max(spec.partitions, 1u);
    return plan;
  }
  FANFOLD_ASSIGN_OR_RETURN(std::vector<InputFile> inputs, expand_inputs(files, spec, hosts));
  if (hosts != nullptr) plan.notes = hosts->notes;
  plan.input_files = inputs.size();
  for (const InputFile& input : inputs) plan.input_bytes += input.size;
  plan.partitions = spec.partitions;
  if (plan.partitions == 0) {
    plan.partitions = choose_partitions(plan.input_bytes);
    plan.notes.push_back(explain_partitions(plan.partitions, plan.input_bytes));
  }
  const SplitSize size = choose_split_size(spec, plan.input_bytes, limits.slots);
  if (spec.partitioning == abi::Partitioning::kRange) {
    FANFOLD_ASSIGN_OR_RETURN(plan.sample, choose_sample(files, inputs, spec));
  }
  FANFOLD_ASSIGN_OR_RETURN(plan.splits,
                           cut_into_splits(files, std::move(inputs), spec, size, plan.notes));
  plan.preferred = find_preferences(spec.prefer, plan.splits, &plan.notes);
  return plan;
}

}  // namespace fanfold::master
