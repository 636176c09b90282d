// The inputs of reduce attempts.  The master tells each worker once a job, and again when it is not
// true any more, where the map outputs lie.  One that cannot be read does not end the attempt: it
// keeps what it has, tells the master, and waits for a list that has another.  The master tells no
// attempt of an output that came out different when it was made again, so that nothing is mixed.

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "common/proto/output_list.hpp"
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
    if (outputs.size() > limits::kLostNamed) failure.lost_outputs.resize(limits::kLostNamed);
    report_failure(held, std::move(failure), "");
    return;
  }
  if (held.missing.empty()) held.why_missing = why;
  for (const proto::MapOutput& output : outputs) held.missing[output.split] = output.attempt;
  held.asked = 0;
  // Another attempt may have missed it before.
  take_listed(held, Listed::kBefore);
  want_inputs(held);
}

void Machine::want_inputs(HeldAttempt& held) {
  if (held.missing.empty() && !held.unlisted) return;
  deadlines_.set(held.id, now_ + options_.resend * (1 + std::min(held.asked, kAskedSeldomMax - 1)));
  // Without a welcome there is no name to sign with; the welcome brings us back here.
  if (!welcome_) return;
  ++held.asked;
  proto::InputsWanted message;
  message.worker = worker_;
  message.attempt = held.id;
  message.lost.reserve(std::min(held.missing.size(), limits::kLostNamed));
  for (const auto& [split, attempt] : held.missing) {
    // What is not named now is named when these are replaced.
    if (message.lost.size() == limits::kLostNamed) break;
    message.lost.push_back(attempt);
  }
  if (!held.missing.empty()) message.message = held.why_missing;
  send(std::move(message), held.asked > 1);
}

void Machine::obey(const proto::ListPage& message) {
  heard_ = now_;
  if (past_.is_forgotten(message.job) || !lists_.add(message)) return;
  for (auto& [id, held] : held_) {
    if (held.job != message.job || held.phase != AttemptPhase::kFetching) continue;
    take_listed(held, Listed::kNow);
  }
}

void Machine::obey(const proto::HomeOutputs& message) {
  heard_ = now_;
  // It may come after the end of its job, and who leaves reduces nothing more.
  if (draining_ || past_.is_forgotten(message.job)) return;
  if (message.packed.empty()) return act(DropEarly{message.job, message.partitions});
  proto::OutputUnpacker unpacker;
  if (!unpacker.add(message.packed).ok()) return;
  past_.note_early(message.job);
  act(BringEarly{message.job, message.partitions, message.over_network, message.segment_bytes_max,
                 std::make_shared<const proto::OutputList>(unpacker.take())});
}

void Machine::take_listed(HeldAttempt& held, Listed listed) {
  const OutputLists::Known* known = lists_.find(held.job);
  // What it has, or is to have, does not go together with these: it is about to be cancelled.
  if (known == nullptr || known->generation != held.generation) return;
  if (!held.unlisted) return replace_missing(held, *known, listed);
  if (known->version < held.assignment.list_version) return;
  held.unlisted = false;
  deadlines_.clear(held.id);
  act(FetchInputs{held.assignment, known->list});
}

void Machine::replace_missing(HeldAttempt& held, const OutputLists::Known& known, Listed when) {
  ReplaceInputs replacement;
  replacement.attempt = held.id;
  for (auto missing = held.missing.begin(); missing != held.missing.end();) {
    const auto& listed = known.list->outputs;
    const auto found = std::lower_bound(
        listed.begin(), listed.end(), missing->first,
        [](const proto::MapOutput& output, std::uint32_t split) { return output.split < split; });
    // Of a time before it was lost.
    if (found == listed.end() || found->split != missing->first ||
        found->attempt == missing->second) {
      ++missing;
      continue;
    }
    missing = held.missing.erase(missing);
    // An older list may be as wrong as what the attempt had: that says nothing about this host.
    if (when == Listed::kNow) held.replaced.insert(found->split);
    replacement.outputs.push_back(*found);
  }
  if (replacement.outputs.empty()) return;
  if (held.missing.empty()) deadlines_.clear(held.id);
  replacement.list = known.list;
  act(std::move(replacement));
}

}  // namespace fanfold::worker::agency
