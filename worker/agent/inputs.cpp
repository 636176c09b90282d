// The inputs of reduce attempts.  A map output that cannot be read does not end the attempt: it
// keeps what it has, tells the master, and waits to be told where the output is now.  The master
// tells no attempt of an output that came out different when it was made again, so that nothing is
// mixed.

#include <algorithm>
#include <utility>
#include <vector>

#include "worker/agent/machine.hpp"

namespace fanfold::worker::agency {
namespace {

using proto::FailureKind;

/// The master is told again at growing intervals, up to so many times the usual one.
constexpr std::uint32_t kAskedSeldomMax = 8;

}  // namespace

void Machine::on(const InputsReady& event) {
  HeldAttempt* held = find(event.attempt);
  // Cancelled meanwhile.
  if (held == nullptr || held->phase != AttemptPhase::kFetching) return;
  if (event.succeeded) {
    enqueue(*held);
    return;
  }
  proto::FailureReport failure = event.failure;
  if (failure.kind == FailureKind::kNone) failure.kind = FailureKind::kFetch;
  report_failure(*held, std::move(failure), "");
}

void Machine::on(const InputsMissing& event) {
  HeldAttempt* held = find(event.attempt);
  if (held == nullptr || held->phase != AttemptPhase::kFetching) return;
  note_missing(*held, event.outputs, event.message);
}

void Machine::note_missing(HeldAttempt& held, const std::vector<proto::MapOutput>& outputs,
                           const std::string& why) {
  // Made again somewhere else, and unreadable again: more likely it is this host that cannot read.
  const bool again = std::any_of(
      outputs.begin(), outputs.end(),
      [&held](const proto::MapOutput& output) { return held.replaced.count(output.split) > 0; });
  if (again) {
    act(KillAttempt{held.id, FailureKind::kFetch});
    proto::FailureReport failure;
    failure.kind = FailureKind::kFetch;
    failure.message = why;
    failure.lost_outputs = outputs;
    report_failure(held, std::move(failure), "");
    return;
  }
  if (held.missing.empty()) held.why_missing = why;
  for (const proto::MapOutput& output : outputs) held.missing[output.split] = output.attempt;
  held.asked = 0;
  tell_missing(held);
}

void Machine::tell_missing(HeldAttempt& held) {
  if (held.missing.empty()) return;
  deadlines_.set(held.id, now_ + options_.resend * (1 + std::min(held.asked, kAskedSeldomMax - 1)));
  // Without a welcome there is no name to sign with; the welcome brings us back here.
  if (!welcome_) return;
  ++held.asked;
  proto::InputsLost message;
  message.worker = worker_;
  message.attempt = held.id;
  message.lost.reserve(held.missing.size());
  for (const auto& [split, attempt] : held.missing) message.lost.push_back(attempt);
  message.message = held.why_missing;
  send(std::move(message));
}

void Machine::obey(const proto::NewInputs& message) {
  heard_ = now_;
  HeldAttempt* held = find(message.attempt);
  if (held == nullptr || held->phase != AttemptPhase::kFetching) return;
  // What it has does not go together with these: it is about to be cancelled.
  if (message.generation != held->generation) return;
  ReplaceInputs replacement;
  replacement.attempt = held->id;
  for (const proto::MapOutput& output : message.outputs) {
    const auto missing = held->missing.find(output.split);
    // Said twice, or of a time before it was lost once more.
    if (missing == held->missing.end() || missing->second == output.attempt) continue;
    if (output.holder >= message.holders.size()) continue;
    held->missing.erase(missing);
    held->replaced.insert(output.split);
    replacement.outputs.push_back(output);
  }
  if (replacement.outputs.empty()) return;
  if (held->missing.empty()) deadlines_.clear(held->id);
  replacement.holders = message.holders;
  act(std::move(replacement));
}

}  // namespace fanfold::worker::agency
