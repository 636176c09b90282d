#include "master/scheduler/job.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

#include "common/core/check.hpp"
#include "common/core/limits.hpp"
#include "common/core/planted.hpp"

namespace fanfold::master::scheduling {
namespace {

using proto::JobState;

constexpr std::size_t kJobStates = 7;  // Values start at 1.
using Row = std::array<bool, kJobStates>;
constexpr std::array<Row, kJobStates> kLegalMoves = {{
    // to: -, running, publishing, succeeded, failed, cancelled, partial
    {{false, false, false, false, false, false, false}},
    {{false, false, true, false, true, true, false}},     // running
    {{false, false, false, true, true, false, true}},     // publishing: too late to cancel.
    {{false, false, false, false, false, false, false}},  // succeeded absorbs
    {{false, false, false, false, false, false, false}},  // failed absorbs
    {{false, false, false, false, false, false, false}},  // cancelled absorbs
    {{false, false, false, false, false, false, false}},  // partial absorbs
}};

/// Without input there is nothing to sample.
std::size_t samples_of(const JobSubmitted& submitted) {
  return submitted.sample && !submitted.split_bytes.empty() ? 1 : 0;
}

}  // namespace

bool is_legal(JobState from, JobState to) {
  return kLegalMoves[static_cast<std::size_t>(from)][static_cast<std::size_t>(to)];
}

Job::Job(const JobSubmitted& submitted)
    : id(submitted.job),
      attempts_max(submitted.attempts_max != 0 ? submitted.attempts_max : limits::kAttemptsPerTask),
      speculate(submitted.speculate),
      partitions(submitted.partitions),
      sample(Stage::kSample, samples_of(submitted)),
      map(Stage::kMap, submitted.split_bytes),
      reduce(Stage::kReduce, submitted.partitions),
      tree(submitted.partitions, submitted.gather_arity),
      gather(Stage::kGather, tree.tasks()),
      verify_per_million(submitted.verify_per_million),
      completion{submitted.completion, submitted.on_deadline},
      retry(submitted.retry),
      bad_record_policy(submitted.bad_records),
      items(submitted.items),
      hot_bytes(submitted.hot_partition_bytes),
      fold_hot(submitted.fold_hot),
      control(submitted.control),
      replicas(submitted.replicas),
      homes{.mode = submitted.shuffle_mode, .over_network = submitted.over_network} {
  map.grows = submitted.open;
  map.place(submitted.hosts);
  map.prefer_hosts(submitted.preferred_hosts, submitted.preferred);
  const auto wait = std::chrono::milliseconds(
      std::min<std::uint64_t>(submitted.locality_wait_ms, limits::kLocalityWaitMsMost));
  map.preferences().set_wait(wait);
  if (sample.size() > 0 && !submitted.sample_host.empty()) {
    sample.place({{submitted.sample_host, sample.size()}});
  }
  gather.hold_back_after(tree.open_after(0));
  ledger.reserve(std::size_t{sample.size()} + map.size() + reduce.size() + gather.size());
}

StageTasks& Job::stage(Stage which) {
  return const_cast<StageTasks&>(static_cast<const Job*>(this)->stage(which));
}

const StageTasks& Job::stage(Stage which) const {
  switch (which) {
    case Stage::kSample:
      return sample;
    case Stage::kMap:
      return map;
    case Stage::kReduce:
      return reduce;
    case Stage::kGather:
      return gather;
  }
  FANFOLD_CHECK(false);
  return map;
}

bool Job::contains(const TaskId& task) const {
  return task.job == id && stage(task.stage).contains(task.index);
}

Trouble* Job::find_trouble(Stage which, std::uint32_t index) {
  const auto it = troubles.find({which, index});
  return it != troubles.end() ? &it->second : nullptr;
}

void Job::move_to(JobState to) {
  FANFOLD_CHECK(is_legal(state, to) || planted(Bug::kCancelWhilePublishing));
  state = to;
}

StageTasks& Job::open_stage() {
  return const_cast<StageTasks&>(static_cast<const Job*>(this)->open_stage());
}

const StageTasks& Job::open_stage() const {
  // Whatever becomes of maps now: what was reduced stays.
  if (gathers()) return gather;
  if (!sample.complete()) return sample;
  return map.complete() || !needs_map_outputs() ? reduce : map;
}

std::uint32_t Job::maps_covered() const {
  // What was reduced is in, also of a map whose output was lost since.
  return reduced() ? map.size() - map.given_up() : map.done();
}

std::uint64_t Job::bytes_covered() const {
  std::uint64_t bytes = map.bytes_done;
  if (maps_covered() == map.done()) return bytes;
  for (std::uint32_t split = 0; split < map.size(); ++split) {
    const Task& task = map.at(split);
    const bool lost = task.state != TaskState::kCommitted && task.state != TaskState::kGivenUp;
    if (lost) bytes += task.bytes;
  }
  return bytes;
}

bool Job::needs_map_outputs() const {
  std::uint32_t left = reduce.size() - reduce.done();
  for (const auto& one : shares.folded()) {
    if (reduce.at(one.partition).state != TaskState::kCommitted) --left;
  }
  return left > 0 || (reduce.size() == 0 && !map.complete());
}

bool Job::reduced() const {
  // A map that runs again for an output that no reduce needs any more does not hold up the job.
  return reduce.complete() && (reduce.size() > 0 || map.complete());
}

}  // namespace fanfold::master::scheduling
