#include "common/history/lanes.hpp"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "common/history/job_history.hpp"

namespace fanfold {
namespace {

/// The slots of one worker while time passes.
class Slots {
 public:
  explicit Slots(std::uint32_t count) : count_(count) {}

  void place(AttemptHistory* attempt) {
    const bool all_taken = used_ >= count_ && !free_at_.empty();
    if (!attempt->start_known && all_taken) {
      attempt->started = std::clamp(free_at_.top().first, attempt->started, attempt->ended);
    }
    if (!free_at_.empty() && free_at_.top().first <= attempt->started) {
      attempt->lane = free_at_.top().second;
      free_at_.pop();
    } else {
      attempt->lane = used_++;
    }
    free_at_.emplace(attempt->ended, attempt->lane);
  }
  std::uint32_t used() const { return used_; }

 private:
  using Lane = std::pair<std::uint64_t, std::uint32_t>;  // Free from when, its number.
  std::priority_queue<Lane, std::vector<Lane>, std::greater<>> free_at_;
  std::uint32_t count_;
  std::uint32_t used_ = 0;
};

bool by_start(const AttemptHistory& a, const AttemptHistory& b) {
  return std::pair(a.started, a.ended) < std::pair(b.started, b.ended);
}

}  // namespace

void settle_lanes(JobHistory* history) {
  std::vector<AttemptHistory>& attempts = history->attempts;
  std::stable_sort(attempts.begin(), attempts.end(), by_start);
  std::vector<Slots> slots;
  for (const WorkerHistory& worker : history->workers) slots.emplace_back(worker.slots);
  for (AttemptHistory& attempt : attempts) slots[attempt.worker].place(&attempt);
  for (std::size_t i = 0; i < slots.size(); ++i) history->workers[i].lanes = slots[i].used();
  // Starts that were worked out have moved.
  std::stable_sort(attempts.begin(), attempts.end(), by_start);
}

}  // namespace fanfold
