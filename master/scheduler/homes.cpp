// Homes of partitions (home_book.hpp).  Whom they are given to follows from who is there when there
// is something to be told; who has gone is replaced then, and not before.  Nothing depends on what
// homes do: reduces fetch what is not there.

#include <algorithm>
#include <set>
#include <vector>

#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"

namespace fanfold::master::scheduling {

void Machine::tell_homes(Job& job) {
  HomeBook& book = job.homes;
  const std::size_t news = book.splits.size() - book.told;
  if (news == 0 || job.state != proto::JobState::kRunning) return;
  if (!job.map.complete() && news < (job.map.size() + kHomeTellings - 1) / kHomeTellings) return;
  book.told = book.splits.size();
  if (!book.over_network && !pool_.spans_hosts()) return;
  choose_homes(job);
  std::map<WorkerId, std::vector<std::uint32_t>> partitions;
  for (std::uint32_t partition = 0; partition < book.of.size(); ++partition) {
    if (book.of[partition] == WorkerId{}) continue;
    if (job.reduce.at(partition).state == TaskState::kCommitted) continue;
    // Its shares, which anybody may have, read what it does not read any more.
    if (job.shares.find(partition) != nullptr) continue;
    partitions[book.of[partition]].push_back(partition);
  }
  std::erase_if(book.heard, [&](const auto& entry) { return partitions.count(entry.first) == 0; });
  // Most have heard the same.
  std::map<std::size_t, TellHomes> tellings;
  for (auto& [worker, own] : partitions) {
    std::size_t& heard = book.heard[worker];
    tellings[heard].homes.push_back({worker, std::move(own)});
    heard = book.told;
  }
  for (auto& [heard, telling] : tellings) {
    telling.job = job.id;
    if (book.mode != proto::ShuffleMode::kPush) {
      telling.segment_bytes_max = kHybridSegmentBytesMax;
    }
    const std::set<std::uint32_t> splits(
        std::next(book.splits.begin(), static_cast<std::ptrdiff_t>(heard)), book.splits.end());
    for (const std::uint32_t split : splits) {
      const Task& map = job.map.at(split);
      if (map.state != TaskState::kCommitted || map.output_empty) continue;
      telling.outputs.push_back({split, map.committed, map.holder});
    }
    if (!telling.outputs.empty()) act(std::move(telling));
  }
}

void Machine::choose_homes(Job& job) {
  HomeBook& book = job.homes;
  book.of.resize(job.partitions);
  // Who is free takes what is with others, too: to wait for them costs more than to fetch it.
  job.reduce.preferences().set_wait(Duration(0));
  const std::vector<WorkerId> places = pool_.homes(job.partitions);
  for (std::uint32_t partition = 0; partition < book.of.size(); ++partition) {
    WorkerId& home = book.of[partition];
    const Worker* worker = home != WorkerId{} ? pool_.find(home) : nullptr;
    if (worker != nullptr && WorkerPool::may_be_home(*worker)) continue;
    home = places.empty() ? WorkerId{} : places[partition % places.size()];
    // It has not heard of what this one is to bring.
    book.heard.erase(home);
    prefer_worker(job, Stage::kReduce, partition,
                  places.empty() ? std::nullopt : std::optional(home));
  }
}

}  // namespace fanfold::master::scheduling
