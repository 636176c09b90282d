#include "master/service/staging_keeper.hpp"

#include <utility>

namespace fanfold::master {

void StagingKeeper::add(JobId job, Remains remains, Instant now) {
  waiting_.insert_or_assign(job, Waiting{std::move(remains), now + patience_});
}

std::vector<StagingKeeper::Removable> StagingKeeper::take_removable(
    const std::function<bool(JobId)>& written_to, Instant now) {
  std::vector<Removable> removable;
  for (auto entry = waiting_.begin(); entry != waiting_.end();) {
    const bool ready = !written_to(entry->first) || entry->second.deadline <= now;
    if (ready) {
      removable.push_back({.job = entry->first, .remains = std::move(entry->second.remains)});
      entry = waiting_.erase(entry);
    } else {
      ++entry;
    }
  }
  return removable;
}

std::vector<StagingKeeper::Removable> StagingKeeper::take_all() {
  std::vector<Removable> all;
  for (auto& [job, waiting] : waiting_) all.push_back({job, std::move(waiting.remains)});
  waiting_.clear();
  return all;
}

std::optional<Instant> StagingKeeper::next_deadline() const {
  std::optional<Instant> next;
  for (const auto& [job, waiting] : waiting_) {
    if (!next || waiting.deadline < *next) next = waiting.deadline;
  }
  return next;
}

}  // namespace fanfold::master
