// The fixture of the agent's unit tests: a worker in domain verbs.  Each verb is one event; what it
// caused is in `last`.  Every step is checked against all invariants.

#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/core/limits.hpp"
#include "tests/agent/invariants.hpp"
#include "worker/agent/agent.hpp"

namespace fanfold::worker {

using namespace std::chrono_literals;
using proto::FailureKind;

class AgentTest : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kSlots = 2;
  static constexpr Duration kResend = 500ms;
  static constexpr Duration kHeartbeat = 1s;
  static constexpr Duration kSilence = 10s;
  static constexpr JobId kJob{1};
  static constexpr WorkerId kWorker{7};

  struct Order {
    std::uint64_t number = 1;
    Stage stage = Stage::kMap;
    JobId job = kJob;
    std::uint64_t epoch = 1;
    std::uint64_t task_timeout_ms = 0;
    std::uint64_t stall_timeout_ms = 0;
    bool has_inputs = true;  // Of a reduce.
  };
  static constexpr AttemptId attempt(std::uint64_t number, std::uint64_t epoch = 1) {
    return {epoch << 40 | number};
  }
  static proto::TaskAssignment assignment(const Order& order);

  void start() { step(Tick{}); }
  void welcome(std::uint64_t epoch = 1, WorkerId worker = kWorker);
  /// Started and welcome.
  void join() {
    start();
    welcome();
  }
  template <class Message>
  void master_says(Message message) {
    step(MasterSaid{std::move(message)});
  }
  /// Where the reduces of a job read, from now on.
  void list(std::uint64_t version, std::vector<proto::MapOutput> outputs,
            std::uint64_t generation = 0, JobId job = kJob);
  /// After the list of what it reads, version 1.
  AttemptId assign(const Order& order);
  AttemptId assign_map(std::uint64_t number) { return assign({.number = number}); }
  AttemptId assign_reduce(std::uint64_t number) {
    return assign({.number = number, .stage = Stage::kReduce});
  }
  void cancel(AttemptId id) { master_says(proto::CancelAttempt{id}); }
  void answer(AttemptId id, bool granted) { master_says(proto::CommitAnswer{id, granted}); }
  void note_failure(AttemptId id) { master_says(proto::FailureNoted{id}); }
  void forget(JobId job = kJob) { master_says(proto::ForgetJob{job}); }
  void echo(std::uint64_t epoch = 1) { master_says(proto::HeartbeatEcho{epoch}); }
  void drain() { step(DrainRequested{}); }

  void inputs_arrive(AttemptId id) { step(InputsReady{id, true, {}}); }
  void inputs_fail(AttemptId id, proto::FailureReport failure) {
    step(InputsReady{id, false, std::move(failure)});
  }
  void succeed(AttemptId id);
  void fail(AttemptId id, FailureKind kind = FailureKind::kException,
            const std::string& message = "it broke");
  void progress(AttemptId id, std::uint64_t beat, std::uint64_t records = 0,
                std::uint64_t bytes = 0) {
    step(ProgressSeen{{{id, records, bytes, beat}}});
  }

  /// Time passes; deadlines on the way are met as a service would meet them.
  void wait(Duration duration) { pass(duration, false); }
  /// The same, with a master that answers every heartbeat.
  void wait_with_echoes(Duration duration) { pass(duration, true); }
  /// The service does not run for so long, then does.
  void pause(Duration duration) {
    now = now + duration;
    step(Tick{});
  }

  void step(const Event& event);

  template <class Kind>
  std::vector<Kind> actions() const {
    std::vector<Kind> found;
    for (const Action& action : last) {
      if (const auto* one = std::get_if<Kind>(&action)) found.push_back(*one);
    }
    return found;
  }
  template <class Message>
  std::vector<Message> sent() const {
    std::vector<Message> found;
    for (const SendToMaster& one : actions<SendToMaster>()) {
      if (const auto* message = std::get_if<Message>(&one.message)) found.push_back(*message);
    }
    return found;
  }
  /// How many of them say what was said before.
  template <class Message>
  std::size_t said_again() const {
    std::size_t count = 0;
    for (const SendToMaster& one : actions<SendToMaster>()) {
      if (std::holds_alternative<Message>(one.message) && one.again) ++count;
    }
    return count;
  }
  /// Attempts started by the last verb.
  std::vector<AttemptId> started() const;
  /// What the worker lists; welcomes it again to hear it at once.
  std::vector<proto::AttemptProgress> listed();
  bool exited() const { return !actions<Exit>().empty(); }

  static proto::Hello hello();

  std::unique_ptr<Agent> agent = std::make_unique<Agent>(AgentOptions{hello(), kResend});
  Instant now{1h};
  std::vector<Action> last;  // Of the last verb.
  Invariants invariants{kSlots};

 private:
  void pass(Duration duration, bool echoes);
};

}  // namespace fanfold::worker
