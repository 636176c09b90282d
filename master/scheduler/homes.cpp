// Homes of partitions (home_book.hpp).  Whom they are given to follows from who is there when there
// is something to be told; who has gone is replaced then, and not before.  Nothing depends on what
// homes do: reduces fetch what is not there.

#include <algorithm>
#include <set>
#include <vector>

#include "master/scheduler/machine.hpp"
#include "master/scheduler/policy.hpp"

namespace fanfold::master::scheduling {

namespace {

/// Maps that commit before homes are told of them: an eighth of all, and what runs at a time, as
/// far as that leaves something to be told early.
std::size_t maps_at_once(std::size_t maps, std::size_t slots) {
  return std::max((maps + kHomeTellings - 1) / kHomeTellings, std::min(slots, (maps + 1) / 2));
}

}  // namespace

void Machine::note_for_homes(Job& job, const Attempt& committed) {
  if (!job.homes.wanted() || job.state != proto::JobState::kRunning) return;
  if (committed.task.stage == Stage::kMap) return tell_homes(job);
  const std::uint32_t partition = committed.task.index;
  if (committed.task.stage != Stage::kReduce || partition >= job.homes.of.size()) return;
  const WorkerId home = job.homes.of[partition];
  // Who reduced it there lets it go himself, but of what was read in shares nobody does.
  const bool shared = job.shares.find(partition) != nullptr;
  if (home != committed.worker || shared) release_home(job, partition, home);
}

void Machine::release_home(const Job& job, std::uint32_t partition, WorkerId home) {
  if (pool_.find(home) == nullptr) return;
  act(TellHomes{job.id, 0, {}, {{home, {partition}}}});
}

void Machine::tell_homes(Job& job) {
  HomeBook& book = job.homes;
  const std::size_t news = book.splits.size() - book.told;
  if (news == 0) return;
  const std::uint32_t slots = pool_.slots();
  if (!job.map.complete() && news < maps_at_once(job.map.size(), slots)) return;
  // Those that have not come back yet may be homes, too.
  if (waits_for_workers()) return;
  book.told = book.splits.size();
  if (!book.over_network && !pool_.spans_hosts()) return;
  if (book.mode == proto::ShuffleMode::kAuto && job.map.size() < kRoundsOfMapsForHomes * slots) {
    return;
  }
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
  const std::size_t possible = pool_.homes_possible();
  // Most came after they were chosen: so few should not bring all of it.
  const bool anew = possible >= kHomesGrown * book.chosen_among;
  const auto stays = [&](WorkerId home) {
    const Worker* worker = home != WorkerId{} && !anew ? pool_.find(home) : nullptr;
    return worker != nullptr && WorkerPool::may_be_home(*worker);
  };
  if (book.of.size() == job.partitions && std::all_of(book.of.begin(), book.of.end(), stays)) {
    return;
  }
  if (anew) book.chosen_among = possible;
  book.of.resize(job.partitions);
  // Who is free takes what is with others, too: to wait for them costs more than to fetch it.
  job.reduce.preferences().set_wait(Duration(0));
  const std::vector<WorkerId> places = pool_.homes(job.partitions);
  for (std::uint32_t partition = 0; partition < job.partitions; ++partition) {
    WorkerId& home = book.of[partition];
    if (stays(home)) continue;
    const WorkerId before = home;
    home = places.empty() ? WorkerId{} : places[partition % places.size()];
    if (home == before) continue;
    release_home(job, partition, before);
    // It has not heard of what this one is to bring.
    book.heard.erase(home);
    prefer_worker(job, Stage::kReduce, partition,
                  places.empty() ? std::nullopt : std::optional(home));
  }
}

}  // namespace fanfold::master::scheduling
