// The worker's brain: registration, heartbeats, slots, time limits, and what to tell the master.
//
// A pure state machine, like the scheduler: no sockets, files, clocks, threads, logging or
// randomness.  The service feeds events and performs actions in order.

#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/time.hpp"
#include "worker/agent/action.hpp"
#include "worker/agent/event.hpp"

namespace fanfold::worker {

struct AgentOptions {
  proto::Hello hello;  // Sent at start and whenever the master does not know us.
  Duration resend{};   // Unanswered commits, failures and hellos are repeated this often.
  /// Workers whose death this one found out; told until a master welcomes us.
  std::vector<std::string> died{};
};

class Agent {
 public:
  explicit Agent(AgentOptions options);
  ~Agent();

  /// Appends the consequences of `event` to `*actions`.  `now` never decreases.  The first call
  /// (usually a Tick) sends Hello.  Stale ids and repeated messages are normal and ignored; so are
  /// assignments whose attempt id carries an older epoch than the last Welcome (core/ids.hpp).
  void step(Instant now, const Event& event, std::vector<Action>* actions);

  /// The earliest moment at which a Tick could change anything.  A service that calls much later
  /// was paused: silence and missing progress of that time are held against nobody.
  std::optional<Instant> next_deadline() const;

  /// Attempts that only wait for a slot: so much is left to do without the master's word.
  std::size_t queued() const;

  /// Attempts whose progress the service should watch.
  std::vector<AttemptId> started() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fanfold::worker
