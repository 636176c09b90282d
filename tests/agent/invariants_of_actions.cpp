// What each action of an agent must be like, and what it owes at the end of every step.

#include <algorithm>
#include <variant>

#include "tests/agent/invariants.hpp"

namespace fanfold::worker {

void Invariants::check(const SendToMaster& action) {
  std::visit([this](const auto& message) { check_message(message); }, action.message);
}

void Invariants::check_signature(WorkerId worker, const std::string& what) {
  if (!welcome_) report(what + " to a master that has not welcomed us");
  if (worker != worker_) report(what + " signed with another worker's name");
}

void Invariants::check_message(const proto::Hello&) {
  if (welcome_) report("hello to a master that has welcomed us");
}

void Invariants::check_message(const proto::Heartbeat& message) {
  check_signature(message.worker, "heartbeat");
  if (message.epoch != epoch_) report("heartbeat with another epoch");
  std::map<AttemptId, bool> listed;
  for (const proto::AttemptProgress& one : message.attempts) {
    if (!listed.emplace(one.attempt, one.running).second) report("lists an attempt twice");
  }
  for (const auto& [attempt, book] : attempts_) {
    const auto it = listed.find(attempt);
    // Also a cancelled one that only has to die yet.
    const bool expected = book.phase != Phase::kGone;
    if (expected != (it != listed.end())) {
      report("attempt " + name_of(attempt) + (expected ? " is missing in" : " is listed by") +
             " a heartbeat");
      continue;
    }
    const bool waits = book.phase == Phase::kFetching || book.phase == Phase::kQueued;
    if (expected && it->second == waits) report("a heartbeat is wrong on what runs");
  }
  for (const auto& [attempt, running] : listed) {
    if (find(attempt) == nullptr) report("lists an attempt that it was never given");
  }
}

void Invariants::check_message(const proto::CommitRequest& message) {
  check_signature(message.worker, "commit request");
  std::string said = "commit";
  for (const auto& [name, value] : message.report.counters) {
    said += " " + name + "=" + std::to_string(value);
  }
  check_said(message.attempt, Phase::kCommitting, std::move(said));
  check_log(message.attempt, message.log_text);
}

void Invariants::check_message(const proto::AttemptFailed& message) {
  check_signature(message.worker, "failure");
  check_said(message.attempt, Phase::kFailing,
             std::string("failure ") + proto::name_of(message.failure.kind) + " " +
                 message.failure.message);
  check_log(message.attempt, message.log_text);
}

void Invariants::check_log(AttemptId attempt, const std::string& text) {
  AttemptBook* book = find(attempt);
  // Who asks for long says it no more.
  if (book == nullptr || text.empty()) return;
  if (book->log.empty()) book->log = text;
  if (book->log != text) report("attempt " + name_of(attempt) + " has two logs");
}

void Invariants::check_said(AttemptId attempt, Phase phase, std::string said) {
  AttemptBook* book = find(attempt);
  if (book == nullptr || book->phase != phase) {
    return report("reports attempt " + name_of(attempt) + ", which has not ended so");
  }
  if (book->said.empty()) book->said = said;
  if (book->said != said) {
    report("attempt " + name_of(attempt) + " said '" + book->said + "', then '" + said + "'");
  }
}

void Invariants::check_message(const proto::WorkersDied& message) {
  if (message.uuids.empty()) report("said that nobody died");
}

void Invariants::check_message(const proto::InputsWanted& message) {
  check_signature(message.worker, "lost inputs");
  const AttemptBook* book = find(message.attempt);
  if (book == nullptr || book->phase != Phase::kFetching) {
    return report("misses inputs of attempt " + name_of(message.attempt) + ", which needs none");
  }
  std::vector<AttemptId> missing;
  for (const auto& [split, attempt] : book->missing) missing.push_back(attempt);
  if (message.lost != missing || book->unlisted != missing.empty())
    report("does not say what attempt " + name_of(message.attempt) + " misses");
}

void Invariants::check_message(const proto::Bye& message) {
  check_signature(message.worker, "bye");
  if (!draining_) report("bye without a reason");
  if (message.finished != holds_nothing()) report("a bye is wrong on whether all is finished");
}

void Invariants::check(const FetchInputs& action) {
  AttemptBook* book = find(action.assignment.attempt);
  if (book == nullptr || book->phase != Phase::kFetching || book->fetching || book->unlisted) {
    return report("fetches for attempt " + name_of(action.assignment.attempt) +
                  ", which needs nothing");
  }
  if (action.list == nullptr || action.list->outputs.empty()) report("fetches nothing");
  book->fetching = true;
}

void Invariants::check(const ReplaceInputs& action) {
  const AttemptBook* book = find(action.attempt);
  if (book == nullptr || book->phase != Phase::kFetching) {
    return report("replaces inputs of attempt " + name_of(action.attempt) + ", which needs none");
  }
  if (action.outputs.empty()) report("replaces nothing");
  for (const proto::MapOutput& output : action.outputs) {
    if (book->missing.count(output.split) > 0) {
      report("replaces what attempt " + name_of(action.attempt) + " has");
    }
    if (output.holder >= action.list->holders.size()) report("replaces an input by nobody's");
  }
}

void Invariants::check(const BringEarly& action) {
  if (draining_) report("brings something early though it drains");
  if (forgotten_.count(action.job) > 0) report("brings something for a job that is over");
  for (const proto::MapOutput& output : action.list->outputs) {
    if (output.holder >= action.list->holders.size()) report("brings what nobody has");
  }
}

void Invariants::check(const DropEarly& action) {
  if (forgotten_.count(action.job) > 0) report("drops partitions of a job that is over");
}

void Invariants::check(const StartAttempt& action) {
  const AttemptId attempt = action.assignment.attempt;
  AttemptBook* book = find(attempt);
  if (book == nullptr || book->phase != Phase::kQueued) {
    return report("starts attempt " + name_of(attempt) + ", which is not ready");
  }
  if (draining_) report("starts an attempt while it drains");
  if (action.assignment.task.job != book->job ||
      action.assignment.list_version != book->list_version) {
    report("starts attempt " + name_of(attempt) + " with another assignment");
  }
  for (const AttemptId other : in_phase(Phase::kQueued)) {
    if (attempts_.at(other).arrival < book->arrival) report("starts attempts out of their order");
  }
  if (!book->missing.empty()) report("starts attempt " + name_of(attempt) + " without an input");
  if (action.again != (book->starts++ > 0)) report("is wrong on whether an attempt ran before");
  book->phase = Phase::kExecuting;
  if (executing().size() > slots_) report("starts more attempts than it has slots");
}

void Invariants::check(const KillAttempt& action) {
  AttemptBook* book = find(action.attempt);
  if (book != nullptr && book->fetching) {
    book->fetching = false;
    return;
  }
  if (book == nullptr || book->phase != Phase::kExecuting || book->killed) {
    return report("kills attempt " + name_of(action.attempt) + ", which does not run");
  }
  book->killed = true;
}

void Invariants::check(const DropAttemptFiles& action) {
  AttemptBook* book = find(action.attempt);
  const std::string name = name_of(action.attempt);
  if (book == nullptr || book->job != action.job) return report("drops files of attempt " + name);
  if (book->phase != Phase::kGone && book->phase != Phase::kFailing) {
    report("drops the files of attempt " + name + ", which are needed");
  }
  if (book->fetching) report("drops files of attempt " + name + ", which are being fetched");
  if (book->committed) report("drops files of attempt " + name + ", which is committed");
  if (book->dropped) report("drops the files of attempt " + name + " twice");
  if (dropped_jobs_.count(action.job) > 0) report("drops files of a job that has none");
  book->dropped = true;
}

void Invariants::check(const DropJobFiles& action) {
  if (forgotten_.count(action.job) == 0) report("drops the files of a job that goes on");
  if (holds(action.job)) report("drops the files of a job that still has attempts");
  if (!dropped_jobs_.insert(action.job).second) report("drops the files of a job twice");
}

void Invariants::check(const Reconnect&) { welcome_ = false; }

void Invariants::check(const Exit&) { exited_ = true; }

void Invariants::check(const BeginAnew&) {
  if (!other_state_) report("begins anew, and nobody told it of another state");
  exited_ = true;
}

void Invariants::check_duties(const Agent& agent, Instant now) {
  const std::optional<Instant> deadline = agent.next_deadline();
  if (other_state_ && !exited_) report("goes on under a master of another state");
  if (exited_) {
    if (deadline) report("waits for something after its exit");
    return;
  }
  if (!deadline) return report("waits for nothing, not even for the master");
  if (*deadline <= now) report("has a deadline that does not pass");
  std::vector<AttemptId> started = executing();
  std::erase_if(started, [this](AttemptId attempt) { return attempts_.at(attempt).killed; });
  if (agent.started() != started) report("is wrong on what is started");
  if (executing().size() < slots_ && !in_phase(Phase::kQueued).empty()) {
    report("leaves a slot free while attempts wait");
  }
  for (const auto& [attempt, book] : attempts_) check_duties_of(attempt, book);
  for (const JobId job : forgotten_) {
    if (!holds(job) && dropped_jobs_.count(job) == 0) report("keeps files of a forgotten job");
  }
}

void Invariants::check_duties_of(AttemptId attempt, const AttemptBook& book) {
  const bool fetching = book.phase == Phase::kFetching && !book.unlisted;
  if (fetching != book.fetching) report("fetches wrongly for attempt " + name_of(attempt));
  if (book.cancelled && !book.killed) report("lets a cancelled attempt run");
  const bool useless =
      book.phase == Phase::kFailing || (book.phase == Phase::kGone && !book.committed);
  if (useless && !book.dropped && forgotten_.count(book.job) == 0) {
    report("keeps files of attempt " + name_of(attempt) + ", which nobody wants");
  }
  const bool ended = book.phase == Phase::kCommitting || book.phase == Phase::kFailing;
  if (ended && welcome_ && book.said.empty()) {
    report("has not said how attempt " + name_of(attempt) + " ended");
  }
}

}  // namespace fanfold::worker
