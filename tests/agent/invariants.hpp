// Watches an agent from outside and reports whatever must never happen: more attempts started than
// there are slots, an attempt with two ends, a held attempt left out of a heartbeat, files dropped
// under a running executor ...  Keeps its own books from events and actions alone, so that a bug in
// the agent's books shows.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "worker/agent/agent.hpp"

namespace fanfold::worker {

class Invariants {
 public:
  explicit Invariants(std::uint32_t slots) : slots_(slots) {}

  void before(const Event& event);
  void after(const Agent& agent, Instant now, const std::vector<Action>& actions);

  /// Sentences; empty as long as all is well.
  const std::vector<std::string>& violations() const { return violations_; }

  // What a world around the agent needs to know to play its part.
  std::vector<AttemptId> executing() const;
  std::vector<AttemptId> killed() const;
  std::vector<AttemptId> fetching() const;
  std::vector<AttemptId> committing() const;
  std::vector<AttemptId> failing() const;
  bool holds_nothing() const;
  bool exited() const { return exited_; }

 private:
  enum class Phase : std::uint8_t {
    kFetching,
    kQueued,
    kExecuting,
    kCommitting,
    kFailing,
    kGone,
  };
  struct AttemptBook {
    JobId job;
    Phase phase = Phase::kQueued;
    std::uint64_t arrival = 0;
    std::uint64_t list_version = 0;  // Of what it reads; 0: nothing.
    bool unlisted = false;           // It waits for that list, or a newer one.
    bool fetching = false;           // Asked for, and neither answered nor stopped.
    bool cancelled = false;          // The master wants it no more.
    bool killed = false;
    bool committed = false;
    bool dropped = false;
    bool reduce = false;
    std::uint64_t generation = 0;
    std::uint32_t starts = 0;
    std::map<std::uint32_t, AttemptId> missing;  // By split: inputs that it could not read.
    std::set<std::uint32_t> replaced;
    std::string said;  // Its commit or failure, as it was first sent.
    std::string log;   // With it.
  };

  // What events do to the books.
  void note(const MasterSaid& event);
  void note(const AttemptWentOn& event);
  void note(const AttemptEnded& event);
  void note(const InputsMissing& event);
  void note(const InputsReady& event);
  void note(const ProgressSeen&) {}
  void note(const DrainRequested& event);
  void note(const Tick&) {}
  void note_message(const proto::Welcome& message);
  void note_message(const proto::Unknown& message);
  void note_message(const proto::HeartbeatEcho& message);
  void note_message(const proto::Assign& message);
  void note_message(const proto::CancelAttempt& message);
  void note_message(const proto::CommitAnswer& message);
  void note_message(const proto::FailureNoted& message);
  void note_message(const proto::ForgetJob& message);
  void note_message(const proto::Goodbye&) {}
  void note_message(const proto::ListPage& message);
  void note_message(const proto::BlobPart&) {}    // The body hears it.
  void note_message(const proto::ReadOutput&) {}  // The body answers it.
  void note_message(const proto::PeerKeys&) {}    // And keeps these.
  void note_message(const proto::ListHostFiles&) {}
  void note_message(const proto::HomeOutputs&) {}
  void take_listed(AttemptBook& book, bool new_list);
  void note_missing(AttemptBook& book, const std::vector<proto::MapOutput>& outputs);
  void cancel(AttemptBook& book);

  // What actions may be.
  void check(const SendToMaster& action);
  void check(const FetchInputs& action);
  void check(const ReplaceInputs& action);
  void check(const BringEarly& action);
  void check(const DropEarly& action);
  void check(const StartAttempt& action);
  void check(const KillAttempt& action);
  void check(const DropAttemptFiles& action);
  void check(const DropJobFiles& action);
  void check(const Reconnect& action);
  void check(const Exit& action);
  void check(const BeginAnew& action);
  void check_message(const proto::Hello& message);
  void check_message(const proto::Heartbeat& message);
  void check_message(const proto::CommitRequest& message);
  void check_message(const proto::AttemptFailed& message);
  void check_message(const proto::Bye& message);
  void check_message(const proto::WorkersDied& message);
  void check_message(const proto::InputsWanted& message);
  void check_message(const proto::OutputPart&) {
    ADD_FAILURE() << "the body says it, not the agent";
  }
  void check_message(const proto::GetBlob&) { ADD_FAILURE() << "the body says it, not the agent"; }
  void check_message(const proto::HostFilesListed&) {
    ADD_FAILURE() << "the body says it, not the agent";
  }
  void check_said(AttemptId attempt, Phase phase, std::string said);
  void check_log(AttemptId attempt, const std::string& text);
  void check_signature(WorkerId worker, const std::string& what);

  void check_duties(const Agent& agent, Instant now);
  void check_duties_of(AttemptId attempt, const AttemptBook& book);

  AttemptBook* find(AttemptId attempt);
  std::vector<AttemptId> in_phase(Phase phase) const;
  bool holds(JobId job) const;
  void report(const std::string& sentence) { violations_.push_back(sentence); }

  /// What the master said last of where the outputs of a job lie.
  struct ListBook {
    std::uint64_t seen = 0;  // Of the newest page, damaged or not.
    std::uint64_t version = 0;
    std::uint64_t generation = 0;
    std::map<std::uint32_t, AttemptId> outputs;  // By split.
  };

  const std::uint32_t slots_;
  std::map<JobId, ListBook> lists_;
  std::map<AttemptId, AttemptBook> attempts_;
  std::set<AttemptId> cancelled_unseen_;
  std::set<JobId> forgotten_;
  std::set<JobId> dropped_jobs_;
  std::uint64_t arrivals_ = 0;
  bool welcome_ = false;
  bool draining_ = false;
  bool exited_ = false;
  WorkerId worker_;
  std::uint64_t epoch_ = 0;
  std::uint64_t state_id_ = 0;
  bool other_state_ = false;  // The last welcome was of a master that knows nothing of us.
  std::vector<std::string> violations_;
};

/// "3" of the first epoch, "2:3" of the second.
std::string name_of(AttemptId attempt);

}  // namespace fanfold::worker
