#include "master/service/attempt_book.hpp"

#include <algorithm>

namespace fanfold::master {
namespace {

void sort_by_age(std::vector<HeldAttempt>* attempts) {
  std::sort(attempts->begin(), attempts->end(),
            [](const HeldAttempt& a, const HeldAttempt& b) { return a.attempt < b.attempt; });
}

}  // namespace

void AttemptBook::add(const HeldAttempt& held) {
  // An assignment may be repeated when a heartbeat did not list it.
  const bool added = held_.insert_or_assign(held.attempt.value, held).second;
  if (added) ++counts_[held.task.job];
}

HeldAttempt* AttemptBook::find(AttemptId attempt) {
  const auto found = held_.find(attempt.value);
  return found == held_.end() ? nullptr : &found->second;
}

void AttemptBook::remove(AttemptId attempt) {
  const auto found = held_.find(attempt.value);
  if (found == held_.end()) return;
  const auto count = counts_.find(found->second.task.job);
  if (--count->second == 0) counts_.erase(count);
  cancelled_.erase(attempt);
  held_.erase(found);
}

std::vector<HeldAttempt> AttemptBook::remove_worker(WorkerId worker) {
  std::vector<HeldAttempt> removed;
  for (const auto& [id, held] : held_) {
    if (held.worker == worker) removed.push_back(held);
  }
  for (const HeldAttempt& held : removed) remove(held.attempt);
  sort_by_age(&removed);
  return removed;
}

bool AttemptBook::mark_cancelled(AttemptId attempt) {
  return !held_.contains(attempt.value) || cancelled_.insert(attempt).second;
}

void AttemptBook::remove_cancelled_except(WorkerId worker, const std::vector<AttemptId>& listed,
                                          AttemptId newest) {
  std::vector<AttemptId> gone;
  for (const AttemptId attempt : cancelled_) {
    if (attempt <= newest && held_.at(attempt.value).worker == worker &&
        !std::binary_search(listed.begin(), listed.end(), attempt)) {
      gone.push_back(attempt);
    }
  }
  for (const AttemptId attempt : gone) remove(attempt);
}

std::size_t AttemptBook::count(JobId job) const {
  const auto found = counts_.find(job);
  return found == counts_.end() ? 0 : found->second;
}

std::vector<HeldAttempt> AttemptBook::of_job(JobId job) const {
  std::vector<HeldAttempt> attempts;
  for (const auto& [id, held] : held_) {
    if (held.task.job == job) attempts.push_back(held);
  }
  sort_by_age(&attempts);
  return attempts;
}

}  // namespace fanfold::master
