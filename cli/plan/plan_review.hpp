// A plan before anything runs: what it comes to, and what about it is likely to hurt.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/plan/dry_run.hpp"
#include "common/proto/types.hpp"
#include "master/planner/planner.hpp"

namespace fanfold::cli {

/// Where the job would run.
struct PlanPlace {
  std::string cluster;  // Address; empty: a private cluster.
  std::uint32_t workers = 1;
  std::uint32_t slots = 1;                    // Of all workers together.
  std::uint64_t memory_bytes = 0;             // Of one executor; 0: the cluster's workers decide.
  std::uint64_t machine_bytes = 0;            // RAM; 0: not known, or of other machines.
  std::optional<std::uint64_t> scratch_free;  // Bytes where intermediate data would go.
  std::string scratch;
  bool output_exists = false;
};

struct PlanReview {
  proto::JobSpec spec;
  master::Plan plan;
  PlanPlace place;
  std::uint64_t split_median = 0;
  std::uint64_t split_largest = 0;
  bool sample = false;
  std::uint32_t gathers = 0;  // Tasks that make one of the parts.
  std::uint32_t gather_levels = 0;
  std::vector<std::string> warnings;
};

PlanReview review_plan(proto::JobSpec spec, master::Plan plan, PlanPlace place);

/// For people, and for programs.
std::string text_of(const PlanReview& review);
/// `run`: of its first records; null: nobody asked for it.
std::string to_json(const PlanReview& review, const DryRun* run = nullptr);

}  // namespace fanfold::cli
