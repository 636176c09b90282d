// I35: nothing commits but what a worker of the master's own state has asked for.  Of a state that
// was there before nobody here has heard (Cluster::lose_state).

#include <set>
#include <variant>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

class States final : public Checker {
 public:
  using Checker::Checker;

  void master_hears(std::uint32_t /*from*/, const proto::WorkerMessage& message) override {
    const auto* request = std::get_if<proto::CommitRequest>(&message);
    if (request != nullptr) asked_.insert(request->attempt);
  }
  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    const auto* committed = std::get_if<master::AttemptCommitted>(&fact);
    if (committed == nullptr || asked_.count(committed->attempt) > 0) return;
    violate("I35", text_of(committed->attempt) + " of " + text_of(committed->task) +
                       " commits, and no worker of this state has asked for it");
  }

 private:
  std::set<AttemptId> asked_;
};

}  // namespace

std::unique_ptr<Checker> check_states(Scene& scene) { return std::make_unique<States>(scene); }

}  // namespace fanfold::sim
