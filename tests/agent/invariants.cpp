#include "tests/agent/invariants.hpp"

#include <algorithm>
#include <variant>

#include "common/proto/output_list.hpp"

namespace fanfold::worker {

std::string name_of(AttemptId attempt) {
  const std::uint64_t epoch = attempt.value >> 40;
  const std::string counter = std::to_string(attempt.value & ((std::uint64_t{1} << 40) - 1));
  return epoch == 1 ? counter : std::to_string(epoch) + ":" + counter;
}

void Invariants::before(const Event& event) {
  if (exited_) return;
  std::visit([this](const auto& one) { note(one); }, event);
}

void Invariants::note(const MasterSaid& event) {
  std::visit([this](const auto& message) { note_message(message); }, event.message);
}

void Invariants::note_message(const proto::Welcome& message) {
  other_state_ = is_other_state(state_id_, message.state_id);
  if (other_state_ || message.epoch < epoch_) return;
  if (message.state_id != 0) state_id_ = message.state_id;
  welcome_ = true;
  worker_ = message.worker;
  epoch_ = message.epoch;
}

void Invariants::note_message(const proto::Unknown&) { welcome_ = false; }

void Invariants::note_message(const proto::HeartbeatEcho& message) {
  if (message.epoch > epoch_) welcome_ = false;
}

void Invariants::note_message(const proto::Assign& message) {
  const proto::TaskAssignment& assignment = message.assignment;
  const AttemptId attempt = assignment.attempt;
  const bool stale = !welcome_ || attempt.value >> 40 < epoch_;
  const bool known = attempts_.count(attempt) > 0 || cancelled_unseen_.count(attempt) > 0 ||
                     forgotten_.count(assignment.task.job) > 0;
  if (stale || known) return;
  AttemptBook& book = attempts_[attempt];
  book.job = assignment.task.job;
  book.arrival = ++arrivals_;
  book.list_version = assignment.list_version;
  book.reduce = assignment.task.stage == Stage::kReduce;
  book.generation = assignment.generation;
  const bool fetches = book.reduce && book.list_version != 0;
  book.phase = draining_ ? Phase::kFailing : fetches ? Phase::kFetching : Phase::kQueued;
  book.unlisted = book.phase == Phase::kFetching;
  take_listed(book, false);
}

void Invariants::cancel(AttemptBook& book) {
  if (book.phase == Phase::kExecuting) {
    book.cancelled = true;
  } else {
    book.phase = Phase::kGone;
  }
}

void Invariants::note_message(const proto::CancelAttempt& message) {
  if (AttemptBook* book = find(message.attempt)) {
    cancel(*book);
  } else {
    cancelled_unseen_.insert(message.attempt);
  }
}

void Invariants::note_message(const proto::CommitAnswer& message) {
  AttemptBook* book = find(message.attempt);
  if (book == nullptr || book->phase == Phase::kGone) return;
  if (!message.granted) {
    cancel(*book);
  } else if (book->phase == Phase::kCommitting) {
    book->phase = Phase::kGone;
    book->committed = true;
  }
}

void Invariants::note_message(const proto::FailureNoted& message) {
  AttemptBook* book = find(message.attempt);
  if (book != nullptr && book->phase == Phase::kFailing) book->phase = Phase::kGone;
}

void Invariants::note_message(const proto::ForgetJob& message) {
  forgotten_.insert(message.job);
  for (auto& [attempt, book] : attempts_) {
    if (book.job == message.job && book.phase != Phase::kGone) cancel(book);
  }
}

void Invariants::note(const AttemptWentOn& event) {
  // It was killed where it hung, and may be killed again.
  if (AttemptBook* book = find(event.attempt)) book->killed = false;
}

void Invariants::note(const AttemptEnded& event) {
  AttemptBook* book = find(event.attempt);
  if (book == nullptr || book->phase != Phase::kExecuting) return;
  const bool lost_inputs = book->reduce && !event.succeeded && !book->killed && !draining_ &&
                           event.failure.kind == proto::FailureKind::kFetch &&
                           !event.failure.lost_outputs.empty();
  if (lost_inputs) {
    book->phase = Phase::kFetching;
    book->fetching = true;
    note_missing(*book, event.failure.lost_outputs);
    return;
  }
  book->phase = book->cancelled   ? Phase::kGone
                : event.succeeded ? Phase::kCommitting
                                  : Phase::kFailing;
}

void Invariants::note_missing(AttemptBook& book, const std::vector<proto::MapOutput>& outputs) {
  for (const proto::MapOutput& output : outputs) {
    // A second time is a failure of the attempt.
    if (book.replaced.count(output.split) > 0) book.phase = Phase::kFailing;
  }
  if (book.phase == Phase::kFailing) return;
  for (const proto::MapOutput& output : outputs) book.missing[output.split] = output.attempt;
  take_listed(book, false);
}

void Invariants::note(const InputsMissing& event) {
  AttemptBook* book = find(event.attempt);
  if (book != nullptr && book->phase == Phase::kFetching) note_missing(*book, event.outputs);
}

void Invariants::note_message(const proto::ListPage& message) {
  ListBook& book = lists_[message.job];
  proto::OutputUnpacker unpacker;
  // Of one page, here.
  if (message.pages != 1 || message.version <= book.version || message.version < book.seen ||
      forgotten_.count(message.job) > 0) {
    return;
  }
  book.seen = message.version;
  if (!unpacker.add(message.packed).ok()) return;
  book = {message.version, message.version, message.generation, {}};
  for (const proto::MapOutput& output : unpacker.take().outputs) {
    book.outputs[output.split] = output.attempt;
  }
  for (auto& [attempt, held] : attempts_) {
    if (held.job == message.job) take_listed(held, true);
  }
}

void Invariants::take_listed(AttemptBook& book, bool new_list) {
  const ListBook& list = lists_[book.job];
  if (book.phase != Phase::kFetching || list.version < book.list_version ||
      list.generation != book.generation) {
    return;
  }
  book.unlisted = false;
  for (auto missing = book.missing.begin(); missing != book.missing.end();) {
    const auto listed = list.outputs.find(missing->first);
    if (listed == list.outputs.end() || listed->second == missing->second) {
      ++missing;
    } else {
      if (new_list) book.replaced.insert(missing->first);
      missing = book.missing.erase(missing);
    }
  }
}

void Invariants::note(const InputsReady& event) {
  AttemptBook* book = find(event.attempt);
  if (book == nullptr) return;
  book->fetching = false;
  if (book->phase != Phase::kFetching) return;
  book->phase = event.succeeded ? Phase::kQueued : Phase::kFailing;
}

void Invariants::note(const DrainRequested&) {
  draining_ = true;
  for (auto& [attempt, book] : attempts_) {
    if (book.phase == Phase::kFetching || book.phase == Phase::kQueued) {
      book.phase = Phase::kFailing;
    }
  }
}

void Invariants::after(const Agent& agent, Instant now, const std::vector<Action>& actions) {
  for (const Action& action : actions) {
    if (exited_) report("acts after its exit");
    std::visit([this](const auto& one) { check(one); }, action);
  }
  check_duties(agent, now);
}

Invariants::AttemptBook* Invariants::find(AttemptId attempt) {
  const auto it = attempts_.find(attempt);
  return it != attempts_.end() ? &it->second : nullptr;
}

std::vector<AttemptId> Invariants::in_phase(Phase phase) const {
  std::vector<AttemptId> found;
  for (const auto& [attempt, book] : attempts_) {
    if (book.phase == phase) found.push_back(attempt);
  }
  return found;
}

std::vector<AttemptId> Invariants::executing() const { return in_phase(Phase::kExecuting); }
std::vector<AttemptId> Invariants::committing() const { return in_phase(Phase::kCommitting); }
std::vector<AttemptId> Invariants::failing() const { return in_phase(Phase::kFailing); }

std::vector<AttemptId> Invariants::killed() const {
  std::vector<AttemptId> found = executing();
  std::erase_if(found, [this](AttemptId attempt) { return !attempts_.at(attempt).killed; });
  return found;
}

std::vector<AttemptId> Invariants::fetching() const {
  std::vector<AttemptId> found;
  for (const auto& [attempt, book] : attempts_) {
    if (book.fetching) found.push_back(attempt);
  }
  return found;
}

bool Invariants::holds_nothing() const {
  return std::all_of(attempts_.begin(), attempts_.end(),
                     [](const auto& entry) { return entry.second.phase == Phase::kGone; });
}

bool Invariants::holds(JobId job) const {
  return std::any_of(attempts_.begin(), attempts_.end(), [job](const auto& entry) {
    return entry.second.job == job && entry.second.phase != Phase::kGone;
  });
}

}  // namespace fanfold::worker
