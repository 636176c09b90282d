// The agent's inside.  One class, several files by concern:
//
//   machine.cpp    events, time, the link to the master
//   orders.cpp     what the master says
//   attempts.cpp   what executors report; slots, limits, the way out of the books
//   inputs.cpp     what fetchers report; map outputs that cannot be read
//   drain.cpp      leaving in good order
//
// Attempts the worker holds are bounded by what the scheduler assigns ahead of its slots; an
// event costs O(log n) of them, a heartbeat lists them all.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/core/deadlines.hpp"
#include "common/core/limits.hpp"
#include "worker/agent/agent.hpp"
#include "worker/agent/held_attempt.hpp"
#include "worker/agent/output_lists.hpp"
#include "worker/agent/past.hpp"

namespace fanfold::worker::agency {

class Machine {
 public:
  explicit Machine(AgentOptions options);

  void step(Instant now, const Event& event, std::vector<Action>* actions);
  std::optional<Instant> next_deadline() const;
  std::size_t queued() const { return queue_.size(); }
  std::vector<AttemptId> started() const;

 private:
  // Events.
  void on(const MasterSaid& event);
  void on(const AttemptEnded& event);
  void on(const AttemptWentOn& event);
  void on(const InputsMissing& event);
  void on(const InputsReady& event);
  void on(const ProgressSeen& event);
  void on(const DrainRequested& event);
  void on(const Tick&) {}

  // Messages of the master.
  void obey(const proto::Welcome& message);
  void obey(const proto::Unknown& message);
  void obey(const proto::HeartbeatEcho& message);
  void obey(const proto::Assign& message);
  void obey(const proto::CancelAttempt& message);
  void obey(const proto::CommitAnswer& message);
  void obey(const proto::FailureNoted& message);
  void obey(const proto::ForgetJob& message);
  void obey(const proto::Goodbye& message);
  void obey(const proto::ListPage& message);
  void obey(const proto::HomeOutputs& message);
  /// The body answers it, and keeps the keys.
  void obey(const proto::ReadOutput&) {}
  void obey(const proto::PeerKeys&) {}
  void obey(const proto::BlobPart&) {}
  void obey(const proto::ListHostFiles&) {}

  // The link.
  template <class One>
  void act(One action) {
    actions_->emplace_back(std::in_place_type<One>, std::move(action));
  }
  template <class Message>
  void send(Message message, bool again = false) {
    act(SendToMaster{proto::WorkerMessage(std::in_place_type<Message>, std::move(message)), again});
  }
  void say_hello();
  void lose_master();
  /// The master is of another state: all that is here means nothing to it.
  void begin_anew();
  void send_heartbeat();
  /// One is due at once, unless one was hastened just before.
  void hasten_heartbeat();
  void resend(HeldAttempt& held);
  void forgive_pause();
  void pass_time();

  // Attempts.
  HeldAttempt* find(AttemptId attempt);
  void hold(const proto::TaskAssignment& assignment);
  void enqueue(HeldAttempt& held);
  void start_queued();
  void kill(HeldAttempt& held, proto::FailureKind kind);
  void watch(const HeldAttempt& held);
  void pass_deadline(HeldAttempt& held);
  void report_success(HeldAttempt& held, const AttemptEnded& event);
  void report_failure(HeldAttempt& held, proto::FailureReport failure, std::string log_text);
  /// Nobody wants it any more.
  void abandon(HeldAttempt& held);
  void drop(AttemptId attempt);

  // Inputs.
  void note_missing(HeldAttempt& held, const std::vector<proto::MapOutput>& outputs,
                    const std::string& why);
  /// Asks for what the attempt waits for, and again at intervals.
  void want_inputs(HeldAttempt& held);
  /// What the newest list of the job has for it.
  enum class Listed : std::uint8_t { kBefore, kNow };
  void take_listed(HeldAttempt& held, Listed listed);
  void replace_missing(HeldAttempt& held, const OutputLists::Known& known, Listed when);

  // Drain.
  void send_bye();
  void give_back(HeldAttempt& held);
  void pass_drain();

  const AgentOptions options_;
  std::vector<std::string> died_;  // Not told to any master that welcomed us.
  std::map<AttemptId, HeldAttempt> held_;
  std::set<std::pair<std::uint64_t, AttemptId>> queue_;  // By arrival.
  std::map<JobId, std::uint32_t> held_by_job_;
  Deadlines<AttemptId> deadlines_;  // Time limits of the running, resends of the unanswered.
  std::uint32_t slots_busy_ = 0;
  std::uint64_t arrivals_ = 0;
  Past past_;
  OutputLists lists_;

  // The master, as far as we know it.
  bool begun_ = false;
  bool welcome_ = false;
  WorkerId worker_;
  std::uint64_t epoch_ = 0;
  std::uint64_t state_id_ = 0;  // Of all masters that welcomed us; 0: none has said.
  AttemptId newest_;            // That any master told of.
  Duration heartbeat_interval_ = limits::kHeartbeatInterval;
  Duration silence_max_ = limits::kWorkerSilence;
  Instant heard_;
  Instant hello_due_;
  bool hello_said_ = false;  // Since the last welcome.
  Instant heartbeat_due_;
  std::optional<Instant> hastened_;  // The last one that was due early.

  bool draining_ = false;
  bool said_finished_ = false;
  std::optional<Instant> quiet_since_;  // Draining, and nothing runs any more.
  bool exited_ = false;

  Instant now_;
  std::optional<Instant> awaited_;  // The deadline promised by the last step.
  std::vector<Action>* actions_ = nullptr;
};

}  // namespace fanfold::worker::agency
