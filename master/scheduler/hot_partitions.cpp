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
  if (heavy.size() > kPartitionsOrdered) heavy.resize(kPartitionsOrdered);
  std::uint64_t rest = all;
  std::uint32_t others = job.partitions;
  for (HeavyPartition& one : heavy) {
    rest -= std::min(rest, one.bytes);
    --others;
    const std::uint64_t usual = others > 0 ? rest / others : 0;
    one.hot = one.bytes >= job.hot_bytes && one.bytes / 2 > usual;
    // A smaller one is not hot either.
    if (!one.hot) break;
  }
  return heavy;
}

/// Folding is a pass of its own, and nobody knows before what it leaves.  Where no size was asked
/// for it has to pay even if that is half.
bool may_not_pay(const Job& job, std::uint32_t slots, std::uint64_t bytes) {
  constexpr std::uint64_t kTimesWhatASlotHas = 3;
  return job.hot_bytes == proto::kHotPartitionBytes &&
         bytes / kTimesWhatASlotHas < job.map.bytes_out / std::max(slots, 1u);
}

}  // namespace

void Machine::weigh_partitions(Job& job) {
  if (job.weighed || !job.map.complete() || job.reduce.started || job.reduce.done() > 0) return;
  const bool alone = job.partitions == 1 && job.hot_bytes != proto::kNeverHot && job.may_share();
  if (job.heavy.empty() && !alone) return;
  std::vector<HeavyPartition> heavy = weigh(job);
  std::uint32_t shares = 0;
  for (HeavyPartition& one : heavy) {
    if (!one.hot || !job.may_share()) break;
    one.shares = std::min(shares_for(job.map.size(), pool_.slots(), one.bytes, job.map.bytes_out),
                          kSharesOfJob - shares);
    if (one.shares < 2 || may_not_pay(job, pool_.slots(), one.bytes)) one.shares = 0;
    shares += one.shares;
  }
  record(PartitionsWeighed{job.id, std::move(heavy)});
  file(job);
}

void Machine::apply(const PartitionsWeighed& fact) {
  Job* job = find_job(fact.job);
  FANFOLD_CHECK(job != nullptr && !job->weighed);
  job->weighed = true;
  job->shares = proto::Shares(job->partitions, job->map.size(), fact.heavy);
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

void Machine::open_folded(Job& job) {
  std::uint32_t waiting = static_cast<std::uint32_t>(job.shares.folded().size());
  for (const auto& one : job.shares.folded()) {
    for (std::uint32_t task = one.begin; task < one.end; ++task) {
      if (job.reduce.at(task).state != TaskState::kCommitted) {
        return job.reduce.open(job.reduce.size() - waiting);
      }
    }
    --waiting;
  }
  job.reduce.open(job.reduce.size());
}

}  // namespace fanfold::master::scheduling
