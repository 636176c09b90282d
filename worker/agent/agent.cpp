#include "worker/agent/agent.hpp"

#include <utility>

#include "worker/agent/machine.hpp"

namespace fanfold::worker {

struct Agent::State {
  explicit State(AgentOptions options) : machine(std::move(options)) {}
  agency::Machine machine;
};

Agent::Agent(AgentOptions options) : state_(std::make_unique<State>(std::move(options))) {}

Agent::~Agent() = default;

void Agent::step(Instant now, const Event& event, std::vector<Action>* actions) {
  state_->machine.step(now, event, actions);
}

std::optional<Instant> Agent::next_deadline() const { return state_->machine.next_deadline(); }

std::size_t Agent::queued() const { return state_->machine.queued(); }

std::vector<AttemptId> Agent::started() const { return state_->machine.started(); }

}  // namespace fanfold::worker
