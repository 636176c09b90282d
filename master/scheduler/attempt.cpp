#include "master/scheduler/attempt.hpp"

#include <algorithm>

namespace fanfold::master::scheduling {
namespace {

bool by_attempt(const AttemptLedger::Entry& a, const AttemptLedger::Entry& b) {
  return a.attempt < b.attempt;
}

}  // namespace

void AttemptLedger::add(AttemptId attempt, const TaskId& task) {
  entries_.push_back({attempt, task.index, task.stage});
}

void AttemptLedger::insert(AttemptId attempt, const TaskId& task) {
  const Entry entry{attempt, task.index, task.stage};
  entries_.insert(std::upper_bound(entries_.begin(), entries_.end(), entry, by_attempt), entry);
}

void AttemptLedger::sort() { std::sort(entries_.begin(), entries_.end(), by_attempt); }

const AttemptLedger::Entry* AttemptLedger::find(AttemptId attempt) const {
  const auto it = std::lower_bound(entries_.begin(), entries_.end(), Entry{attempt}, by_attempt);
  return it != entries_.end() && it->attempt == attempt ? &*it : nullptr;
}

}  // namespace fanfold::master::scheduling
