// I8: what is said of a job only goes forward, and its end is said the same way for ever.  A job
// that was accepted is never unknown, and one that has ended does not go on.
// L8: a client that asks is answered.

#include <map>
#include <variant>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

/// With everybody well: the question, a turn and the answer, repeated once.
constexpr Duration kAnswerMax = 5s;

int rank_of(proto::JobState state) {
  if (proto::is_final(state)) return 3;
  return state == proto::JobState::kPublishing ? 2 : 1;
}

class StatusOrder final : public Checker {
 public:
  using Checker::Checker;

  void client_is_told(const proto::ClientReply& reply) override {
    if (const auto* told = std::get_if<proto::JobReply>(&reply)) note(told->status);
  }

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    JobId id;
    if (const auto* started = std::get_if<master::JobCommitStarted>(&fact)) {
      id = started->job;
      const ModelJob* job = facts().find(id);
      if (job != nullptr && job->publishing) violate("I8", text_of(id) + " publishes twice");
    } else if (const auto* ended = std::get_if<master::JobEnded>(&fact)) {
      id = ended->job;
    }
    const ModelJob* job = facts().find(id);
    if (job != nullptr && job->ended) violate("I8", text_of(id) + " goes on after its end");
  }

  void end() override {
    for (const auto& client : scene().cluster->clients()) {
      // A submission that was repeated may be refused once and accepted once.
      if (client->refusal() && client->refusal()->starts_with("lost") && client->job() != JobId{}) {
        violate("I8", text_of(client->job()) + " was accepted, and is " + *client->refusal());
      }
      const auto since = client->unanswered_since();
      if (since && scene().world.now() - *since > kAnswerMax) {
        violate("L8", client->name() + " asked, and nobody answered");
      }
    }
  }

 private:
  void note(const proto::JobStatus& status) {
    const auto [known, fresh] = said_.emplace(status.job, status.state);
    if (fresh) return;
    const int before = rank_of(known->second);
    const int now = rank_of(status.state);
    if (now < before || (now == before && known->second != status.state)) {
      violate("I8", text_of(status.job) + " was " + proto::name_of(known->second) + ", and then " +
                        proto::name_of(status.state));
    }
    known->second = status.state;
  }

  std::map<JobId, proto::JobState> said_;
};

}  // namespace

std::unique_ptr<Checker> check_status(Scene& scene) { return std::make_unique<StatusOrder>(scene); }

}  // namespace fanfold::sim
