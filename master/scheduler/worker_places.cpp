// Workers by where they are: on which host, what they can read there, and which may be homes.

#include <algorithm>

#include "master/scheduler/policy.hpp"
#include "master/scheduler/worker_pool.hpp"

namespace fanfold::master::scheduling {

std::vector<WorkerId> WorkerPool::homes(std::uint32_t most) const {
  std::vector<WorkerId> places;
  for (std::uint32_t slot = 0; places.size() < most; ++slot) {
    const std::size_t before = places.size();
    for (const auto& [id, worker] : workers_) {
      if (places.size() == most) break;
      if (may_be_home(worker) && worker.slots > slot) places.push_back(id);
    }
    if (places.size() == before) break;
  }
  return places;
}

std::size_t WorkerPool::homes_possible() const {
  return static_cast<std::size_t>(
      std::count_if(workers_.begin(), workers_.end(),
                    [](const auto& entry) { return may_be_home(entry.second); }));
}

bool WorkerPool::spans_hosts() const {
  const std::string* first = nullptr;
  for (const WorkerId id : active_) {
    const std::string& host = workers_.at(id).host;
    if (first != nullptr && (host != *first || host.empty())) return true;
    first = &host;
  }
  return false;
}

Worker* WorkerPool::free_worker_on(std::string_view host_name, const std::vector<WorkerId>& avoid) {
  const auto host = hosts_.find(host_name);
  if (host == hosts_.end()) return nullptr;
  std::size_t examined = 0;
  for (const auto& [rank, id] : host->second.candidates) {
    if (rank >= kQueueRank || ++examined > kWorkersOfHostsExamined) break;
    if (std::count(avoid.begin(), avoid.end(), id) == 0) return find(id);
  }
  return nullptr;
}

bool WorkerPool::anybody_on(std::string_view host_name) const {
  const auto host = hosts_.find(host_name);
  return host != hosts_.end() && !host->second.candidates.empty();
}

Worker* WorkerPool::free_worker_at(std::string_view place, const std::vector<WorkerId>& avoid) {
  const auto there = candidates_at_.find(place);
  if (there == candidates_at_.end()) return nullptr;
  std::size_t examined = 0;
  for (const auto& [rank, id] : there->second) {
    if (rank >= kQueueRank || ++examined > kWorkersOfHostsExamined) break;
    if (std::count(avoid.begin(), avoid.end(), id) == 0) return find(id);
  }
  return nullptr;
}

bool WorkerPool::anybody_at(std::string_view place, const std::vector<WorkerId>& avoid) const {
  const auto there = candidates_at_.find(place);
  if (there == candidates_at_.end()) return false;
  return std::any_of(there->second.begin(), there->second.end(), [&avoid](const auto& one) {
    return std::count(avoid.begin(), avoid.end(), one.second) == 0;
  });
}

}  // namespace fanfold::master::scheduling
