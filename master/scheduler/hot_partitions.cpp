// Partitions with much more than others.  When the maps are complete, reduces are put in order:
// what takes longest comes first, so that nothing waits for it at the end.  What would take long
// even so is folded in shares, where the job can fold; its reduce waits for these.

#include <algorithm>
#include <tuple>

#include "common/core/check.hpp"
#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"

namespace fanfold::master::scheduling {
namespace {

using proto::HeavyPartition;

/// The heaviest partitions, those that are hot first.
std::vector<HeavyPartition> weigh(const Job& job) {
  std::vector<HeavyPartition> heavy;
  for (const auto& [partition, bytes] : job.heavy) heavy.push_back({partition, bytes, false, 0});
  const std::uint64_t all = job.map.bytes_out;
  // Beside nothing: as much as there is.
  if (job.partitions == 1) heavy = {{0, all, false, 0}};
  std::sort(heavy.begin(), heavy.end(), [](const HeavyPartition& a, const HeavyPartition& b) {
    return std::tie(b.bytes, a.partition) < std::tie(a.bytes, b.partition);
  });
  if (heavy.size() > proto::kPartitionsOrdered) heavy.resize(proto::kPartitionsOrdered);
  const std::uint64_t hot_bytes =
      job.hot_bytes == proto::kHotFromUsualBytes ? proto::kHotPartitionBytes : job.hot_bytes;
  std::uint64_t rest = all;
  std::uint32_t others = job.partitions;
  for (HeavyPartition& one : heavy) {
    rest -= std::min(rest, one.bytes);
    --others;
    const std::uint64_t usual = others > 0 ? rest / others : 0;
    one.hot = one.bytes >= hot_bytes && one.bytes / 2 > usual;
    // A smaller one is not hot either.
    if (!one.hot) break;
  }
  return heavy;
}

/// Folding is a pass of its own, and nobody knows before what it leaves.  Where no size was asked
/// for it has to pay even if that is half.
bool may_not_pay(const Job& job, std::uint32_t slots, std::uint64_t bytes) {
  constexpr std::uint64_t kTimesWhatASlotHas = 3;
  return job.hot_bytes == proto::kHotFromUsualBytes &&
         bytes / kTimesWhatASlotHas < job.map.bytes_out / std::max(slots, 1u);
}

bool has_output(const Task& map) { return map.state == TaskState::kCommitted && !map.output_empty; }

std::uint32_t outputs_of(const StageTasks& maps) {
  std::uint32_t outputs = 0;
  for (std::uint32_t split = 0; split < maps.size(); ++split) outputs += has_output(maps.at(split));
  return outputs;
}

/// Ends of ranges of splits that have about the same bytes.  Each has an output; `count` is no more
/// than there are.
void cut(const StageTasks& maps, std::uint32_t outputs, std::uint32_t count,
         std::vector<std::uint32_t>* ends) {
  const std::uint64_t each = std::max<std::uint64_t>(maps.bytes_out / count, 1);
  std::uint64_t bytes = 0;
  std::uint32_t left = count;
  bool any = false;
  for (std::uint32_t split = 0; split < maps.size() && left > 1; ++split) {
    if (!has_output(maps.at(split))) continue;
    // It begins the next one where it would rather be there, or where the rest needs one each.
    const std::uint64_t half = maps.at(split).bytes_out / 2;
    if (any && (outputs <= left - 1 || bytes + half >= each * (count - left + 1))) {
      ends->push_back(split);
      --left;
    }
    bytes += maps.at(split).bytes_out;
    --outputs;
    any = true;
  }
  ends->push_back(maps.size());
}

}  // namespace

std::uint32_t Machine::slots_for(const Job& job) const {
  const std::uint32_t slots = pool_.slots() + pool_.slots_expected();
  const std::uint32_t most = job.control.max_concurrency;
  return most == 0 ? slots : std::min(slots, most);
}

void Machine::weigh_partitions(Job& job) {
  if (job.weighed || !job.map.complete() || job.reduce.started || job.reduce.done() > 0) return;
  if (job.partitions == 1) {
    // Beside nothing nothing is hot, unless somebody says so.
    const bool asked =
        job.hot_bytes != proto::kNeverHot && job.hot_bytes != proto::kHotFromUsualBytes;
    if (!asked || !job.may_share()) return;
  } else if (job.heavy.empty()) {
    return;
  }
  PartitionsWeighed fact{job.id, weigh(job)};
  fact.workers_older = !pool_.all_know_shares();
  const bool may_share = job.may_share() && !fact.workers_older;
  const std::uint32_t slots = slots_for(job);
  const std::uint32_t outputs = outputs_of(job.map);
  for (HeavyPartition& one : fact.heavy) {
    if (!one.hot || !may_share) break;
    const auto room = static_cast<std::uint32_t>(proto::kSharesOfJob - fact.ends.size());
    one.shares = std::min(shares_for(outputs, slots, one.bytes, job.map.bytes_out), room);
    if (one.shares < 2 || may_not_pay(job, slots, one.bytes)) one.shares = 0;
    if (one.shares > 0) cut(job.map, outputs, one.shares, &fact.ends);
  }
  record(std::move(fact));
  file(job);
}

void Machine::apply(const PartitionsWeighed& fact) {
  Job* job = find_job(fact.job);
  FANFOLD_CHECK(job != nullptr && !job->weighed);
  job->weighed = true;
  job->shares = proto::Shares(job->partitions, fact.heavy, fact.ends);
  job->reduce.append(std::vector<std::uint64_t>(job->shares.tasks(), 0));
  std::vector<std::uint32_t> order;
  order.reserve(job->reduce.size());
  std::vector<bool> placed(job->reduce.size());
  const auto put = [&](std::uint32_t task) {
    if (!placed[task]) order.push_back(task);
    placed[task] = true;
  };
  for (std::uint32_t task = job->partitions; task < job->reduce.size(); ++task) put(task);
  // They come last: they wait for what the shares leave.
  for (const auto& one : job->shares.folded()) placed[one.partition] = true;
  for (const HeavyPartition& one : fact.heavy) {
    if (one.hot) put(one.partition);
  }
  const auto urgent = static_cast<std::uint32_t>(order.size());
  for (const HeavyPartition& one : fact.heavy) put(one.partition);
  for (std::uint32_t task = 0; task < job->partitions; ++task) put(task);
  const auto open = static_cast<std::uint32_t>(order.size());
  for (const auto& one : job->shares.folded()) order.push_back(one.partition);
  job->reduce.arrange(std::move(order), urgent);
  job->reduce.hold_back_after(open);
  for (const HeavyPartition& one : fact.heavy) {
    if (one.hot) job->hot.push_back(one);
  }
}

void Machine::open_folded(Job& job, std::uint32_t committed) {
  const proto::PartitionShare share = job.shares.share(committed);
  if (!share.is_share()) return;
  const proto::Shares::Folded& folded = *job.shares.find(share.partition);
  for (std::uint32_t task = folded.begin; task < folded.end; ++task) {
    if (job.reduce.at(task).state != TaskState::kCommitted) return;
  }
  job.reduce.open_task(folded.partition);
}

}  // namespace fanfold::master::scheduling
